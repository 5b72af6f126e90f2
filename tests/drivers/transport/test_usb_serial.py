"""A serial port named by its USB adapter: found again under another name, and never another adapter in its place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from serial.tools.list_ports_common import ListPortInfo
from wires import SERIAL, Instrument, on_a_line

from drivers import LinkDown, Misuse
from drivers.discovery import discover
from drivers.link import Link
from drivers.replies import Line
from drivers.transport.prologix import PrologixTransport
from drivers.transport.resource import open_transport
from drivers.transport.usb_serial import UsbIdentity, UsbSerialTransport

WANTED = "usb:0403:6001:A50285BI"


def port(device: str, serial: str | None = "A50285BI", vid: int | None = 0x0403, pid: int = 0x6001) -> Any:
    return SimpleNamespace(device=device, vid=vid, pid=pid, serial_number=serial, description="cable")


ON_THE_BOARD = port("/dev/ttyS0", None, None)
OTHER = port("/dev/ttyUSB0", "B7")


async def why_not(resource: str, *there: Any) -> str:
    with pytest.raises(LinkDown) as refused:
        await UsbSerialTransport(UsbIdentity.of(resource), SERIAL, lambda: there).open()
    return str(refused.value)


@pytest.mark.parametrize("resource", [WANTED, "usb:0403:6001", "usb:A50285BI", "usb:0403:6001:a50285bi"])
async def test_it_is_looked_up_at_every_opening(resource: str) -> None:
    first, second = Instrument(), Instrument()
    with on_a_line(first) as (one, unplug), on_a_line(second) as (two, _):
        there = [ON_THE_BOARD, port(one)]
        transport = UsbSerialTransport(UsbIdentity.of(resource), SERIAL, lambda: there)
        link = Link(transport, name=resource)
        await link.open()
        assert await link.exchange(b"a\n", Line(), timeout_s=5) == b"1:a"
        unplug()
        there[:] = [port(two)]
        await link.open()
        assert await link.exchange(b"bc\n", Line(), timeout_s=5) == b"2:bc"
        await link.close()
        with pytest.raises(LinkDown, match="is not open"):
            await transport.write(b"after")
    assert (first.asked, second.asked) == ([b"a"], [b"bc"])


async def test_another_adapter_is_refused_and_named() -> None:
    assert await why_not(WANTED, OTHER, ON_THE_BOARD) == (
        "The USB serial adapter 0403:6001 with serial number A50285BI is not plugged in;"
        " there is 0403:6001 B7 on /dev/ttyUSB0."
    )
    assert (await why_not("usb:A50285BI")).endswith(
        "adapter with serial number A50285BI is not plugged in; there is none at all."
    )
    assert "1a86:7523 without a serial number" in await why_not(WANTED, port("/dev/ttyUSB0", None, 0x1A86, 0x7523))
    assert (await why_not(WANTED, *[port(f"/dev/ttyUSB{n}", "B7") for n in range(10)])).endswith("and 2 more.")


async def test_of_two_that_fit_none_is_guessed() -> None:
    said = await why_not("usb:0403:6001", OTHER, port("/dev/ttyUSB1"))
    assert said.startswith("2 USB serial adapters are 0403:6001 (0403:6001 B7 on /dev/ttyUSB0, ")
    assert "name one of them by its serial number" in said


def test_what_has_no_colon_is_a_serial_number() -> None:
    assert UsbIdentity.of("usb:0403") == UsbIdentity(None, None, "0403")


@pytest.mark.parametrize("wrong", ["usb:", "usb:0403:60", "usb:0403:6001:", "usb:xyz1:6001", "usb:a b"])
def test_a_wrong_one_is_refused_with_what_is_allowed(wrong: str) -> None:
    with pytest.raises(Misuse, match="allowed are usb:VID:PID:SERIAL, usb:VID:PID with four hexadecimal digits each"):
        open_transport(wrong, SERIAL)


def test_it_is_a_resource_also_of_an_adapter_to_gpib() -> None:
    assert type(open_transport(WANTED, SERIAL)) is UsbSerialTransport
    assert type(open_transport(f"prologix:{WANTED}:27", SERIAL)) is PrologixTransport


async def test_discovery_gives_the_name_that_stays_where_the_system_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr("drivers.discovery._visa_resources", list)
    monkeypatch.setattr("drivers.discovery.BY_ID", tmp_path)
    there = [ListPortInfo("COM7"), ListPortInfo("COM8")]
    for each, serial in zip(there, ("A50285BI", None), strict=True):
        each.vid, each.pid, each.serial_number = 0x0403, 0x6001, serial
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: there)
    assert [(each.resource, each.stays) for each in await discover()] == [("COM7", WANTED), ("COM8", None)]
