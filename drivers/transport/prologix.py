"""An instrument on GPIB behind a Prologix adapter, over the adapter's own TCP or serial transport.

An instrument is addressed to talk only when it has something to say (see visa.py): after a message that asks, the
status byte is polled (++spoll; IEEE 488.2, message available) until there is a reply, however long that takes, and only
then it is read (++read eoi). An adapter that does not answer ++spoll is made to read instead, again and again until
the reply comes; the instrument then owes one, so it finds nothing wrong in it (IEEE 488.2, 6.3.2.2).
"""

from __future__ import annotations

import asyncio
import re

from drivers.errors import LinkDown
from drivers.transport.base import Transport
from drivers.transport.prologix_adapter import PrologixAdapter
from drivers.transport.question import asks

POLL_S = 0.02
MESSAGE_AVAILABLE = 0x10  # of the status byte
_STATUS = re.compile(rb"(\d{1,3})\s*")


class PrologixTransport:
    """prologix:RESOURCE:ADDRESS. Each write is one message, which the adapter ends, whatever terminator it has.

    The adapter serves this transport only: other instruments on its bus cannot share it.
    """

    def __init__(self, line: Transport, address: int, where: str) -> None:
        self._adapter = PrologixAdapter(line, address, where)
        self._where = where
        self._received: asyncio.Queue[bytes | LinkDown] = asyncio.Queue()
        self._lost: LinkDown | None = LinkDown(f"{where} is not open.")
        self._owed = asyncio.Event()  # a reply
        self._polls = False
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open and set the adapter. Raises LinkDown when there is none, with what came instead of its version."""
        await self.close()
        self._received, self._owed = asyncio.Queue(), asyncio.Event()
        try:
            await self._adapter.open()
            self._polls = await self._status_byte() is not None
        except BaseException:
            await self._adapter.close()
            raise
        self._lost = None
        self._serving = asyncio.create_task(self._serve(), name=f"prologix-{self._where}")

    async def write(self, data: bytes) -> None:
        """Send one message to the instrument. Raises LinkDown."""
        if self._lost is not None:
            raise self._lost
        message = data.rstrip(b"\r\n")
        if not message:
            return
        self._owed.clear()
        try:
            await self._adapter.send(message)
        finally:  # cancelled, it may have gone
            if asks(message):
                self._owed.set()

    async def read_some(self) -> bytes:
        """Bytes of the instrument, never of the adapter. Raises LinkDown; cancelling loses nothing."""
        if self._lost is not None and self._received.empty():
            raise self._lost
        got = await self._received.get()
        if isinstance(got, LinkDown):
            raise got
        return got

    async def close(self) -> None:
        """Close the adapter; a pending read ends. Never raises."""
        self._lose(LinkDown(f"{self._where} was closed."))
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
            self._serving = None
        await self._adapter.close()

    # --- replies ----------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        why = LinkDown(f"{self._where} was lost by an error in this program.")
        try:
            while True:
                await self._until_asked()
                await self._fetch()
        except LinkDown as error:
            why = error
        finally:  # whatever ended it, nobody is left waiting
            self._lose(why)

    async def _until_asked(self) -> None:
        """Wait for a question. What comes meanwhile was asked by nobody and is dropped; the loss of the line is not."""
        if self._owed.is_set():
            return
        idle = asyncio.create_task(self._adapter.listen(), name=f"prologix-idle-{self._where}")
        owed = asyncio.create_task(self._owed.wait(), name=f"prologix-owed-{self._where}")
        try:
            await asyncio.wait({idle, owed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (idle, owed):
                task.cancel()
            await asyncio.wait({idle, owed})
        if not idle.cancelled():
            idle.result()

    async def _fetch(self) -> None:
        """Take the reply, if there is one yet."""
        message = self._adapter.messages
        came = await self._read(message) if not self._polls or await self._has_message() else b""
        if not came:
            await asyncio.sleep(POLL_S)
            return
        if came.endswith(b"\n") and message == self._adapter.messages:
            self._owed.clear()
        self._received.put_nowait(_without_mark(came))

    async def _read(self, message: int) -> bytes:
        """The reply to a message; the next message ends it, so that there would be nothing to read."""
        try:
            return await self._adapter.ask(b"++read eoi", after=message)
        except LinkDown:
            if self._adapter.heard:  # what came before the loss
                self._received.put_nowait(bytes(self._adapter.heard))
            raise

    async def _has_message(self) -> bool:
        """Whether the status byte says so; an instrument that does not answer the poll (switched off) has none."""
        status = await self._status_byte()
        return status is not None and bool(status & MESSAGE_AVAILABLE)

    async def _status_byte(self) -> int | None:
        found = _STATUS.fullmatch(await self._adapter.ask(b"++spoll"))
        return int(found[1]) if found else None

    def _lose(self, why: LinkDown) -> None:
        if self._lost is None:
            self._lost = why
            self._received.put_nowait(why)


def _without_mark(message: bytes) -> bytes:
    """A message without the LF by which the adapter tells of EOI, unless that is the only line end it has."""
    return message[:-1] if message.endswith((b"\n\n", b"\n\r\n")) else message
