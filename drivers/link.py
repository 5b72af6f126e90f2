"""One owner for one port: requests in turn, replies framed, and a dirty flag when a reply may belong to another.

A link becomes dirty by a time-out, a cancellation in mid-exchange, a reply without end, bytes that nobody asked for, or
a reply that its driver cannot make sense of (doubt): that may have been no reply, and the reply is still on the way.
A dirty link refuses requests until its owner has drained it and knows again who answers: so a late reply is never taken
for the answer to the next request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.errors import Garbled, LinkDown, ReplyTimeout
from drivers.framing import Framer
from drivers.trace import Trace
from drivers.transport.base import Transport

TURNS_BEFORE_REQUEST = 4  # turns of the event loop: what has already arrived is seen before a request is sent
LONGEST_DRAIN_S = 5.0
SENT_WITHIN_S = 10.0
MOST_FRAMES = 1000  # a line that chatters unread must not fill the memory


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
        """Close the port; whoever waits for a reply gets LinkDown. What was not read is counted as stray."""
        await self._transport.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
            self._reader = None
        self._take_away()
        if self._down is None:
            self._down = LinkDown(f"{self.name} was closed.")
        self._arrived.set()

    async def exchange(self, request: bytes, *, timeout_s: float) -> bytes:
        """Send a request; returns one frame without its terminator. timeout_s is for both, sending and receiving."""
        async with self._lock:
            await self._ready()
            return await self._converse(request, timeout_s)

    async def send(self, data: bytes, *, timeout_s: float = SENT_WITHIN_S) -> None:
        """Send something that has no reply."""
        async with self._lock:
            await self._ready()
            with self._dirty_unless_done():
                await self._write(data, timeout_s)

    async def receive(self, *, timeout_s: float) -> bytes:
        """The next frame of an instrument that speaks unasked."""
        async with self._lock:
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._frame()
            except TimeoutError as error:
                raise self._no_reply(timeout_s) from error

    async def drain(self, quiet_s: float = 0.2) -> bytes:
        """Take away everything that comes until the line has been quiet; returns it. Clears no flag."""
        async with self._lock:
            taken = self._take_away()
            until = asyncio.get_running_loop().time() + LONGEST_DRAIN_S
            while self._down is None and asyncio.get_running_loop().time() < until:
                self._arrived.clear()
                try:
                    async with asyncio.timeout(quiet_s):
                        await self._arrived.wait()
                except TimeoutError:
                    break
                taken += self._take_away()
            return taken

    def doubt(self) -> None:
        """For drivers: the last reply made no sense, so the next one may not answer the next request. Makes dirty."""
        self._dirty = True

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
        why = LinkDown(f"{self.name} cannot be read any more, by an error in this program.")
        try:
            while True:
                data = await self._transport.read_some()
                self.trace.note("received", data)
                self._take_in(data)
                self._arrived.set()
        except LinkDown as error:
            why = error
        finally:  # whatever ended it, nobody is left waiting
            self._down = self._down or why
            self._arrived.set()

    def _take_in(self, data: bytes) -> None:
        try:
            self._frames.extend(self._framer.feed(data))
        except OverflowError as error:
            self._note_stray(self._overlong or b"")
            self._overlong, whole = error.args
            self._frames.extend(whole)
        if len(self._frames) > MOST_FRAMES:
            self._dirty = True
            self._take_away()

    async def _ready(self) -> None:
        """Nothing unread may wait when a request is sent."""
        for _ in range(TURNS_BEFORE_REQUEST):
            await asyncio.sleep(0)
        self._raise_if_down()
        stray = self._take_away()
        if stray:
            self._dirty = True
        if self._dirty and not self._recovering:
            why = "bytes came that answer nothing" if stray else "a reply is owed or was not understood"
            raise ReplyTimeout(f"{self.name}: {why}; the line must be drained first.", stray)

    def _raise_if_down(self) -> None:
        if self._down is not None:
            raise LinkDown(str(self._down)) from self._down

    def _take_away(self) -> bytes:
        frames = [*self._frames, self._framer.clear(), self._overlong or b""]
        self._frames.clear()
        self._overlong = None
        taken = b"\n".join(each for each in frames if each)
        self._note_stray(taken)
        return taken

    def _note_stray(self, data: bytes) -> None:
        self.stray += len(data)
        self.trace.note("stray", data)

    async def _write(self, data: bytes, timeout_s: float) -> None:
        self.trace.note("sent", data)
        try:
            async with asyncio.timeout(timeout_s):
                await self._transport.write(data)
        except TimeoutError as error:
            raise ReplyTimeout(f"{self.name}: {len(data)} bytes could not be sent within {timeout_s:g} s.") from error
        except LinkDown as error:
            self._down = error
            raise

    async def _converse(self, request: bytes, timeout_s: float) -> bytes:
        until = asyncio.get_running_loop().time() + timeout_s
        with self._dirty_unless_done():
            await self._write(request, timeout_s)
            try:
                async with asyncio.timeout_at(until):
                    return await self._frame()
            except TimeoutError as error:
                raise self._no_reply(timeout_s) from error

    @contextmanager
    def _dirty_unless_done(self) -> Iterator[None]:
        """Time-out, cancellation or loss: half a request may have gone, and a reply may still come."""
        done = False
        try:
            yield
            done = True
        finally:
            self._dirty |= not done

    def _no_reply(self, timeout_s: float) -> ReplyTimeout:
        return ReplyTimeout(f"{self.name}: no complete reply within {timeout_s:g} s.", self._framer.pending)

    async def _frame(self) -> bytes:
        while not self._frames and self._overlong is None:
            self._raise_if_down()
            self._arrived.clear()
            await self._arrived.wait()
        if self._overlong is not None:
            self._dirty = True
            raise Garbled(f"{self.name}: a reply without an end.", self._take_away()[:4096])
        return self._frames.popleft()
