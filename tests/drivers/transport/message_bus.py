"""What a bus of messages must do, whichever it is: asked of GPIB and of USBTMC in words of their own tests."""

from __future__ import annotations

from typing import Protocol

import pytest
from gateway import LONG, Instrument

from drivers import LinkDown, ReplyTimeout, connect
from drivers.link import Link
from drivers.registry import model
from drivers.replies import Line
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings


class Bus(Protocol):
    """The stand-in: the instrument on it, and whether it is there."""

    instrument: Instrument
    plugged: bool


def linked(resource: str) -> Link:
    return Link(open_transport(resource, SerialSettings()), name=resource)


async def is_asked_only_when_it_has_something_to_say(bus: Bus, resource: str) -> None:
    link = linked(resource)
    for _ in range(2):
        await link.open()
        for _ in range(3):
            await link.send(b"*CLS\n")
            assert await link.exchange(b":SYST:ERR?\n", Line(), timeout_s=5) == b'0,"No Error"'
        await link.close()
    assert (bus.instrument.untimely, link.stray) == (0, 0)


async def gives_a_long_message_whole(resource: str) -> None:
    link = linked(resource)
    await link.open()
    assert await link.exchange(b"LONG?\n", Line(), timeout_s=10) == LONG.rstrip(b"\n")
    assert await link.exchange(b":SYST:ERR?\n", Line(), timeout_s=5) == b'0,"No Error"'
    await link.close()


async def tells_of_a_question_without_an_answer(resource: str) -> None:
    link = linked(resource)
    await link.open()
    with pytest.raises(ReplyTimeout):
        await link.exchange(b"MUTE?\n", Line(), timeout_s=0.1)
    assert link.in_doubt
    await link.close()
    await link.open()
    assert (await link.exchange(b"*IDN?\n", Line(), timeout_s=5)).startswith(b"KEITHLEY")
    await link.close()


async def sets_up_and_reads_a_6517(resource: str, serial: str) -> None:
    device = connect(model("keithley-6517b"), resource, {"timeout_s": 1})
    assert (await device.open()).serial == serial
    stale, first = [r for r in await device.take() if r.value is None], await device.take()
    assert (len(stale), [r.value for r in first]) == (2, [pytest.approx(-4.5e-12)])
    await device.close()


async def comes_back_after_it_was_gone(bus: Bus, resource: str) -> None:
    link = linked(resource)
    await link.open()
    bus.plugged = False
    with pytest.raises(LinkDown):
        await link.exchange(b"*IDN?\n", Line(), timeout_s=5)
    await link.close()
    bus.plugged = True
    await link.open()
    assert (await link.exchange(b"*IDN?\n", Line(), timeout_s=5)).startswith(b"KEITHLEY")
    await link.close()
