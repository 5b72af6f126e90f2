"""A link of VXI-11 (TCP/IP Instrument Protocol 1.0): what its core channel is asked, one call at a time."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from drivers.deadline import Deadline
from drivers.transport.plain import HELD
from drivers.transport.rpc import Caller, RefusedCall, opaque, opaque_at, uints

CORE, PORT_MAPPER, PORT_MAPPER_PORT, GETPORT, TCP = 0x0607AF, 100000, 111, 3, 6
CREATE_LINK, WRITE, READ, READ_STATUS, DESTROY_LINK = 10, 11, 12, 13, 23
NOT_SUPPORTED, IO_TIMEOUT = 8, 15
ERRORS = {  # VXI-11, table B.2
    1: "it took a call for malformed", 3: "there is no device of that name", 4: "it does not know this link any more",
    5: "it did not take a parameter", 6: "a channel is missing", 8: "it does not support that", 9: HELD, 11: HELD,
    12: "no lock is held", 15: "it did not take all of a message in time", 17: "its input or output failed",
    23: "the call was aborted",
}  # fmt: skip
END_FLAG, BY_CHARACTER_OR_END = 8, 2 | 4
IO_MS = 2000  # what an instrument may take over a message that is there, or over taking one
ANSWERED_S = IO_MS / 1000 + 1.0  # any call: whoever needs longer is not there any more
READ_AT_ONCE = 65536  # bytes

Ended = Callable[[Exception | None], None]


class Vxi11Link:
    """Raises ConnectionError, and as a kind of it RefusedCall, everywhere: the link is then of no use any more."""

    def __init__(self, caller: Caller, number: int, largest: int) -> None:
        self._caller, self._number, self._largest = caller, number, largest
        self._deadline = Deadline()
        self.line = caller.line

    async def write(self, data: bytes) -> None:
        """One message, in as many calls as it needs."""
        while data:
            head = struct.pack(">4I", self._number, IO_MS, 0, END_FLAG * (len(data) <= self._largest))
            error, taken = uints(await self._call(WRITE, head + opaque(data[: self._largest])), 2)
            if error or not taken:
                raise RefusedCall(said(error) if error else "it took no byte")
            data = data[taken:]

    async def status(self) -> int | None:
        """The status byte; None where it cannot be read."""
        results = await self._call(READ_STATUS, struct.pack(">4I", self._number, 0, 0, IO_MS))
        error, status = uints(results, 2)
        if error not in {0, NOT_SUPPORTED}:
            raise RefusedCall(said(error))
        return None if error else status

    async def read(self, within_ms: int) -> tuple[bytes, bool, bool]:
        """(what it said, whether the message ends there, whether it was waited for in vain).

        What came before the time was over belongs to the message all the same.
        """
        results = await self._call(READ, struct.pack(">6I", self._number, READ_AT_ONCE, within_ms, 0, 0, 0))
        error, reason = uints(results, 2)
        if error not in {0, IO_TIMEOUT}:
            raise RefusedCall(said(error))
        return opaque_at(results, 8), bool(reason & BY_CHARACTER_OR_END), error == IO_TIMEOUT

    async def give_back(self) -> None:
        """The instrument is free for somebody else."""
        await self._call(DESTROY_LINK, struct.pack(">I", self._number))

    def close(self) -> None:
        """At once; whoever waits for a call gets ConnectionResetError."""
        self._deadline.forget()
        self._caller.close()

    async def _call(self, procedure: int, arguments: bytes) -> bytes:
        try:
            with self._deadline.within(ANSWERED_S):
                return await self._caller.call(CORE, procedure, arguments)
        except TimeoutError as error:
            raise ConnectionResetError(f"no answer to a call in {ANSWERED_S:g} s") from error


async def created(host: str, port: int | None, device: str, client: int, ended: Ended) -> Vxi11Link:
    """A link to a device; port None: its port mapper is asked (RFC 1833, version 2). Raises OSError, UnicodeError.

    client: any number that tells the clients of this computer apart. ended: told when the connection ends, by what.
    """
    caller = await _connected(host, port if port is not None else await _mapped(host), ended)
    try:
        results = await caller.call(CORE, CREATE_LINK, struct.pack(">3I", client, 0, 0) + opaque(device.encode()))
        return _link_of(caller, *uints(results, 4))
    except BaseException:
        caller.close()
        raise


def _link_of(caller: Caller, error: int, number: int, _: int, largest: int) -> Vxi11Link:
    """Of the results of create_link."""
    if error:
        raise RefusedCall(said(error))
    return Vxi11Link(caller, number, max(largest, 1))


async def _connected(host: str, port: int, ended: Ended) -> Caller:
    _, caller = await asyncio.get_running_loop().create_connection(lambda: Caller(ended), host, port)
    return caller


async def _mapped(host: str) -> int:
    """The port of the core channel."""
    mapper = await _connected(host, PORT_MAPPER_PORT, lambda _: None)
    try:
        wanted = struct.pack(">4I", CORE, 1, TCP, 0)
        (port,) = uints(await mapper.call(PORT_MAPPER, GETPORT, wanted, version=2), 1)
    finally:
        mapper.close()
    if not 0 < port < 65536:
        raise ConnectionRefusedError("its port mapper knows of no VXI-11 device")
    return port


def said(error: int) -> str:
    """An error of VXI-11 in words."""
    return ERRORS.get(error, f"it says error {error} of VXI-11")
