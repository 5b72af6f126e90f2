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

CLOSED_WITHIN_S = 5.0


class ThreadedTransport(ABC):
    """Base of the pyserial and VISA transports."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._received: asyncio.Queue[bytes | LinkDown] = asyncio.Queue()
        self._jobs: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = threading.Event()

    @abstractmethod
    def blocking_open(self) -> None:
        """Open the port. Raises any of `errors`."""

    @abstractmethod
    def blocking_write(self, data: bytes) -> None:
        """Write all of data."""

    @abstractmethod
    def blocking_read(self) -> bytes:
        """What arrives within a short time, or b""; raises any of `errors` when the port is gone."""

    @abstractmethod
    def blocking_close(self) -> None:
        """Close the port; called from another thread it must unblock a read."""

    errors: tuple[type[Exception], ...] = (OSError,)

    async def open(self) -> None:
        """Open the port in its own thread."""
        self._loop = asyncio.get_running_loop()
        self._received, self._jobs, self._stop = asyncio.Queue(), queue.SimpleQueue(), threading.Event()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._work, args=(opened,), name=f"port-{self._where}", daemon=True)
        self._thread.start()
        await opened

    async def write(self, data: bytes) -> None:
        """Write in the port's thread, after the read under way."""
        if self._thread is None or self._loop is None:
            raise LinkDown(f"{self._where} is not open.")
        done: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put((data, done))
        await asyncio.shield(done)

    async def read_some(self) -> bytes:
        """What the thread has read; cancelling loses nothing, the bytes stay in the queue."""
        got = await self._received.get()
        if isinstance(got, LinkDown):
            self._received.put_nowait(got)
            raise got
        return got

    async def close(self) -> None:
        """Stop the thread; a read that does not end by itself is unblocked by closing the port under it."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stop.set()
        self._jobs.put(None)
        await asyncio.to_thread(thread.join, CLOSED_WITHIN_S / 2)
        if thread.is_alive():
            with suppress(*self.errors):
                await asyncio.to_thread(self.blocking_close)
            await asyncio.to_thread(thread.join, CLOSED_WITHIN_S / 2)
        self._received.put_nowait(LinkDown(f"{self._where} was closed."))

    # --- the port's thread ------------------------------------------------------------------------------------------

    def _work(self, opened: asyncio.Future[None]) -> None:
        try:
            self.blocking_open()
        except self.errors as error:
            self._call(_fail, opened, LinkDown(f"{self._where} cannot be opened: {error}."))
            return
        self._call(_done, opened)
        try:
            while not self._stop.is_set():
                self._write_waiting()
                data = self.blocking_read()
                if data:
                    self._call(self._received.put_nowait, data)
        except self.errors as error:
            lost = LinkDown(f"{self._where} is gone: {error}.")
            self._call(self._received.put_nowait, lost)
            self._fail_waiting(lost)
        finally:
            with suppress(*self.errors):
                self.blocking_close()

    def _write_waiting(self) -> None:
        with suppress(queue.Empty):
            while (job := self._jobs.get_nowait()) is not None:
                data, done = job
                try:
                    self.blocking_write(data)
                except self.errors as error:
                    self._call(_fail, done, LinkDown(f"{self._where} is gone: {error}."))
                    raise
                self._call(_done, done)

    def _fail_waiting(self, lost: LinkDown) -> None:
        """The port is gone: answer every write until the owner closes."""
        while not self._stop.is_set():
            with suppress(queue.Empty):
                job = self._jobs.get(timeout=0.1)
                if job is not None:
                    self._call(_fail, job[1], lost)

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
