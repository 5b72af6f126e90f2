"""A reply that takes long: it is begun and collected, and nothing else is asked meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers import Line, LinkDown, Misuse, ReplyTimeout
from drivers.link import Link
from drivers.transport.memory import MemoryTransport

pytestmark = pytest.mark.virtual_time

LINE = Line()


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Link, MemoryTransport]]:
    ours, theirs = MemoryTransport.pair()
    link = Link(ours, name="port")
    await link.open()
    try:
        yield link, theirs
    finally:
        await link.close()


async def test_a_long_reply_is_begun_and_collected_when_it_is_whole() -> None:
    async with linked() as (link, device):
        await link.begin(b"HEAT\n", timeout_s=5)
        assert await device.read_some() == b"HEAT\n"
        assert await link.collect(LINE, within_s=0) is None
        await device.write(b"1 2")
        for _ in range(10):
            await asyncio.sleep(0)
        assert await link.collect(LINE, within_s=0) is None
        await device.write(b" 3\n")
        assert await link.collect(LINE, within_s=1) == b"1 2 3"
        assert (link.in_doubt, link.stray) == (False, 0)
        await link.check()


async def test_nothing_else_is_asked_before_it_has_been_collected() -> None:
    async with linked() as (link, device):
        await link.begin(b"HEAT\n", timeout_s=5)
        for refused in (link.exchange(b"Q\n", LINE, timeout_s=1), link.begin(b"Q\n", timeout_s=1), link.check()):
            with pytest.raises(Misuse, match="must be collected before anything else is asked"):
                await refused
        await link.send(b"OFF\n")
        assert await device.read_some() == b"HEAT\n"
        assert await device.read_some() == b"OFF\n"
        await device.write(b"done\n")
        assert await link.collect(LINE, within_s=1) == b"done"
        with pytest.raises(Misuse, match="nothing was begun"):
            await link.collect(LINE, within_s=1)


async def test_one_that_is_overdue_leaves_a_doubt_and_comes_as_no_other_s_answer() -> None:
    async with linked() as (link, device):
        await link.begin(b"HEAT\n", timeout_s=0.02)
        with pytest.raises(ReplyTimeout, match=r"no reply within 0\.02 s"):
            await link.collect(LINE, within_s=1)
        assert link.in_doubt
        await device.write(b"late\n")
        with pytest.raises(ReplyTimeout):
            await link.exchange(b"Q\n", LINE, timeout_s=1)
        with pytest.raises(ReplyTimeout):
            await link.check()
        with link.recovering():
            assert await link.drain(0.01) == b""
        await link.check()
        assert link.stray == len(b"late")


async def test_recovering_and_opening_owe_nothing() -> None:
    async with linked() as (link, _):
        await link.begin(b"HEAT\n", timeout_s=5)
        with link.recovering():
            await link.drain(0.01)
        await link.check()
        await link.begin(b"HEAT\n", timeout_s=5)
        await link.open()
        await link.check()


async def test_a_loss_while_it_is_awaited_is_the_loss() -> None:
    async with linked() as (link, device):
        await link.begin(b"HEAT\n", timeout_s=5)
        assert device.peer is not None
        device.peer.cut()
        with pytest.raises(LinkDown):
            await link.collect(LINE, within_s=1)
        assert link.in_doubt
        with pytest.raises(LinkDown):
            await link.check()
