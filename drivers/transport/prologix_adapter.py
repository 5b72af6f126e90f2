"""What is said to a Prologix adapter itself: its settings, and commands whose answer has a certain end.

Prologix GPIB-USB Controller User Manual 6.107 (14 May 2013); the GPIB-ETHERNET one and the AR488 speak the same. A line
that begins with ++ is for the adapter, every other line goes to the instrument. The adapter gives up a read in silence
(8.13), so every command is followed by ++ver, whose answer is known: what comes before it is all there is. That the
adapter carries out its commands one after the other is assumed.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from drivers.errors import LinkDown
from drivers.transport.base import Transport

READ_TMO_MS = 500  # without a byte; the adapter takes 1 to 3000 (8.14)
ANSWER_S = 5.0  # an adapter that is silent for longer than it may read is dead
SETTLE_S = 0.2  # what an earlier program asked of the adapter has come by then
LONGEST = 1 << 22  # bytes of one message: an instrument that never ends one must not fill the memory

_SPECIAL = re.compile(rb"[\r\n\x1b+]")
_VERSION = re.compile(rb"(?:^|[\r\n])([^\r\n+]*\bver(?:sion)?\b[^\r\n+]*)[\r\n]", re.IGNORECASE)  # no echo of ++ver


def escaped(message: bytes) -> bytes:
    """A message as the adapter takes it for data: ESC before CR, LF, ESC and + (7.1)."""
    return _SPECIAL.sub(b"\x1b\\g<0>", message)


def settings(address: int) -> bytes:
    """What is set on opening, for an instrument at a GPIB address of 0 to 30."""
    return (
        b"++savecfg 0\n"  # first: each change that is saved wears the EPROM (after public drivers)
        b"++mode 1\n++auto 0\n"  # controller; never read unless told to (8.2: reading causes Query Unterminated)
        b"++addr %d\n"
        b"++eoi 1\n++eos 2\n"  # the adapter ends each message with LF and EOI (8.5; eoi after public drivers)
        b"++eot_enable 1\n++eot_char 10\n"  # and tells of the instrument's EOI by one LF more (after public drivers)
        b"++read_tmo_ms %d\n" % (address, READ_TMO_MS)
    )


class PrologixAdapter:
    """One adapter with one instrument behind it. Raises LinkDown when it is lost or silent."""

    def __init__(self, line: Transport, address: int, where: str) -> None:
        self._line = line
        self._address = address
        self._where = where
        self._version = b""
        self._sending = asyncio.Lock()
        self.messages = 0  # sent to the instrument
        self.heard = bytearray()  # of what was asked last

    async def open(self) -> None:
        """Open the line and set the adapter. Raises LinkDown, with what came instead of its version."""
        self._sending = asyncio.Lock()
        await self._line.open()
        await self._line.write(settings(self._address))
        await self._hear_version()  # so there is an adapter, and what was asked of it before is under way
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self.listen()
        self._version = await self._hear_version()

    async def close(self) -> None:
        """Close the line. Never raises."""
        await self._line.close()

    async def send(self, message: bytes) -> None:
        """Send a message, without terminator, to the instrument."""
        async with self._sending:
            self.messages += 1
            await self._line.write(escaped(message) + b"\n")

    async def ask(self, command: bytes, after: int | None = None) -> bytes:
        """What comes of a command of the adapter, without line ends in front.

        With `after`, nothing is asked when more messages than that many have been sent. Raises LinkDown where the
        adapter does not answer or does not end.
        """
        self.heard.clear()
        async with self._sending:
            if after not in {None, self.messages}:
                return b""
            await self._line.write(command + b"\n++ver\n")
        while (end := self.heard.find(self._version)) < 0:
            if len(self.heard) > LONGEST:
                raise LinkDown(f"{self._where}: {LONGEST} bytes came and no end of them.")
            self.heard += await self._more()
        return bytes(self.heard[:end]).lstrip(b"\r\n")

    async def listen(self) -> None:
        """Drop what comes unasked, until cancelled."""
        while True:
            await self._line.read_some()

    async def _more(self) -> bytes:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._line.read_some()
        except TimeoutError as error:
            raise LinkDown(f"{self._where}: the adapter has not answered for {ANSWER_S:g} s.") from error

    async def _hear_version(self) -> bytes:
        self.heard.clear()
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._line.write(b"++ver\n")
                while (found := _VERSION.search(self.heard)) is None:
                    self.heard += await self._line.read_some()
        except TimeoutError as error:
            raise self._no_adapter("no Prologix adapter answers ++ver there") from error
        except LinkDown as error:
            raise self._no_adapter(f"no Prologix adapter answered; {str(error).rstrip('.')}") from error
        return found[1].strip()

    def _no_adapter(self, what: str) -> LinkDown:
        said = bytes(self.heard[:200])
        heard = f"; it said {said.decode('latin-1').strip()!r}" if said.strip() else ""
        return LinkDown(f"{self._where}: {what}{heard}.", bytes(self.heard))
