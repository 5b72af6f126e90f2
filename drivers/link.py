"""One owner for one port: requests in turn, replies cut by their shape, and a doubt when a reply may be another's.

A line is in doubt after a time-out, a cancellation in mid-exchange, a reply without end, bytes that nobody asked for,
or a reply that could not be parsed: that may have been no reply, and the reply is still on the way. A line in doubt
takes no request until its owner has drained it and knows again who answers: so a late reply is never taken for the
answer to the next request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from drivers.deadline import Deadline
from drivers.errors import Garbled, InstrumentError, LinkDown, Misuse, ReplyTimeout, fault_of, shown
from drivers.replies import BETWEEN_LINES, Reply
from drivers.trace import Trace
from drivers.transport.base import Passing, Transport

TURNS_BEFORE_REQUEST = 4  # turns of the event loop: what has already arrived is seen before a request is sent
LONGEST_DRAIN_S = 5.0
SENT_WITHIN_S = 10.0
LARGEST_REPLY = 1024 * 1024  # a line that chatters without end must not fill the memory
SAID = 400  # bytes kept of what came unasked, for the sentence of a lost link


class _DoubtUnlessDone:
    """Time-out, cancellation or loss: half a request may have gone, and a reply may still come."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._link._in_doubt = True


class Link:
    """Request and reply over a transport. `between`: bytes that may stand between two replies and mean nothing."""

    def __init__(
        self, transport: Transport, *, name: str, between: bytes = BETWEEN_LINES, trace: Trace | None = None
    ) -> None:
        self.name = name
        self.stray = 0
        self.trace = trace or Trace()
        self._transport = transport
        self._quiet: Callable[[], bool] | None = None  # of a transport that can tell
        self._between = between
        self._buffer = bytearray()
        self._unasked = bytearray()
        self._lock = asyncio.Lock()
        self._waiting: asyncio.Future[None] | None = None  # of the one exchange at a time
        self._deadline = Deadline()
        self._unless_done = _DoubtUnlessDone(self)
        self._reader: asyncio.Task[None] | None = None
        self._down: LinkDown | None = LinkDown(f"{name} is not open.")
        self._in_doubt = False
        self._recovering = False
        self._owed_until: float | None = None  # by the loop's clock: when the reply to what was begun is overdue
        self._owed_within_s = 0.0

    @property
    def in_doubt(self) -> bool:
        """Whether the next bytes to arrive may belong to something older than the next request."""
        return self._in_doubt

    async def open(self) -> None:
        """Open the port, closing it first where it was open. Raises LinkDown."""
        await self.close()
        await self._transport.open()
        self._down = None
        self._in_doubt = False
        self._owed_until = None
        self._unasked.clear()
        if isinstance(self._transport, Passing):
            self._quiet = self._transport.pass_to(self._heard)
        self._reader = asyncio.create_task(self._read(), name=f"link-{self.name}")

    async def close(self) -> None:
        """Close the port; whoever waits for a reply gets LinkDown. What was not read is counted as stray."""
        self._down = self._down or LinkDown(f"{self.name} was closed.")
        self._deadline.forget()
        await self._transport.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
            self._reader = None
        self._take_away()

    async def exchange(self, request: bytes, reply: Reply, *, timeout_s: float) -> bytes:
        """Send a request; returns its reply. timeout_s is for both, sending and receiving.

        Raises LinkDown, ReplyTimeout, Garbled (a reply without end, or not of its shape).
        """
        async with self._lock:
            await self._ready()
            with self._unless_done:
                sent = False
                try:
                    with self._deadline.within(timeout_s):
                        await self._write(request)
                        sent = True
                        found = await self._next(reply)
                except TimeoutError as error:
                    last = self._cut(reply) if sent else None
                    if last is None:
                        raise self._late(request, timeout_s, sent) from error
                    found = last
            self._unasked.clear()
            return found

    async def check(self) -> None:
        """Whether a request would be taken. Raises as one would: LinkDown, ReplyTimeout, Misuse."""
        async with self._lock:
            await self._ready()

    async def begin(self, request: bytes, *, timeout_s: float) -> None:
        """Send a request whose reply takes so long that it is collected later: within timeout_s from now.

        Until then no other request is taken. Raises LinkDown, ReplyTimeout, Misuse.
        """
        async with self._lock:
            await self._ready()
            await self._sent(request, SENT_WITHIN_S)
            self._owed_until = asyncio.get_running_loop().time() + timeout_s
            self._owed_within_s = timeout_s

    async def collect(self, reply: Reply, *, within_s: float) -> bytes | None:
        """The reply to what was begun; None while it has not come whole and is not overdue.

        Raises LinkDown, ReplyTimeout when it is overdue, Garbled, Misuse where nothing was begun.
        """
        async with self._lock:
            if self._owed_until is None:
                raise Misuse(f"{self.name}: nothing was begun whose reply could be collected.")
            now = asyncio.get_running_loop().time
            try:
                found = await self._next_by(reply, min(self._owed_until, now() + within_s))
                if found is None and now() >= self._owed_until:
                    raise self._late(b"", self._owed_within_s, sent=True)
            except InstrumentError:
                self._in_doubt, self._owed_until = True, None
                raise
            if found is not None:
                self._owed_until = None
                self._unasked.clear()
            return found

    async def send(self, data: bytes, *, timeout_s: float = SENT_WITHIN_S) -> None:
        """Send something that has no reply, also while one is to be collected. Raises LinkDown, ReplyTimeout."""
        async with self._lock:
            if self._owed_until is None or self._in_doubt:
                await self._ready()
            await self._sent(data, timeout_s)

    async def listen(self, shape: Reply, *, within_s: float) -> bytes | None:
        """The next message of one that speaks unasked; None when none came whole. Raises LinkDown, Garbled."""
        async with self._lock:
            return await self._next_by(shape, asyncio.get_running_loop().time() + within_s)

    async def drain(self, quiet_s: float) -> bytes:
        """Take away everything that comes until the line has been quiet; returns it.

        Clears no doubt, but when recovering: what is doubtful from then on is new.
        """
        async with self._lock:
            taken = self._take_away()
            until = asyncio.get_running_loop().time() + LONGEST_DRAIN_S
            while self._down is None and asyncio.get_running_loop().time() < until:
                try:
                    async with asyncio.timeout(quiet_s):
                        await self._more()
                except TimeoutError:
                    break
                taken += self._take_away()
            if self._recovering:
                self._in_doubt = False
            return taken

    def doubt(self, refused: bytes = b"") -> None:
        """The last reply made no sense, so the next one may not answer the next request.

        refused: its bytes; they answered nothing, and are counted as stray.
        """
        self._in_doubt = True
        self._count_stray(refused)

    @contextmanager
    def recovering(self) -> Iterator[None]:
        """Inside, a line in doubt may be spoken over. It is believed again if it was drained and, left without an
        error, nothing has been doubtful since: a driver that hides a doubt from its engine gains nothing.
        """
        self._recovering, self._in_doubt = True, True
        self._owed_until = None
        try:
            yield
        except BaseException:
            self._in_doubt = True
            raise
        finally:
            self._recovering = False

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        why = LinkDown(f"{self.name} cannot be read any more, by an error in this program.")
        try:
            while True:
                self._heard(await self._transport.read_some())
        except LinkDown as error:
            why = error
        finally:  # whatever ended it, nobody is left waiting
            self._down = self._down or self._with_last_words(why)
            self._wake()

    def _heard(self, data: bytes) -> None:
        self.trace.note("received", data)
        self._buffer += data
        if len(self._buffer) > LARGEST_REPLY:
            self._in_doubt = True
            self.stray += len(self._buffer) - LARGEST_REPLY // 2
            del self._buffer[: -LARGEST_REPLY // 2]
        self._wake()

    async def _more(self) -> None:
        """Wait until something has arrived, or the line is lost."""
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _with_last_words(self, why: LinkDown) -> LinkDown:
        """What the other end said before it hung up, such as "Port already in use", belongs into the sentence."""
        said = bytes(self._unasked + self._buffer).strip(self._between)
        if not said:
            return why
        return LinkDown(f"{str(why).rstrip('.')}; before that it said '{shown(said)}'.", said)

    async def _ready(self) -> None:
        """Nothing unread may wait when a request is sent."""
        for _ in range(TURNS_BEFORE_REQUEST):
            if self._quiet is not None and self._quiet():
                break
            await asyncio.sleep(0)
        self._raise_if_down()
        if self._owed_until is not None:
            raise Misuse(f"{self.name}: the reply to what was begun must be collected before anything else is asked.")
        stray = self._take_away() if self._buffer else b""
        if self._recovering:
            return
        self._in_doubt |= bool(stray)
        if self._in_doubt:
            why = f"'{shown(stray)}' came unasked" if stray else "a reply is owed or was not understood"
            raise ReplyTimeout(f"{self.name}: {why}; the line must be drained first.", stray)

    def _raise_if_down(self) -> None:
        if self._down is not None:
            raise LinkDown(str(self._down), self._down.raw) from self._down

    def _take_away(self) -> bytes:
        """What is there and answers nothing, without the bytes that mean nothing."""
        taken = self._pending()
        self._buffer.clear()
        self._count_stray(taken)
        self._unasked = (self._unasked + taken)[-SAID:]
        return taken

    def _count_stray(self, data: bytes) -> None:
        self.stray += len(data)
        self.trace.note("stray", data)

    async def _sent(self, data: bytes, timeout_s: float) -> None:
        with self._unless_done:
            try:
                with self._deadline.within(timeout_s):
                    await self._write(data)
            except TimeoutError as error:
                raise self._late(data, timeout_s, sent=False) from error

    async def _write(self, data: bytes) -> None:
        self.trace.note("sent", data)
        try:
            await self._transport.write(data)
        except LinkDown as error:
            self._down = self._down or self._with_last_words(error)
            self._raise_if_down()

    def _pending(self) -> bytes:
        return bytes(self._buffer).strip(self._between)

    def _late(self, request: bytes, timeout_s: float, sent: bool) -> ReplyTimeout:
        """Of what the time was too short for."""
        if not sent:
            return ReplyTimeout(f"{self.name}: {len(request)} bytes could not be sent within {timeout_s:g} s.")
        begun = self._pending()
        what = f"no complete reply, only '{shown(begun)}'," if begun else "no reply"
        return ReplyTimeout(f"{self.name}: {what} within {timeout_s:g} s.", begun)

    async def _next(self, reply: Reply) -> bytes:
        """The next reply of a shape, however long it takes."""
        while not self._buffer or (found := self._cut(reply)) is None:
            self._raise_if_down()
            await self._more()
        return found

    async def _next_by(self, reply: Reply, until: float) -> bytes | None:
        """The next reply of a shape; None when the time is up."""
        try:
            async with asyncio.timeout_at(until):
                return await self._next(reply)
        except TimeoutError:
            return self._cut(reply)

    def _cut(self, reply: Reply) -> bytes | None:
        try:
            found = reply.find(bytes(self._buffer))
        except Exception as error:  # a shape may be anybody's
            taken = self._take_away()
            raise Garbled(
                str(error if isinstance(error, Garbled) else fault_of(error, "cutting a reply")), taken
            ) from error
        if found is not None:
            del self._buffer[: found[1]]
            return found[0]
        if len(self._buffer) >= LARGEST_REPLY // 2:
            raise Garbled(f"{self.name}: a reply without an end.", self._take_away()[:4096])
        return None
