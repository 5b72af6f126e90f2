"""Remote procedure calls over one TCP connection: ONC RPC version 2 (RFC 5531) with record marking and data in XDR
(RFC 4506), as far as a client of VXI-11 needs them. One call at a time.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

LAST_FRAGMENT = 0x80000000
LARGEST_REPLY = 1024 * 1024  # bytes; whoever announces more is no instrument
ACCEPTED = bytes(4)  # reply_stat MSG_ACCEPTED, and accept_stat SUCCESS
REFUSALS = {1: "it does not have that program", 2: "it has another version of that program",
            3: "it does not have that procedure", 4: "it did not understand the arguments"}  # fmt: skip
_HEAD = struct.Struct(">11I")  # mark of the record, xid, call, version of RPC, program, version, procedure, no identity
_REPLY = struct.Struct(">II4sI")  # xid, reply, reply_stat, flavour of the verifier


class RefusedCall(ConnectionError):
    """The other end did not carry out a call, or what it said was no reply to it."""


class Caller(asyncio.Protocol):
    """`ended` is told once, in the loop's turn in which the connection ends, by what; None where it was closed."""

    def __init__(self, ended: Callable[[Exception | None], None]) -> None:
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._arrived = bytearray()
        self._record = bytearray()
        self._xid = 0
        self._reply: asyncio.Future[bytes] | None = None

    # --- of asyncio ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there; small calls that wait for replies are not held back (Nagle)."""
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Put records together from their fragments."""
        self._arrived += data
        while len(self._arrived) >= 4:
            (mark,) = struct.unpack_from(">I", self._arrived)
            end = 4 + (mark & ~LAST_FRAGMENT)
            if end + len(self._record) > LARGEST_REPLY:
                self._give_up(RefusedCall(f"it announces a reply of {end} bytes"))
            if len(self._arrived) < end:
                return
            self._record += self._arrived[4:end]
            del self._arrived[:end]
            if mark & LAST_FRAGMENT:
                record, self._record = bytes(self._record), bytearray()
                self._take(record)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is left waiting."""
        self._fail(exc or ConnectionResetError("the other end closed the connection"))
        self._ended(exc)

    # --- of the client ------------------------------------------------------------------------------------------------

    async def call(self, program: int, procedure: int, arguments: bytes, version: int = 1) -> bytes:
        """What the procedure gives, as XDR. Raises ConnectionError; RefusedCall where it is not carried out.

        One at a time: after a call that was given up the connection is to be closed.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._xid = (self._xid + 1) & 0xFFFFFFFF
        self._reply = asyncio.get_running_loop().create_future()
        mark = LAST_FRAGMENT | (_HEAD.size - 4 + len(arguments))
        self._transport.write(_HEAD.pack(mark, self._xid, 0, 2, program, version, procedure, 0, 0, 0, 0) + arguments)
        return await self._reply

    @property
    def line(self) -> socket.socket | None:
        """The socket; None where there is none."""
        return self._transport.get_extra_info("socket") if self._transport is not None else None

    def close(self) -> None:
        """At once: what was not sent is dropped."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _take(self, record: bytes) -> None:
        try:
            results = self._results(record)
        except RefusedCall as error:
            self._fail(error)
            return
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(results)

    def _results(self, record: bytes) -> bytes:
        """What follows the head of the reply to the call under way."""
        try:
            xid, kind, denied, _ = _REPLY.unpack_from(record)
            after = _REPLY.size + 4 + _padded(struct.unpack_from(">I", record, _REPLY.size)[0])
            (status,) = struct.unpack_from(">I", record, after)
        except struct.error as error:
            raise RefusedCall("what it said is no reply to a call") from error
        if (xid, kind) != (self._xid, 1):
            raise RefusedCall("what it said is no reply to this call")
        if denied != ACCEPTED or status:
            raise RefusedCall(REFUSALS.get(status, "it does not carry out that call"))
        return record[after + 4 :]

    def _fail(self, error: Exception) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)
            self._reply.exception()  # who waited may be gone

    def _give_up(self, error: Exception) -> None:
        self._fail(error)
        self._arrived.clear()
        self.close()


def _padded(length: int) -> int:
    return length + -length % 4


def opaque(data: bytes) -> bytes:
    """Bytes of any length as XDR has them: after their length, filled up to a multiple of four."""
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def opaque_at(results: bytes, at: int) -> bytes:
    """The bytes whose length stands at that place. Raises RefusedCall where they end too early."""
    length = uints(results, 1, at)[0]
    if at + 4 + length > len(results):
        raise RefusedCall("a reply ends before the length it states")
    return results[at + 4 : at + 4 + length]


def uints(results: bytes, count: int, at: int = 0) -> tuple[int, ...]:
    """So many unsigned integers from that place on. Raises RefusedCall where there are fewer."""
    try:
        return struct.unpack_from(f">{count}I", results, at)
    except struct.error as error:
        raise RefusedCall("a reply is shorter than its procedure gives") from error
