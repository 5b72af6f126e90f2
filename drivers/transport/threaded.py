"""Blocking libraries behind the seam: one worker thread a port, short reads in a loop, closed to unblock.

pyserial and pyvisa block. A subclass gives four blocking calls; this class keeps every one of them in the port's own
thread, hands what was read to the event loop, and never loses bytes to a cancelled read.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from drivers.errors import LinkDown
from drivers.transport.plain import plain

try:
    from termios import error as line_error  # no OSError, although it speaks of the same things
except ImportError:  # there is no termios on Windows
    line_error = OSError  # type: ignore[misc,assignment]  # the same name on every system

CLOSED_WITHIN_S = 2.0  # what the daemon gives a driver to let go: the port is closed under a call that hangs
PORT_ERRORS: tuple[type[Exception], ...] = (OSError, ValueError, line_error)


class ThreadedTransport(ABC):
    """Base of the pyserial and VISA transports."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._received: asyncio.Queue[bytes | LinkDown] = asyncio.Queue()
        self._hear: Callable[[bytes], None] | None = None
        self._handed = self._taken = 0  # pieces that the thread handed over, and that the loop has taken
        self._jobs: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._writing: set[asyncio.Future[None]] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost: LinkDown | None = LinkDown(f"{where} is not open.")
        self._stop = threading.Event()
        self._closed = False

    @abstractmethod
    def blocking_open(self) -> None:
        """Open the port. Raises any of `errors`."""

    @abstractmethod
    def blocking_write(self, data: bytes) -> None:
        """Write all of data. Raises any of `errors` when the port is gone."""

    @abstractmethod
    def blocking_read(self) -> bytes:
        """What arrives within a short time, or b""; raises any of `errors` when the port is gone."""

    @abstractmethod
    def blocking_close(self) -> None:
        """Close the port; called from another thread it must unblock a read."""

    def end_read(self) -> None:
        """Let a read that waits end early, where the library can: there is something to write. Called from the loop."""
        return

    errors: tuple[type[Exception], ...] = PORT_ERRORS
    pause_s = 0.0  # before the next read, where a read does not wait by itself; a write ends the pause

    async def open(self) -> None:
        """Open the port in its own thread. Raises LinkDown, naming why."""
        if self._thread is not None and self._thread.is_alive():
            raise LinkDown(f"{self._where} cannot be opened: it is still held by a call that does not return.")
        self._loop = asyncio.get_running_loop()
        self._received, self._jobs, self._stop = asyncio.Queue(), queue.SimpleQueue(), threading.Event()
        self._lost, self._closed, self._hear, self._handed, self._taken = None, False, None, 0, 0
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._work, args=(opened,), name=f"port-{self._where}", daemon=True)
        self._thread.start()
        await opened

    async def write(self, data: bytes) -> None:
        """Write in the port's thread, after the read under way. Raises LinkDown."""
        if self._loop is None or self._lost is not None:
            raise self._lost or LinkDown(f"{self._where} is not open.")
        done: asyncio.Future[None] = self._loop.create_future()
        self._writing.add(done)
        done.add_done_callback(self._writing.discard)
        self._jobs.put((data, done))
        self.end_read()
        await done  # cancelled before its turn, it is not sent at all

    async def read_some(self) -> bytes:
        """What the thread has read; cancelling loses nothing, the bytes stay in the queue.

        Raises LinkDown after the last byte.
        """
        if self._lost is not None and self._received.empty():
            raise self._lost
        got = await self._received.get()
        if isinstance(got, LinkDown):
            raise got
        return got

    def pass_to(self, hear: Callable[[bytes], None]) -> Callable[[], bool]:
        """hear() gets what the thread reads, in the loop."""
        self._hear = hear
        return self._quiet

    def _quiet(self) -> bool:
        """Whether all that the thread has read was passed on; what it has not read yet nobody knows."""
        return self._handed == self._taken and self._received.empty()

    async def close(self) -> None:
        """Stop the thread; a call that does not end by itself is unblocked by closing the port under it."""
        thread = self._thread
        if thread is None or self._closed:  # nothing more can be done about a call that did not end the first time
            return
        self._stop.set()
        self._jobs.put(None)  # ends a pause
        await asyncio.to_thread(thread.join, CLOSED_WITHIN_S / 2)
        if thread.is_alive():
            self._close_under_it()
            await asyncio.to_thread(thread.join, CLOSED_WITHIN_S / 4)
        self._closed = True
        self._lose(LinkDown(f"{self._where} was closed."))

    def _close_under_it(self) -> None:
        """In a thread of its own that nobody waits for: closing may hang as well, and the process must still end."""

        def close() -> None:
            with suppress(*self.errors):
                self.blocking_close()

        threading.Thread(target=close, name=f"closing-{self._where}", daemon=True).start()

    def _take(self, arrived: bytes, epoch: object) -> None:
        if epoch is not self._received:  # of an earlier opening
            return
        self._taken += 1
        if self._hear is None or not self._received.empty():  # what came first is read first
            self._received.put_nowait(arrived)
        else:
            self._hear(arrived)

    def _lose(self, why: LinkDown) -> None:
        """The port is gone: tell whoever reads, and whoever waits for a write."""
        if self._lost is None:
            self._lost = why
            self._received.put_nowait(why)
        for waiting in tuple(self._writing):
            _fail(waiting, why)

    # --- the port's thread ------------------------------------------------------------------------------------------

    def _work(self, opened: asyncio.Future[None]) -> None:
        why, is_open = LinkDown(f"{self._where} was lost by an error in this program."), False
        try:
            self.blocking_open()
            is_open = True
            self._call(_done, opened)
            self._serve()
            why = LinkDown(f"{self._where} was closed.")
        except self.errors as error:
            why = LinkDown(f"{self._where} {'is gone' if is_open else 'cannot be opened'}: {plain(error)}.")
        finally:  # whatever ended the thread, nobody is left waiting
            with suppress(*self.errors):
                self.blocking_close()
            self._call(_fail, opened, why)
            self._call(self._lose, why)

    def _serve(self) -> None:
        while not self._stop.is_set():
            with suppress(queue.Empty):
                self._write(self._jobs.get(timeout=self.pause_s))
            self._hand_over(self.blocking_read())

    def _write(self, job: tuple[bytes, asyncio.Future[None]] | None) -> None:
        if job is not None and not job[1].cancelled():
            self.blocking_write(job[0])
            self._call(_done, job[1])

    def _hand_over(self, arrived: bytes) -> None:
        if arrived:
            self._handed += 1
            self._call(self._take, arrived, self._received)

    def _call(self, what: Callable[..., object], *arguments: object) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(what, *arguments)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: LinkDown) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # who waited may have been cancelled: then nobody else looks at it
