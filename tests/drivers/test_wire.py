"""What a driver has of its line: whatever parse refuses leaves a doubt, a refusal of the instrument leaves none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers import Declined, DriverFault, Exactly, Garbled, LinkDown, Misuse, ReplyTimeout
from drivers.link import Link
from drivers.transport.memory import MemoryTransport
from drivers.wire import Wire

pytestmark = pytest.mark.virtual_time


@asynccontextmanager
async def wired(timeout_s: float = 1.0) -> AsyncIterator[tuple[Wire, Link, MemoryTransport]]:
    ours, theirs = MemoryTransport.pair()
    link = Link(ours, name="port")
    await link.open()
    try:
        yield Wire(link, timeout_s), link, theirs
    finally:
        await link.close()


async def asked(wire: Wire, device: MemoryTransport, said: bytes, parse: Callable[[bytes], Any], **more: Any) -> Any:
    asking = asyncio.create_task(wire.ask(b"Q\n", parse, **more))
    assert await device.read_some() == b"Q\n"
    await device.write(said)
    return await asking


async def test_a_reply_is_parsed_and_heard() -> None:
    async with wired() as (wire, link, device):
        assert wire.name == "port"
        assert await asked(wire, device, b"12\r\n", int) == 12
        assert await asked(wire, device, b"ab", bytes.hex, reply=Exactly(2)) == "6162"
        assert (wire.heard, link.in_doubt) == ([b"12", b"ab"], False)


async def answering(device: MemoryTransport, *said: bytes) -> None:
    for each in said:
        assert await device.read_some() == b"Q\n"
        await device.write(each)


async def test_what_is_kept_for_long_is_asked_twice_and_must_be_the_same() -> None:
    async with wired() as (wire, link, device), asyncio.TaskGroup() as tasks:
        tasks.create_task(answering(device, b"12\n", b"12\n", b"12\n", b"13\n"))
        assert await wire.ask_twice(b"Q\n", int) == 12
        assert not link.in_doubt
        with pytest.raises(Garbled, match="Q was answered in two ways, '12' and '13'"):
            await wire.ask_twice(b"Q\n", int)
        assert link.in_doubt


def raising(error: Exception) -> Callable[[bytes], None]:
    def parse(raw: bytes) -> None:
        raise error

    return parse


@pytest.mark.parametrize("error", [Garbled("no", b"x"), Misuse("no"), LinkDown("no"), DriverFault("no")])
async def test_whatever_parse_refuses_leaves_a_doubt_and_its_bytes(error: Exception) -> None:
    async with wired() as (wire, link, device):
        with pytest.raises(type(error), match="no"):
            await asked(wire, device, b"x\n", raising(error))
        assert (wire.heard, link.in_doubt) == ([b"x"], True)
        with pytest.raises(ReplyTimeout, match="must be drained"):
            await wire.ask(b"Q\n", bytes)
        with pytest.raises(ReplyTimeout, match="must be drained"):
            await wire.send(b"S\n")


@pytest.mark.parametrize("error", [ValueError("bad"), KeyError("bad"), RecursionError("bad"), AssertionError("bad")])
async def test_any_other_exception_of_parse_is_garbled_in_one_sentence(error: Exception) -> None:
    async with wired() as (wire, link, device):
        says = rf"^An error in the driver \({type(error).__name__}: '?bad'?\) while parsing 'x\\x07y'\.$"
        with pytest.raises(Garbled, match=says) as caught:
            await asked(wire, device, b"x\x07y\n", raising(error))
        assert (caught.value.raw, link.in_doubt) == (b"x\x07y", True)


async def test_a_refusal_in_the_instruments_own_words_leaves_the_line_sound() -> None:
    async with wired() as (wire, link, device):
        with pytest.raises(Declined):
            await asked(wire, device, b"NO\n", raising(Declined("no", b"NO")))
        assert (wire.heard, link.in_doubt) == ([b"NO"], False)
        assert await asked(wire, device, b"1\n", int) == 1


async def test_the_time_out_is_its_own_or_that_of_the_settings() -> None:
    async with wired(timeout_s=0.01) as (wire, link, _):
        with pytest.raises(ReplyTimeout, match=r"within 0\.01 s"):
            await wire.ask(b"Q\n", bytes)
        assert (wire.heard, link.in_doubt) == ([], True)
    async with wired() as (wire, _, _):
        with pytest.raises(ReplyTimeout, match=r"within 0\.02 s"):
            await wire.ask(b"Q\n", bytes, timeout_s=0.02)


async def test_what_has_no_reply_is_only_sent() -> None:
    async with wired() as (wire, link, device):
        await wire.send(b"SET\n")
        assert await device.read_some() == b"SET\n"
        assert (wire.heard, link.in_doubt) == ([], False)


async def test_a_long_reply_is_parsed_when_it_is_collected_and_what_parse_refuses_leaves_a_doubt() -> None:
    async with wired() as (wire, link, device):
        await wire.begin(b"HEAT\n", timeout_s=5)
        assert await wire.collect(int, within_s=0) is None
        await device.write(b"12\n")
        assert await wire.collect(int, within_s=1) == 12
        assert wire.heard == [b"12"]
        await wire.check()
        await wire.begin(b"HEAT\n", timeout_s=5)
        await device.write(b"x\n")
        with pytest.raises(Garbled):
            await wire.collect(int, within_s=1)
        assert link.in_doubt
        with pytest.raises(ReplyTimeout):
            await wire.check()
