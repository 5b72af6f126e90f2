"""Lines that take no bytes and libraries that hang: the link ends within its time, and says so.

No time is asserted; asyncio.timeout only ends what would otherwise wait for ever.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hanging_port import Hangs
from waiting import until

from drivers import Line, LinkDown, ReplyTimeout
from drivers.link import Link
from drivers.transport.resource import open_transport
from drivers.transport.serial import SerialSettings
from drivers.transport.threaded import ThreadedTransport

LINE = Line()
MUST_STOP_WITHIN_S = 5
MORE_THAN_A_LINE_HOLDS = b"x" * 200_000 + b"\n"


@pytest.fixture(autouse=True)
def nothing_is_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.transport.threaded.CLOSED_WITHIN_S", 0.5)
    monkeypatch.setattr("drivers.transport.serial.UNSENT_S", 0.02)


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
    others = set(threading.enumerate())
    with a_line_nobody_reads() as device:
        link = Link(open_transport(form.format(device), SerialSettings()), name=device)
        await link.open()
        with pytest.raises(ReplyTimeout, match="could not be sent within"):
            await link.exchange(MORE_THAN_A_LINE_HOLDS, LINE, timeout_s=0.05)
        async with asyncio.timeout(MUST_STOP_WITHIN_S):
            await link.close()
    left = [t for t in set(threading.enumerate()) - others if t.name.startswith(("port-", "closing-"))]
    for thread in left:  # it says that it is done a moment before it ends
        await asyncio.to_thread(thread.join, MUST_STOP_WITHIN_S)
        assert not thread.is_alive()


async def test_even_when_closing_hangs_too_the_loop_can_stop() -> None:
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


@contextmanager
def an_other_end(form: str) -> Iterator[tuple[str, Callable[[], Callable[[bytes], object]]]]:
    """(resource, what gives the other end's voice once it is open): what it says is at the system at once."""
    if form == "tcp":
        with socket.create_server(("127.0.0.1", 0)) as server:
            connections: list[socket.socket] = []

            def accepted() -> Callable[[bytes], object]:
                connections.append(server.accept()[0])
                return connections[0].sendall

            yield f"tcp:127.0.0.1:{server.getsockname()[1]}", accepted
            connections[0].close()
    else:
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        yield os.ttyname(theirs), lambda: lambda data: os.write(ours, data)
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("form", ["tcp", "pty"])
async def test_what_is_at_the_system_before_a_request_is_seen_before_it_is_sent(form: str) -> None:
    """No turn of the loop lies between the other end's word and the request."""
    with an_other_end(form) as (resource, opened):
        link = Link(open_transport(resource, SerialSettings()), name=resource)
        await link.open()
        say = opened()
        say(b"\r\n")
        say(b"stray\n")
        with pytest.raises(ReplyTimeout, match="'stray' came unasked"):
            await link.exchange(b"Q\n", LINE, timeout_s=MUST_STOP_WITHIN_S)
        with link.recovering():
            assert await link.drain(0.01) == b""
            asking = asyncio.create_task(link.exchange(b"Q\n", LINE, timeout_s=MUST_STOP_WITHIN_S))
            await until(lambda: link.trace.crossings[-1].direction == "sent")
            say(b"answ")
            await asyncio.sleep(0)
            say(b"er\n")
            assert await asking == b"answer"
        assert (link.in_doubt, link.stray) == (False, len(b"stray"))
        assert [c.data for c in link.trace.crossings if c.direction == "sent"] == [b"Q\n"]
        await link.close()


class Waits(ThreadedTransport):
    """A library whose read waits until something comes, or until it is told to end."""

    def __init__(self) -> None:
        super().__init__("The waiting port")
        self.reading, self.end, self.written = threading.Event(), threading.Event(), threading.Event()

    def blocking_open(self) -> None:
        """Opens."""

    def blocking_write(self, data: bytes) -> None:
        self.written.set()

    def blocking_read(self) -> bytes:
        self.reading.set()
        self.end.wait()
        return b""

    def end_read(self) -> None:
        self.end.set()

    def blocking_close(self) -> None:
        self.end.set()


async def test_a_write_ends_a_read_that_waits() -> None:
    transport = Waits()
    await transport.open()
    await asyncio.to_thread(transport.reading.wait, MUST_STOP_WITHIN_S)
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await transport.write(b"x")
        assert transport.written.is_set()
        await transport.close()


async def test_a_write_ends_the_pause_between_two_reads() -> None:
    transport = Waits()
    transport.pause_s = 60.0
    transport.end.set()
    await transport.open()
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await transport.write(b"x")
        await transport.close()
    assert transport.written.is_set()
