"""A simulated instrument as a HiSLIP device: `TCPIP::HOST::hislip0,PORT::INSTR`.

IVI-6.1, High-Speed LAN Instrument Protocol, revision 1.0, in synchronized mode: two connections, one for messages and
one for status, clear and locks. A response longer than one message comes in several, the last of them DataEND.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass

from simulators.message_port import INTERRUPTED, MESSAGE_AVAILABLE, MessagePort

HEADER = struct.Struct(">2sBBIQ")
SUB_ADDRESS = b"hislip0"
VERSION = 0x0100
VENDOR = int.from_bytes(b"XX", "big")
LARGEST_MESSAGE = 65536  # bytes with header, of ours and of the client's
# message types, table 4
(INITIALIZE, INITIALIZED, FATAL_ERROR, ERROR, LOCK, LOCKED, DATA, DATA_END, CLEAR_COMPLETE, CLEARED, REMOTE, REMOTE_SET,
 TRIGGER, INTERRUPTED_SYNC, INTERRUPTED_ASYNC, MAX_SIZE, MAX_SIZE_SET, ASYNC_INITIALIZE, ASYNC_INITIALIZED,
 ASYNC_CLEAR, _, STATUS_QUERY, STATUS, ASYNC_CLEARED, LOCK_INFO, LOCK_INFO_GIVEN) = range(26)  # fmt: skip
BAD_HEADER, BAD_INITIALIZATION, TOO_MANY_CLIENTS = 1, 3, 4  # fatal errors, table 14
UNKNOWN_TYPE, TOO_LARGE = 1, 4  # errors, table 16


@dataclass(frozen=True, slots=True)
class Message:
    """One HiSLIP message."""

    kind: int
    control: int = 0
    parameter: int = 0
    payload: bytes = b""

    def to_bytes(self) -> bytes:
        """As it goes over the wire."""
        return HEADER.pack(b"HS", self.kind, self.control, self.parameter, len(self.payload)) + self.payload


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None for what is no message. Its payload is left out where it is too large."""
    prologue, kind, control, parameter, length = HEADER.unpack(await reader.readexactly(HEADER.size))
    if prologue != b"HS":
        return None
    if length <= LARGEST_MESSAGE:
        return Message(kind, control, parameter, await reader.readexactly(length))
    for left in range(length, 0, -LARGEST_MESSAGE):
        await reader.readexactly(min(left, LARGEST_MESSAGE))
    return Message(ERROR, TOO_LARGE)


class HislipPort(MessagePort):
    """One device with one client at a time."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._session = 0
        self._async: asyncio.StreamWriter | None = None
        self._heard = bytearray()
        self._ids: list[int] = []  # of the messages that are still to be answered
        self._unread = False  # a response was sent, and the client has not said that it took all of it
        self._largest = LARGEST_MESSAGE
        self._on_async: dict[int, Callable[[Message], Message]] = {
            LOCK: lambda m: Message(LOCKED, 1), REMOTE: lambda m: Message(REMOTE_SET), MAX_SIZE: self._set_size,
            ASYNC_CLEAR: self._clear, STATUS_QUERY: self._tell_status,
            LOCK_INFO: lambda m: Message(LOCK_INFO_GIVEN, 0, 0),
        }  # fmt: skip

    @property
    def resource(self) -> str:
        """The port stands behind the sub-address."""
        return f"TCPIP::{self._host}::{SUB_ADDRESS.decode()},{self._port}::INSTR"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await read_message(reader)
        if first is None:
            await self._fatal(writer, BAD_HEADER)
        elif first.kind == INITIALIZE and first.payload.lower() == SUB_ADDRESS:
            await self._serve_sync(reader, writer)
        elif first.kind == ASYNC_INITIALIZE and first.parameter == self._session and self._holder is not None:
            await self._serve_async(reader, writer)
        else:
            await self._fatal(writer, BAD_INITIALIZATION)

    async def _serve_sync(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._take(writer):
            await self._fatal(writer, TOO_MANY_CLIENTS)
            return
        self._session = (self._session + 1) & 0xFFFF
        self._heard.clear()
        self._unread, self._largest = False, LARGEST_MESSAGE
        writer.write(Message(INITIALIZED, 0, VERSION << 16 | self._session).to_bytes())
        while (message := await read_message(reader)) is not None:
            self._hear_sync(message, writer)
            await writer.drain()
        await self._fatal(writer, BAD_HEADER)

    def _hear_sync(self, message: Message, writer: asyncio.StreamWriter) -> None:
        if message.kind in {DATA, DATA_END}:
            self._heard += message.payload
            if message.kind == DATA_END:
                self._hear_message(message, bytes(self._heard))
                self._heard.clear()
        elif message.kind == TRIGGER:
            self._hear_message(message, b"*TRG")
        elif message.kind == CLEAR_COMPLETE:
            self._heard.clear()
            writer.write(Message(CLEARED).to_bytes())
        else:
            writer.write(_error(message).to_bytes())

    def _hear_message(self, message: Message, data: bytes) -> None:
        """RMT-delivered in the control code says that the response before was taken (6.4)."""
        if self._unread and not message.control & 1:
            self._interrupt(message.parameter)
        self._unread = False
        self._ids.append(message.parameter)
        self._hear(data)

    def _interrupt(self, by: int) -> None:
        """A response that nobody took is taken back (6.4.2): both channels are told."""
        self._query_error(INTERRUPTED)
        for writer, kind in ((self._holder, INTERRUPTED_SYNC), (self._async, INTERRUPTED_ASYNC)):
            if writer is not None:
                writer.write(Message(kind, 0, by).to_bytes())

    async def _serve_async(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._async = writer
        writer.write(Message(ASYNC_INITIALIZED, 0, VENDOR).to_bytes())
        while (message := await read_message(reader)) is not None:
            writer.write(self._on_async.get(message.kind, _error)(message).to_bytes())
            await writer.drain()
        await self._fatal(writer, BAD_HEADER)

    def _set_size(self, message: Message) -> Message:
        if len(message.payload) == 8:
            self._largest = max(HEADER.size + 1, min(LARGEST_MESSAGE, int.from_bytes(message.payload, "big")))
        return Message(MAX_SIZE_SET, 0, 0, LARGEST_MESSAGE.to_bytes(8, "big"))

    def _clear(self, message: Message) -> Message:
        self._drop()
        return Message(ASYNC_CLEARED)

    def _drop(self) -> None:
        super()._drop()
        self._ids.clear()
        self._unread = False

    def _tell_status(self, message: Message) -> Message:
        self._unread &= not message.control & 1
        return Message(STATUS, self._status | MESSAGE_AVAILABLE * self._unread)

    def _respond(self) -> None:
        """All of it at once, in messages of the size that both ends take."""
        if self._holder is None:
            return
        most = self._largest - HEADER.size
        data, number = bytes(self._output), self._ids[-1] if self._ids else 0xFFFFFFFF
        self._output.clear()
        del self._ids[:-1]
        for at in range(0, len(data), most):
            kind = DATA if at + most < len(data) else DATA_END
            self._holder.write(Message(kind, 0, number, data[at : at + most]).to_bytes())
        self._unread = True

    async def _fatal(self, writer: asyncio.StreamWriter, why: int) -> None:
        writer.write(Message(FATAL_ERROR, why).to_bytes())
        await writer.drain()


def _error(message: Message) -> Message:
    """The answer to a message that this end does not know, or that was too large."""
    return message if message == Message(ERROR, TOO_LARGE) else Message(ERROR, UNKNOWN_TYPE)
