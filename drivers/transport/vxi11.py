"""TCPIP::HOST::inst0::INSTR: VXI-11 on the event loop, without VISA and without a thread.

An instrument is addressed to talk only when it has something to say: asked without need, a Keithley puts -420, Query
UNTERMINATED, into its error queue (2400 user's manual, appendix B; 2470 reference manual, section 15). So the status
byte is looked at first (IEEE 488.2, message available): at once after a message, and then less and less often. A
question that this instrument has answered at once since it was opened is followed by the read itself, which the
instrument holds back until it has its answer: a call less, and no error. Where none comes in a short time, it is looked
for, and that question is one of the others from then on.

One task makes all calls, since a connection takes one at a time: whoever gives up waiting leaves no call half made, and
no reply to one call is taken for that to another.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from drivers.errors import LinkDown
from drivers.transport.lan import LanTransport
from drivers.transport.plain import plain
from drivers.transport.question import asks
from drivers.transport.received import Received
from drivers.transport.vxi11_link import IO_MS, Vxi11Link, created

OPENED_S, CLOSED_S = 5.0, 1.0
MESSAGE_AVAILABLE = 0x10  # of the status byte
AT_ONCE_S = 0.05  # from a question to its whole answer
HELD_BACK_MS = 200  # how long a read without a look may wait: as long, a message to be sent or closing may wait too
QUESTIONS = 100  # of an instrument that are remembered
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.0001, 0.02  # between two looks for a message: each is twice as long as the last


class Vxi11Transport(LanTransport):
    """resource: its name in sentences. port None: the port mapper of the host is asked."""

    def __init__(self, host: str, port: int | None, device: str, resource: str) -> None:
        super().__init__(resource)
        self._where = host.removeprefix("[").removesuffix("]"), port, device
        self._serving: asyncio.Task[None] | None = None
        self._jobs: list[tuple[bytes, asyncio.Future[None]]] = []  # messages to be sent; the first may be under way
        self._woken: asyncio.Future[None] | None = None
        self._pause_s = LONGEST_PAUSE_S
        self._question, self._asked_at = b"", 0.0  # the one whose answer is to come, by the loop's clock
        self._answered_at_once: set[bytes] = set()
        self._unfinished = self._stopping = False
        self._tells_status = True

    async def open(self) -> None:
        """Connect and take a link within five seconds. Raises LinkDown, naming why."""
        async with self._opening(OPENED_S):
            link = await created(*self._where, id(self) & 0x7FFFFFFF, self._ended)
        self._reader, self._lost, self._pause_s = Received(), None, LONGEST_PAUSE_S
        self._question, self._unfinished, self._stopping, self._tells_status = b"", False, False, True
        self._answered_at_once.clear()
        self._reader.watch(link.line)
        self._serving = asyncio.create_task(self._serve(link), name=f"vxi11-{self._resource}")

    async def write(self, data: bytes) -> None:
        """Send one message, after the call under way; cancelled before its turn, it is not sent. Raises LinkDown."""
        if self._lost is not None:
            raise self._lost
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.append((data, done))
        self._wake()
        await done

    async def close(self) -> None:
        """Give the link back and close. Never raises."""
        serving, self._serving = self._serving, None
        if serving is None:
            return
        self._stopping = True
        self._wake()
        await asyncio.wait([serving], timeout=CLOSED_S)  # it ends the call under way, and gives the link back
        serving.cancel()
        await asyncio.wait([serving])

    # --- the one task that calls --------------------------------------------------------------------------------------

    async def _serve(self, link: Vxi11Link) -> None:
        why = LinkDown(f"{self._resource} was lost by an error in this program.")
        try:
            while not self._stopping:
                await self._turn(link)
            why = LinkDown(f"{self._resource} was closed.")
            with suppress(ConnectionError):
                await link.give_back()
        except asyncio.CancelledError:
            why = LinkDown(f"{self._resource} was closed.")
            raise
        except ConnectionError as error:
            why = LinkDown(f"{self._resource} is gone: {plain(error)}.")
        finally:  # whatever ended it, nobody is left waiting
            link.close()
            self._lose(why)

    async def _turn(self, link: Vxi11Link) -> None:
        """Messages go out before others are looked for."""
        if self._jobs:
            await self._send(link)
            return
        if self._pause_s:
            await self._pause()
        if not self._jobs and not self._stopping:
            await self._look(link)

    async def _send(self, link: Vxi11Link) -> None:
        data, done = self._jobs[0]
        if not done.cancelled():
            await link.write(data)
            self._question, self._unfinished, self._pause_s = data if asks(data) else b"", False, 0.0
            self._asked_at = asyncio.get_running_loop().time()
        self._jobs = self._jobs[1:]  # none is there any more where the line was lost in this turn
        if not done.done():
            done.set_result(None)
        if not self._jobs and self._question in self._answered_at_once:
            await self._read_unseen(link)

    async def _look(self, link: Vxi11Link) -> None:
        """Take a message, or a piece of one, if there is one."""
        if self._unfinished or await self._has_message(link):
            self._take(*await link.read(IO_MS))
        else:
            self._pause_s = min(max(2 * self._pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)

    async def _read_unseen(self, link: Vxi11Link) -> None:
        """Read without a look."""
        data, ends, in_vain = await link.read(HELD_BACK_MS)
        if in_vain:
            self._answered_at_once.discard(self._question)
        self._take(data, ends, in_vain)

    def _take(self, data: bytes, ends: bool, in_vain: bool) -> None:
        self._unfinished = not ends and not in_vain
        self._pause_s = LONGEST_PAUSE_S if ends else 0.0  # whole: another comes for a question
        if ends:
            self._note_answered()
        if data and self._reader is not None:
            self._reader.feed_data(data)

    def _note_answered(self) -> None:
        took_s = asyncio.get_running_loop().time() - self._asked_at
        if self._question and took_s < AT_ONCE_S and len(self._answered_at_once) < QUESTIONS:
            self._answered_at_once.add(self._question)
        self._question = b""

    async def _has_message(self, link: Vxi11Link) -> bool:
        """By the status byte; where it cannot be read, a read follows only what was a question."""
        if self._tells_status:
            status = await link.status()
            if status is not None:
                return bool(status & MESSAGE_AVAILABLE)
            self._tells_status = False
        return bool(self._question)

    async def _pause(self) -> None:
        """A message to be sent ends it."""
        loop = asyncio.get_running_loop()
        self._woken = loop.create_future()
        timer = loop.call_later(self._pause_s, self._wake)
        try:
            await self._woken
        finally:
            timer.cancel()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _ended(self, why: Exception | None) -> None:
        """The connection has ended, in whatever phase: whoever opens or calls is told as well."""
        if self._serving is not None:
            said = plain(why) if why is not None else "the other end closed the connection"
            self._lose(LinkDown(f"{self._resource} is gone: {said}."))
            self._stopping = True
            self._wake()

    def _lose(self, why: LinkDown) -> None:
        """Tell whoever reads, and whoever waits for a write."""
        if self._lost is not None or self._reader is None:
            return
        self._lost = why
        for _, done in self._jobs:
            if not done.done():
                done.set_exception(why)
                done.exception()  # who waited may have been cancelled
        self._jobs.clear()
        self._reader.feed_eof()
