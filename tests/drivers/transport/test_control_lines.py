"""How DTR and RTS stand from the opening on: as chosen, set by each library before the line is used, or refused."""

from __future__ import annotations

import fcntl
import struct
import termios
from collections.abc import Callable
from typing import Any

import pytest
import serial
from pydantic import ValidationError
from wires import Instrument, on_a_line

from drivers import Misuse
from drivers.transport.pyserial_backend import PyserialTransport
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings

LOW = SerialSettings(dtr=False, rts=False)
LINES = {"dtr": termios.TIOCM_DTR, "rts": termios.TIOCM_RTS}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, int]]:
    """What the system is told of modem lines, (asserted, bits): a pty has none and would refuse it."""
    calls: list[tuple[bool, int]] = []
    system: Callable[..., Any] = fcntl.ioctl

    def ioctl(fd: int, request: int, *arguments: Any) -> Any:
        if request not in (termios.TIOCMBIS, termios.TIOCMBIC):
            return system(fd, request, *arguments)
        (bits,) = struct.unpack("I", bytes(arguments[0]))
        calls.append((request == termios.TIOCMBIS, bits))
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    return calls


def stand(calls: list[tuple[bool, int]], line: str) -> list[bool]:
    return [asserted for asserted, bits in calls if bits & LINES[line]]


@pytest.mark.parametrize("form", ["{}", "pyserial:{}"])
@pytest.mark.parametrize("line", ["dtr", "rts"])
async def test_a_line_that_shall_stay_low_is_never_asserted_by_us(
    form: str, line: str, told: list[tuple[bool, int]]
) -> None:
    other = {"dtr": "rts", "rts": "dtr"}[line]
    with on_a_line(Instrument()) as (device, _):
        transport = open_transport(form.format(device), SerialSettings.model_validate({line: False}))
        await transport.open()
        opening = list(told)
        await transport.close()
    assert stand(opening, line) == [False]
    assert stand(opening, other) == [True], "what was not chosen is asserted, as ever"


@pytest.mark.parametrize("form", ["{}", "pyserial:{}"])
async def test_both_stand_as_chosen_after_every_opening(form: str, told: list[tuple[bool, int]]) -> None:
    with on_a_line(Instrument()) as (device, _):
        transport = open_transport(form.format(device), LOW)
        for _ in range(2):
            told.clear()
            await transport.open()
            assert (stand(told, "dtr"), stand(told, "rts")) == ([False], [False])
            await transport.close()


async def test_pyserial_itself_asserts_both_where_they_are_set_after_opening_only(told: list[tuple[bool, int]]) -> None:
    """The reason for the order: what pyserial is told before open() it opens with, what it is told later comes late."""
    with on_a_line(Instrument()) as (device, _):
        late = serial.Serial(device)
        late.dtr = late.rts = False
        late.close()
        assert (stand(told, "dtr"), stand(told, "rts")) == ([True, False], [True, False])
        told.clear()
        early = serial.Serial()
        early.port, early.dtr, early.rts = device, False, False
        early.open()
        early.close()
        assert (stand(told, "dtr"), stand(told, "rts")) == ([False], [False])


def test_the_command_line_says_them_in_words() -> None:
    assert SerialSettings.model_validate({"dtr": "false", "rts": "true"}) == SerialSettings(dtr=False, rts=True)


async def test_pyserials_loop_shows_the_lines_as_chosen() -> None:
    transport = PyserialTransport("loop://", SerialSettings(dtr=False, rts=True))
    await transport.open()
    assert transport._port is not None
    assert (transport._port.dsr, transport._port.cts) == (False, True)  # its DSR is its DTR, its CTS its RTS
    await transport.close()


@pytest.mark.parametrize(
    "resource",
    ["tcp:192.0.2.7:4001", "TCPIP::192.0.2.7::5025::SOCKET", "TCPIP::192.0.2.7::INSTR", "GPIB0::27::INSTR",
     "USB0::0x05E6::0x6517::123::INSTR", "socket://192.0.2.7:4001",
     "pyserial:socket://192.0.2.7:4001", "prologix:tcp:192.0.2.9:1234:27"],
)  # fmt: skip
@pytest.mark.parametrize("line", [{"dtr": False}, {"rts": True}])
def test_where_there_are_no_such_lines_they_are_refused(resource: str, line: dict[str, bool]) -> None:
    with pytest.raises(Misuse, match=r"serial.dtr and serial.rts cannot be set on .*leave them out\."):
        open_transport(resource, SerialSettings.model_validate(line))


@pytest.mark.parametrize(
    "resource",
    [
        "/dev/ttyUSB0",
        "COM3",
        "ASRL/dev/ttyS0::INSTR",
        "usb:0403:6001:A1",
        "rfc2217://192.0.2.7:4000",
        "spy:///dev/ttyS1",
        "prologix:COM3:5",
    ],
)
def test_where_there_are_they_are_taken(resource: str) -> None:
    assert open_transport(resource, LOW) is not None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"dtr": "low"}, "valid boolean"),
        ({"rts": 1}, "valid boolean"),
        ({"rts": False, "flow": "rts-cts"}, "rts cannot be chosen where flow is 'rts-cts'"),
    ],
)
def test_a_wrong_choice_is_refused_with_what_is_allowed(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        SerialSettings.model_validate(settings)
