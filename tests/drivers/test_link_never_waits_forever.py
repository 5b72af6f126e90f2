"""Lines that take no bytes, chatter unread, hang or fail as nobody foresaw: the link ends within its time, and says so.

No time is asserted; asyncio.timeout only ends what would otherwise wait for ever.
"""

from __future__ import annotations

import asyncio
import os
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from drivers import LinkDown, ReplyTimeout
from drivers.link import MOST_FRAMES, Link
from drivers.transport.memory import MemoryTransport
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings
from drivers.transport.threaded import ThreadedTransport

MUST_STOP_WITHIN_S = 5
MORE_THAN_A_LINE_HOLDS = b"x" * 200_000 + b"\n"


class TakesNothing(MemoryTransport):
    """A wire whose other end holds the flow."""

    async def write(self, data: bytes) -> None:
        await asyncio.Event().wait()


async def opened(transport: MemoryTransport) -> Link:
    link = Link(transport, name="line")
    await link.open()
    return link


async def test_a_request_that_cannot_be_sent_is_a_time_out_and_makes_dirty() -> None:
    link = await opened(TakesNothing())
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        with pytest.raises(ReplyTimeout, match=r"line: 2 bytes could not be sent within 0\.01 s"):
            await link.exchange(b"Q\n", timeout_s=0.01)
    assert link.dirty
    await link.close()


@pytest.mark.parametrize("cancel", [True, False])
async def test_a_command_sent_by_half_makes_dirty(cancel: bool) -> None:
    link = await opened(TakesNothing())
    sending = asyncio.create_task(link.send(b"SET\n", timeout_s=5 if cancel else 0.01))
    for _ in range(10):
        await asyncio.sleep(0)
    if cancel:
        sending.cancel()
    with pytest.raises((asyncio.CancelledError, ReplyTimeout)):
        await sending
    assert link.dirty
    await link.close()


async def test_a_doubtful_reply_stops_the_next_request_until_recovered() -> None:
    ours, theirs = MemoryTransport.pair()
    link = await opened(ours)
    link.doubt()
    with pytest.raises(ReplyTimeout, match="a reply is owed or was not understood; the line must be drained"):
        await link.exchange(b"Q\n", timeout_s=1)
    with link.recovering():
        asking = asyncio.create_task(link.exchange(b"who\n", timeout_s=1))
        assert await theirs.read_some() == b"who\n"
        await theirs.write(b"me\n")
        assert await asking == b"me"
    assert not link.dirty
    await link.close()


@pytest.mark.parametrize(
    "chatter", [b"hello\n" * (MOST_FRAMES // 4), b"\x55" * 40_000], ids=["lines", "noise-without-end"]
)
async def test_chatter_nobody_reads_is_counted_and_not_held(chatter: bytes) -> None:
    ours, theirs = MemoryTransport.pair()
    link = await opened(ours)
    for _ in range(50):
        await theirs.write(chatter)
        await asyncio.sleep(0)
    with pytest.raises(ReplyTimeout):
        await link.exchange(b"Q\n", timeout_s=1)
    assert link.dirty
    assert link.stray >= 50 * len(chatter) - 50 * chatter.count(b"\n")
    await link.close()


async def test_what_was_not_read_when_a_link_closes_is_counted() -> None:
    ours, theirs = MemoryTransport.pair()
    link = await opened(ours)
    asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=5))
    assert await theirs.read_some() == b"Q\n"
    await theirs.write(b"+1.2")
    ours.cut()
    with pytest.raises(LinkDown):
        await asking
    await link.close()
    assert link.stray == len(b"+1.2")
    assert link.trace.crossings[-1].direction == "stray"


async def test_a_reader_that_fails_as_nobody_foresaw_leaves_nobody_waiting_and_closes() -> None:
    class Odd(MemoryTransport):
        async def read_some(self) -> bytes:
            await self._queue.get()
            raise KeyError("unforeseen")

    odd, theirs = Odd(), MemoryTransport()
    odd.peer, theirs.peer = theirs, odd
    link = await opened(odd)
    asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=60))
    await theirs.read_some()
    await theirs.write(b"reply\n")
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        with pytest.raises(LinkDown, match="by an error in this program"):
            await asking
    await link.close()


@contextmanager
def a_line_nobody_reads() -> Iterator[str]:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    try:
        yield os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("form", ["{}", "pyserial:{}", "ASRL{}::INSTR"])
async def test_a_line_that_takes_no_bytes_times_out_and_closes_over(form: str) -> None:
    with a_line_nobody_reads() as device:
        link = Link(open_transport(form.format(device), SerialSettings()), name=device)
        await link.open()
        with pytest.raises(ReplyTimeout, match="could not be sent within"):
            await link.exchange(MORE_THAN_A_LINE_HOLDS, timeout_s=0.05)
        async with asyncio.timeout(MUST_STOP_WITHIN_S):
            await link.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith(("port-", "closing-"))]


class Hangs(ThreadedTransport):
    """A library that returns from nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__("The hanging port")
        self.let_go, self.reading = threading.Event(), threading.Event()
        self.written: list[bytes] = []

    def blocking_open(self) -> None:
        """Opens."""

    def blocking_write(self, data: bytes) -> None:
        self.written.append(data)

    def blocking_read(self) -> bytes:
        self.reading.set()
        self.let_go.wait()
        return b""

    def blocking_close(self) -> None:
        self.let_go.wait()


async def test_hang_even_when_closing_hangs_too_the_loop_can_stop() -> None:
    transport = Hangs()
    await transport.open()
    await asyncio.to_thread(transport.reading.wait, MUST_STOP_WITHIN_S)
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await transport.close()
    with pytest.raises(LinkDown, match="still held"):
        await transport.open()
    held = [t for t in threading.enumerate() if t.name.startswith(("port-", "closing-"))]
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await asyncio.get_running_loop().shutdown_default_executor()  # what ends asyncio.run
    assert held
    assert all(thread.daemon for thread in held)
    transport.let_go.set()
    for thread in held:
        thread.join(MUST_STOP_WITHIN_S)


async def test_a_request_given_up_before_its_turn_is_not_sent_later() -> None:
    transport = Hangs()
    await transport.open()
    await asyncio.to_thread(transport.reading.wait, MUST_STOP_WITHIN_S)
    given_up = asyncio.create_task(transport.write(b"given up"))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    wanted = asyncio.create_task(transport.write(b"wanted"))
    await asyncio.sleep(0)
    transport.let_go.set()
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await wanted
        await transport.close()
    assert transport.written == [b"wanted"]
