"""One of the two connections of HiSLIP (IVI-6.1, High-Speed LAN Instrument Protocol): messages with a head, in pieces.

Data are given on as they arrive, however long a message is; nothing is understood after a head that is none.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

HEAD = struct.Struct(">2sBBIQ")
INITIALIZE, INITIALIZED, FATAL_ERROR, ERROR, DATA, DATA_END, INTERRUPTED, ASYNC_INTERRUPTED, MAX_SIZE, MAX_SIZE_SET = (
    0, 1, 2, 3, 6, 7, 13, 14, 15, 16,
)  # fmt: skip
ASYNC_INITIALIZE, ASYNC_INITIALIZED = 17, 18
KEPT = 400  # bytes of what an instrument says of an error


@dataclass(frozen=True, slots=True)
class Head:
    """kind: the message type, table 4; parameter: 32 bits; length: bytes of the payload."""

    kind: int
    control: int
    parameter: int
    length: int


class Channel(asyncio.Protocol):
    """`hear(head, payload, whole)` is told each piece of data as it comes, and of any other message all at once, at
    most so much of it as is kept. `ended` is told when the connection ends, by what; None where it was closed.
    """

    def __init__(self, hear: Callable[[Head, bytes, bool], None], ended: Callable[[Exception | None], None]) -> None:
        self._hear, self._ended = hear, ended
        self._arrived = bytearray()
        self._head: Head | None = None
        self._left = 0  # bytes of the payload that are to come
        self._said = b""  # of a message that is no data
        self._transport: asyncio.Transport | None = None

    @property
    def line(self) -> socket.socket | None:
        """The socket; None where there is none."""
        return self._transport.get_extra_info("socket") if self._transport is not None else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there; small messages that wait for replies are not held back (Nagle)."""
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Cut what comes into messages."""
        self._arrived += data
        while head := self._head or self._next_head():
            piece = bytes(self._arrived[: self._left])
            if self._left and not piece:
                return
            del self._arrived[: len(piece)]
            self._left -= len(piece)
            self._head = head if self._left else None
            self._take(head, piece)

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio: the connection is gone."""
        self._ended(exc)

    def send(self, kind: int, control: int, parameter: int, payload: bytes = b"") -> None:
        """One message. Raises ConnectionResetError where the connection is closed."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._transport.write(HEAD.pack(b"HS", kind, control, parameter, len(payload)) + payload)

    def close(self) -> None:
        """At once: what was not sent is dropped."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, head: Head, piece: bytes) -> None:
        if head.kind in {DATA, DATA_END}:
            self._hear(head, piece, not self._left)
            return
        self._said = (self._said + piece)[:KEPT]
        if not self._left:
            said, self._said = self._said, b""
            self._hear(head, said, True)

    def _next_head(self) -> Head | None:
        if len(self._arrived) < HEAD.size:
            return None
        mark, *fields = HEAD.unpack_from(self._arrived)
        if mark != b"HS":
            self._arrived.clear()
            self._ended(ConnectionResetError("what it said is no message of HiSLIP"))
            self.close()
            return None
        del self._arrived[: HEAD.size]
        self._head = Head(*fields)
        self._left = self._head.length
        return self._head
