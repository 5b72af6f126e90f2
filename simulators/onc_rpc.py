"""ONC remote procedure calls over TCP (RFC 5531, with record marking) and their data (XDR, RFC 4506), as far as a
server of VXI-11 needs them.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

LAST_FRAGMENT = 0x80000000
LARGEST_RECORD = 1 << 24
CALL, REPLY, RPC_VERSION = 0, 1, 2
PROGRAM_UNAVAILABLE, PROCEDURE_UNAVAILABLE, GARBAGE_ARGUMENTS = 1, 3, 4


class Arguments:
    """XDR from its beginning. Raises struct.error where there is less than is asked for."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data, self._at = data, at

    def uint(self) -> int:
        """An unsigned integer of four bytes."""
        (found,) = struct.unpack_from(">I", self._data, self._at)
        self._at += 4
        return int(found)

    def opaque(self) -> bytes:
        """Bytes, or a text, after their length."""
        length = self.uint()
        found = self._data[self._at : self._at + length]
        if len(found) < length:
            raise struct.error("the bytes end before their length")
        self._at += length + -length % 4
        return found


def uints(*numbers: int) -> bytes:
    """Unsigned integers as XDR."""
    return struct.pack(f">{len(numbers)}I", *numbers)


def opaque(data: bytes) -> bytes:
    """Bytes with their length, filled up to a multiple of four."""
    return uints(len(data)) + data + bytes(-len(data) % 4)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its number, the program and procedure, and what it is given."""

    xid: int
    program: int
    procedure: int
    arguments: Arguments

    def accepted(self, results: bytes) -> bytes:
        """The reply to a call that was carried out."""
        return uints(self.xid, REPLY, 0, 0, 0, 0) + results

    def refused(self, why: int) -> bytes:
        """The reply to a call that cannot be carried out."""
        return uints(self.xid, REPLY, 0, 0, 0, why)


def call_of(record: bytes) -> Call:
    """The call in a record. Raises struct.error for anything else."""
    head = Arguments(record)
    xid, kind, version, program, _, procedure = (head.uint() for _ in range(6))
    if (kind, version) != (CALL, RPC_VERSION):
        raise struct.error("no call of ONC RPC version 2")
    for _ in ("credentials", "verifier"):
        head.uint()
        head.opaque()
    return Call(xid, program, procedure, head)


async def read_record(reader: asyncio.StreamReader) -> bytes:
    """One record, whatever fragments it comes in. Raises IncompleteReadError; ConnectionError above 16 MiB."""
    record = b""
    while True:
        (mark,) = struct.unpack(">I", await reader.readexactly(4))
        if len(record) + (mark & ~LAST_FRAGMENT) > LARGEST_RECORD:
            raise ConnectionError("a record is too long")
        record += await reader.readexactly(mark & ~LAST_FRAGMENT)
        if mark & LAST_FRAGMENT:
            return record


def record_of(message: bytes) -> bytes:
    """A message as one record of one fragment."""
    return uints(LAST_FRAGMENT | len(message)) + message
