"""Message based VISA resources through the real pyvisa-py where a resource says so, without it where it does not."""

from __future__ import annotations

from typing import Any

import pytest
from gateway import LONG, Instrument, behind_a_gateway
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from drivers import LinkDown, connect
from drivers.link import Link
from drivers.registry import model
from drivers.replies import Line
from drivers.transport import visa
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings
from drivers.transport.visa import VisaTransport

by_both = pytest.mark.parametrize("way", ["", "pyvisa:"])


@by_both
async def test_an_instrument_is_never_addressed_to_talk_with_nothing_to_say(way: str) -> None:
    instrument = Instrument()
    async with behind_a_gateway(instrument) as (resource, _):
        link = Link(open_transport(way + resource, SerialSettings()), name=resource)
        await link.open()
        for _ in range(3):
            await link.send(b"*CLS\n")
            assert await link.exchange(b":SYST:ERR?\n", Line(), timeout_s=5) == b'0,"No Error"'
        await link.close()
    assert instrument.untimely == 0
    assert link.stray == 0


@by_both
async def test_a_message_longer_than_one_read_comes_whole(way: str) -> None:
    async with behind_a_gateway(Instrument()) as (resource, _):
        link = Link(open_transport(way + resource, SerialSettings()), name=resource)
        await link.open()
        assert await link.exchange(b"LONG?\n", Line(), timeout_s=10) == LONG.rstrip(b"\n")
        await link.close()


@by_both
async def test_a_6517_behind_a_gateway_is_set_up_and_read(way: str) -> None:
    instrument = Instrument()
    async with behind_a_gateway(instrument) as (resource, _):
        device = connect(model("keithley-6517b"), way + resource, {"timeout_s": 1})
        assert (await device.open()).serial == "4096271"
        stale, first = [r for r in await device.take() if r.value is None], await device.take()
        assert (len(stale), [r.value for r in first]) == (2, [pytest.approx(-4.5e-12)])
        await device.close()
    assert instrument.heard.count(b":SENS:DATA:FRES?") == 4


@by_both
async def test_vanish_read_of_a_gateway_is_a_lost_link(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visa, "MESSAGE_MS", 100)  # the backend waits so long when it was in the middle of a call
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        link = Link(open_transport(way + resource, SerialSettings()), name=resource)
        await link.open()
        for writer in gateway.writers:
            writer.close()
        with pytest.raises(LinkDown, match="is gone"):
            await link.exchange(b"*IDN?\n", Line(), timeout_s=10)
        await link.close()


class WithoutStatus:
    """What pyvisa shows of a USB session: reading the status byte is not supported by the backend."""

    def __init__(self) -> None:
        self.session, self.visalib = 1, self
        self.sessions, self.interface = {1: self}, None
        self.reads = 0

    def read_stb(self) -> int:
        raise VisaIOError(StatusCode.error_nonsupported_operation)

    def ignore_warning(self, *_: Any) -> Any:
        return self

    def __enter__(self) -> None:
        """As a context manager it does nothing."""

    def __exit__(self, *_: object) -> None:
        """As a context manager it does nothing."""

    def read(self, session: int, count: int) -> tuple[bytes, StatusCode]:
        self.reads += 1
        return b"answer\n", StatusCode.success

    def write_raw(self, data: bytes) -> None:
        """Takes everything."""


def test_without_a_status_byte_only_a_question_is_followed_by_a_read() -> None:
    transport = VisaTransport("USB0::0x05E6::0x6517::123::INSTR")
    session = transport._session = WithoutStatus()
    assert transport.blocking_read() == b""
    transport.blocking_write(b"*CLS\n")
    assert transport.blocking_read() == b""
    transport.blocking_write(b"*IDN?\n")
    assert transport.blocking_read() == b"answer\n"
    assert transport.blocking_read() == b""
    assert session.reads == 1


def test_a_reply_is_looked_for_at_once_and_then_less_and_less_often() -> None:
    transport = VisaTransport("USB0::0x05E6::0x6517::123::INSTR")
    transport._session = WithoutStatus()
    pauses = []
    transport.blocking_write(b"*CLS\n")
    for _ in range(10):
        pauses.append(transport.pause_s)
        assert transport.blocking_read() == b""
    assert pauses[:4] == [0.0, visa.FIRST_PAUSE_S, 2 * visa.FIRST_PAUSE_S, 4 * visa.FIRST_PAUSE_S]
    assert pauses[-1] == visa.LONGEST_PAUSE_S
    transport.blocking_write(b"*IDN?\n")
    assert transport.pause_s == 0.0
    transport.blocking_read()
    assert transport.pause_s == visa.LONGEST_PAUSE_S, "a whole message came: another comes for a question only"
