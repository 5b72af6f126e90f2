"""GPIB through pyvisa-py, on a bus of the tests' own in the place of linux-gpib (bus_of_gpib)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest
from bus_of_gpib import ADDRESS, Bus
from gateway import LONG, Instrument
from pyvisa_py.sessions import Session

from drivers import LinkDown, ReplyTimeout, connect
from drivers.discovery import discover
from drivers.link import Link
from drivers.registry import model
from drivers.replies import Line
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings

RESOURCE = f"GPIB0::{ADDRESS}::INSTR"


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    made = Bus(Instrument())
    for name, module in made.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Session, "_session_classes", dict(Session._session_classes))
    monkeypatch.delitem(sys.modules, "pyvisa_py.gpib", raising=False)
    importlib.import_module("pyvisa_py.gpib")
    yield made
    assert made.opened == 0, "every descriptor is given back"
    sys.modules.pop("pyvisa_py.gpib", None)


def linked() -> Link:
    return Link(open_transport(RESOURCE, SerialSettings()), name=RESOURCE)


async def test_an_instrument_is_never_addressed_to_talk_with_nothing_to_say_on_gpib(bus: Bus) -> None:
    link = linked()
    for _ in range(2):
        await link.open()
        for _ in range(3):
            await link.send(b"*CLS\n")
            assert await link.exchange(b":SYST:ERR?\n", Line(), timeout_s=5) == b'0,"No Error"'
        await link.close()
    assert (bus.instrument.untimely, link.stray) == (0, 0)


async def test_a_message_longer_than_one_read_comes_whole_on_gpib(bus: Bus) -> None:
    link = linked()
    await link.open()
    assert await link.exchange(b"LONG?\n", Line(), timeout_s=10) == LONG.rstrip(b"\n")
    await link.close()


async def test_a_question_that_is_not_answered_is_a_time_out_and_no_reply_of_the_next_on_gpib(bus: Bus) -> None:
    link = linked()
    await link.open()
    with pytest.raises(ReplyTimeout):
        await link.exchange(b"MUTE?\n", Line(), timeout_s=0.1)
    assert link.in_doubt
    await link.close()
    await link.open()
    assert (await link.exchange(b"*IDN?\n", Line(), timeout_s=5)).startswith(b"KEITHLEY")
    await link.close()


async def test_a_6517_on_gpib_is_set_up_and_read(bus: Bus) -> None:
    device = connect(model("keithley-6517b"), RESOURCE, {"timeout_s": 0.5})
    assert (await device.open()).serial == "4096271"
    stale, first = [r for r in await device.take() if r.value is None], await device.take()
    assert (len(stale), [r.value for r in first]) == (2, [pytest.approx(-4.5e-12)])
    await device.close()
    assert bus.instrument.untimely == 0


async def test_an_instrument_that_is_gone_from_the_bus_is_a_lost_link_and_comes_back(bus: Bus) -> None:
    link = linked()
    await link.open()
    bus.plugged = False
    with pytest.raises(LinkDown):
        await link.exchange(b"*IDN?\n", Line(), timeout_s=5)
    await link.close()
    bus.plugged = True
    await link.open()
    assert (await link.exchange(b"*IDN?\n", Line(), timeout_s=5)).startswith(b"KEITHLEY")
    await link.close()


async def test_what_listens_on_the_bus_is_discovered(bus: Bus) -> None:
    found = await discover()
    assert [each.resource for each in found if each.resource.startswith("GPIB")] == [RESOURCE]
