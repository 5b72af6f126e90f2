"""One owner for one port: requests in turn, replies framed, and a dirty flag when a reply may belong to another.

A link becomes dirty by a time-out, a cancellation in mid-exchange, a reply without end, or bytes that nobody asked for.
A dirty link refuses requests until its owner has drained it and knows again who answers: so a late reply is never taken
for the answer to the next request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from drivers.errors import Garbled, LinkDown, ReplyTimeout
from drivers.framing import Framer
from drivers.trace import Trace
from drivers.transport.base import Transport

TURNS_BEFORE_REQUEST = 4  # turns of the event loop: what has already arrived is seen before a request is sent
LONGEST_DRAIN_S = 5.0


class Link:
    """Request and reply over a transport. Errors: LinkDown, ReplyTimeout, Garbled."""

    def __init__(
        self,
        transport: Transport,
        *,
        name: str,
        reply_terminators: tuple[bytes, ...] = (b"\r\n", b"\n", b"\r"),
        max_reply: int = 65536,
        trace: Trace | None = None,
    ) -> None:
        self.name = name
        self.stray = 0
        self.trace = trace or Trace()
        self._transport = transport
        self._framer = Framer(reply_terminators, max_reply)
        self._frames: deque[bytes] = deque()
        self._lock = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._down: LinkDown | None = LinkDown(f"{name} is not open.")
        self._overlong: bytes | None = None
        self._dirty = False
        self._recovering = False

    @property
    def dirty(self) -> bool:
        """Whether the next bytes to arrive may belong to something older than the next request."""
        return self._dirty

    async def open(self) -> None:
        """Open the port, closing it first where it was open. Raises LinkDown."""
        await self.close()
        await self._transport.open()
        self._down = self._overlong = None
        self._dirty = False
        self._frames.clear()
        self._framer.reset()
        self._reader = asyncio.create_task(self._read(), name=f"link-{self.name}")

    async def close(self) -> None:
        """Close the port; whoever waits for a reply gets LinkDown."""
        await self._transport.close()
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None
        if self._down is None:
            self._down = LinkDown(f"{self.name} was closed.")
        self._arrived.set()

    async def exchange(self, request: bytes, *, timeout_s: float) -> bytes:
        """Send a request; returns one frame without its terminator."""
        async with self._lock:
            await self._ready()
            return await self._converse(request, timeout_s)

    async def send(self, data: bytes) -> None:
        """Send something that has no reply."""
        async with self._lock:
            await self._ready()
            await self._write(data)

    async def receive(self, *, timeout_s: float) -> bytes:
        """The next frame of an instrument that speaks unasked."""
        async with self._lock:
            return await self._frame(timeout_s)

    async def drain(self, quiet_s: float = 0.2) -> bytes:
        """Take away everything that comes until the line has been quiet; returns it. Clears no flag."""
        taken = self._take_away()
        until = asyncio.get_running_loop().time() + LONGEST_DRAIN_S
        while self._down is None and asyncio.get_running_loop().time() < until:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), quiet_s)
            except TimeoutError:
                break
            taken += self._take_away()
        return taken

    @contextmanager
    def recovering(self) -> Iterator[None]:
        """Inside, a dirty link may be spoken over; left without an error, it is clean again."""
        self._recovering, self._dirty = True, True
        try:
            yield
            self._dirty = False
        finally:
            self._recovering = False

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while True:
                data = await self._transport.read_some()
                self.trace.note("received", data)
                try:
                    self._frames.extend(self._framer.feed(data))
                except OverflowError as error:
                    self._overlong, whole = error.args
                    self._frames.extend(whole)
                self._arrived.set()
        except LinkDown as error:
            self._down = error
            self._arrived.set()

    async def _ready(self) -> None:
        """Nothing unread may wait when a request is sent."""
        for _ in range(TURNS_BEFORE_REQUEST):
            await asyncio.sleep(0)
        if self._down is not None:
            raise self._down
        stray = self._take_away()
        if stray:
            self._dirty = True
        if self._dirty and not self._recovering:
            raise ReplyTimeout(f"{self.name}: bytes came that answer nothing; the line must be drained first.", stray)

    def _take_away(self) -> bytes:
        frames = [*self._frames, self._framer.clear(), self._overlong or b""]
        self._frames.clear()
        self._overlong = None
        taken = b"\n".join(each for each in frames if each)
        self.stray += len(taken)
        self.trace.note("stray", taken)
        return taken

    async def _write(self, data: bytes) -> None:
        self.trace.note("sent", data)
        try:
            await self._transport.write(data)
        except LinkDown as error:
            self._down = error
            raise

    async def _converse(self, request: bytes, timeout_s: float) -> bytes:
        done = False
        try:
            await self._write(request)
            frame = await self._frame(timeout_s)
            done = True
            return frame
        finally:
            if not done:  # time-out, cancellation or loss: the reply may still come
                self._dirty = True

    async def _frame(self, timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                while not self._frames and self._overlong is None:
                    if self._down is not None:
                        raise self._down
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError as error:
            text = f"{self.name}: no complete reply within {timeout_s:g} s."
            raise ReplyTimeout(text, self._framer.pending) from error
        if self._overlong is not None:
            self._dirty = True
            raise Garbled(f"{self.name}: a reply without an end.", self._take_away()[:4096])
        return self._frames.popleft()
