"""A place to connect to where messages have an end and an instrument has a status byte: VXI-11 and HiSLIP.

The message exchange of IEEE 488.2, chapter 6: one message in, at most one response out. A new message while a response
is still unread drops it (-410, Query INTERRUPTED); one that asks for a response where there is none is told so (-420,
Query UNTERMINATED). One client at a time: a second one is refused as the protocol says it.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Protocol, runtime_checkable

from simulators.ports import PortUser

MESSAGE_AVAILABLE = 0x10  # IEEE 488.2, 11.2.1.2
INTERRUPTED, UNTERMINATED = -410, -420


@runtime_checkable
class MessageUser(PortUser, Protocol):
    """Whoever lives behind a port with messages."""

    @property
    def status_byte(self) -> int:
        """The status byte without the bit that says that a message is available."""

    def query_error(self, code: int) -> None:
        """The rules of the message exchange were broken: -410 or -420."""


class MessagePort(ABC):
    """What both protocols share: a listening socket, one holder, messages in turn."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._busy = self._answering = False
        self._user: PortUser | None = None
        self._server: asyncio.Server | None = None
        self._holder: asyncio.StreamWriter | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._output = bytearray()
        self._worker: asyncio.Task[None] | None = None

    @property
    @abstractmethod
    def resource(self) -> str:
        """What a client opens."""

    @abstractmethod
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak the protocol on one connection until its end."""

    @abstractmethod
    def _respond(self) -> None:
        """There is something in `_output`, and nothing more will come of this message."""

    async def open(self, user: PortUser) -> None:
        """Begin to listen for `user`."""
        self._user = user
        self._worker = asyncio.create_task(self._exchange(), name="simulated message exchange")
        await self.come_back()

    async def come_back(self) -> None:
        """Be there again under the same resource."""
        self._server = await asyncio.start_server(self._accept, self._host, self._port, reuse_address=True)
        self._port = self._server.sockets[0].getsockname()[1]

    async def send(self, data: bytes) -> bool:
        """A reply of the instrument, or a part of it."""
        if self._holder is None:
            return False
        self._output += data
        if not self._answering:
            self._respond()
        return True

    async def vanish(self) -> None:
        """Be gone: clients are cut off and nobody can connect."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        self._let_go()
        await asyncio.sleep(0)

    def set_busy(self, busy: bool) -> None:
        """Behave as if another client held the instrument."""
        self._busy = busy

    async def close(self) -> None:
        """Stop for good and leave nothing behind."""
        await self.vanish()
        working = [*self._tasks, *([self._worker] if self._worker else [])]
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    # --- for the protocols ----------------------------------------------------------------------------------------

    def _take(self, writer: asyncio.StreamWriter) -> bool:
        """Whether a client may have the instrument."""
        if self._busy or self._holder is not None or self._user is None:
            return False
        self._holder = writer
        self._user.on_open()
        return True

    def _let_go(self) -> None:
        """The holder is gone, and what it asked for with it."""
        if self._holder is not None and self._user is not None:
            self._holder = None
            self._drop()

    def _hear(self, message: bytes) -> None:
        """One whole message has come."""
        self._messages.put_nowait(message)

    def _drop(self) -> None:
        """Device clear: what is under way is dropped, messages and response (IEEE 488.2, 5.8)."""
        while not self._messages.empty():
            self._messages.get_nowait()
        self._output.clear()
        if self._user is not None:
            self._user.on_close()

    @property
    def _status(self) -> int:
        return self._user.status_byte if isinstance(self._user, MessageUser) else 0

    def _query_error(self, code: int) -> None:
        if isinstance(self._user, MessageUser):
            self._user.query_error(code)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _exchange(self) -> None:
        """Message after message; a response that nobody has taken when the next one comes is dropped."""
        while True:
            message = await self._messages.get()
            if self._output:
                self._output.clear()
                self._query_error(INTERRUPTED)
            if self._user is None:
                continue
            self._answering = True
            self._user.on_bytes(message + b"\n")  # END is the end of a message whatever its last byte is
            await self._user.answered()
            self._answering = False
            if self._output and self._messages.empty():
                self._respond()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None  # start_server runs every connection as a task
        self._tasks.add(task)
        self._writers.add(writer)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            if self._holder is writer:
                self._let_go()
            writer.close()
