"""A simulated instrument as a VXI-11 device: `TCPIP::HOST,PORT::inst0::INSTR`.

VXI-11 revision 1.0 (TCP/IP Instrument Protocol) with VXI-11.3: core channel and abort channel, over ONC RPC. Both
and the port mapper (RFC 1833, version 2) are served at one port; served at port 111, a client finds it as it finds an
instrument, without a port in the resource. Interrupts and docmd are refused as not supported.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable

from simulators.message_port import MESSAGE_AVAILABLE, UNTERMINATED, MessagePort
from simulators.onc_rpc import (
    GARBAGE_ARGUMENTS,
    PROCEDURE_UNAVAILABLE,
    PROGRAM_UNAVAILABLE,
    Arguments,
    Call,
    call_of,
    opaque,
    read_record,
    record_of,
    uints,
)

PORT_MAPPER, CORE, ABORT = 100000, 0x0607AF, 0x0607B0
GETPORT, DEVICE_ABORT, TCP, MAPPED_AT = 3, 1, 6, 111
LARGEST_WRITE = 4096  # of one device_write; a longer message comes in several (the specification asks for 1024 at least)
DEVICE = b"inst0"
# error values, VXI-11 table B.2
NO_ERROR, NOT_ACCESSIBLE, INVALID_LINK, NOT_SUPPORTED, OUT_OF_RESOURCES, NO_LOCK, IO_TIMEOUT, ABORTED = (
    0, 3, 4, 8, 9, 12, 15, 23,
)  # fmt: skip
END_FLAG, TERMCHAR_FLAG = 8, 128
BY_COUNT, BY_CHARACTER, BY_END = 1, 2, 4  # reasons why a read ended
CREATE_LINK, WRITE, READ, READ_STATUS, TRIGGER, CLEAR, REMOTE, LOCAL, LOCK, UNLOCK, DESTROY_LINK = (
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 23,
)  # fmt: skip
RESULTS_BESIDE_ERROR = {WRITE: 1, READ: 2, READ_STATUS: 1}
UNSUPPORTED = (20, 22, 25, 26)  # enable_srq, docmd, create_intr_chan, destroy_intr_chan


class Vxi11Port(MessagePort):
    """One device with one link at a time."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._link = 0
        self._heard = bytearray()
        self._locked = self._aborted = False
        self._there = asyncio.Event()
        self._procedures: dict[int, Callable[[Arguments], Awaitable[bytes]]] = {
            WRITE: self._write, READ: self._read, READ_STATUS: self._read_status, TRIGGER: self._trigger,
            CLEAR: self._clear, REMOTE: self._nothing, LOCAL: self._nothing, LOCK: self._lock, UNLOCK: self._unlock,
            DESTROY_LINK: self._destroy,
        }  # fmt: skip

    @property
    def resource(self) -> str:
        """The port stands behind the host unless the port mapper is where it is looked for."""
        where = self._host if self._port == MAPPED_AT else f"{self._host},{self._port}"
        return f"TCPIP::{where}::{DEVICE.decode()}::INSTR"

    def _respond(self) -> None:
        self._there.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                call = call_of(await read_record(reader))
            except struct.error:
                return
            writer.write(record_of(await self._carried_out(call, writer)))
            await writer.drain()

    async def _carried_out(self, call: Call, writer: asyncio.StreamWriter) -> bytes:
        if call.program not in {PORT_MAPPER, CORE, ABORT}:
            return call.refused(PROGRAM_UNAVAILABLE)
        try:
            results = await self._results(call, writer)
        except struct.error:
            return call.refused(GARBAGE_ARGUMENTS)
        return call.refused(PROCEDURE_UNAVAILABLE) if results is None else call.accepted(results)

    async def _results(self, call: Call, writer: asyncio.StreamWriter) -> bytes | None:
        """What a procedure gives; None where there is no such procedure."""
        if call.procedure == 0:  # every program has one that does nothing
            return b""
        if call.program != CORE:
            aside = {(PORT_MAPPER, GETPORT): self._getport, (ABORT, DEVICE_ABORT): self._abort}
            found = aside.get((call.program, call.procedure))
            return found(call.arguments) if found else None
        if call.procedure == CREATE_LINK:
            return self._create_link(call.arguments, writer)
        return await self._on_link(call)

    async def _on_link(self, call: Call) -> bytes | None:
        if call.procedure in UNSUPPORTED:
            return uints(NOT_SUPPORTED)
        if call.procedure not in self._procedures:
            return None
        if call.arguments.uint() != self._link or self._holder is None:
            return uints(INVALID_LINK, *[0] * RESULTS_BESIDE_ERROR.get(call.procedure, 0))
        return await self._procedures[call.procedure](call.arguments)

    def _getport(self, arguments: Arguments) -> bytes:
        program, _, protocol = (arguments.uint() for _ in range(3))
        return uints(self._port if program in {CORE, ABORT} and protocol == TCP else 0)

    def _abort(self, arguments: Arguments) -> bytes:
        """device_abort: a read under way ends with error 23."""
        if arguments.uint() != self._link:
            return uints(INVALID_LINK)
        self._aborted = True
        self._there.set()
        return uints(NO_ERROR)

    def _create_link(self, arguments: Arguments, writer: asyncio.StreamWriter) -> bytes:
        for _ in ("client", "lock", "lock time-out"):
            arguments.uint()
        if arguments.opaque().lower() != DEVICE:
            return uints(NOT_ACCESSIBLE, 0, 0, 0)
        if not self._take(writer):
            return uints(OUT_OF_RESOURCES, 0, 0, 0)
        self._link += 1
        self._locked = self._aborted = False
        self._heard.clear()
        return uints(NO_ERROR, self._link, self._port, LARGEST_WRITE)

    async def _write(self, arguments: Arguments) -> bytes:
        _, _, flags = (arguments.uint() for _ in range(3))
        data = arguments.opaque()
        self._heard += data
        if flags & END_FLAG:
            self._hear(bytes(self._heard))
            self._heard.clear()
        return uints(NO_ERROR, len(data))

    async def _read(self, arguments: Arguments) -> bytes:
        most, time_out_ms, _, flags, mark = (arguments.uint() for _ in range(5))
        self._there.clear()
        if not self._has_response():
            if not self._answering and self._messages.empty():
                self._query_error(UNTERMINATED)
            await self._wait(time_out_ms / 1000)
        if self._aborted:
            self._aborted = False
            return uints(ABORTED, 0) + opaque(b"")
        if not self._has_response():
            return uints(IO_TIMEOUT, 0) + opaque(b"")
        return self._piece(most, bytes([mark & 0xFF]) if flags & TERMCHAR_FLAG else b"")

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not self._aborted and not self._has_response():
                    self._there.clear()
                    await self._there.wait()
        except TimeoutError:
            return

    def _has_response(self) -> bool:
        return bool(self._output) and not self._answering

    def _piece(self, most: int, mark: bytes) -> bytes:
        end = self._output.find(mark) + 1 if mark else 0
        count = min(most, end or len(self._output), LARGEST_WRITE)
        piece = bytes(self._output[:count])
        del self._output[:count]
        reason = BY_COUNT * (count == most) | BY_CHARACTER * (count == end) | BY_END * (not self._output)
        return uints(NO_ERROR, reason) + opaque(piece)

    async def _read_status(self, arguments: Arguments) -> bytes:
        return uints(NO_ERROR, self._status | MESSAGE_AVAILABLE * self._has_response())

    async def _trigger(self, arguments: Arguments) -> bytes:
        self._hear(b"*TRG")
        return uints(NO_ERROR)

    async def _clear(self, arguments: Arguments) -> bytes:
        self._heard.clear()
        self._drop()
        return uints(NO_ERROR)

    async def _nothing(self, arguments: Arguments) -> bytes:
        return uints(NO_ERROR)

    async def _lock(self, arguments: Arguments) -> bytes:
        self._locked = True
        return uints(NO_ERROR)

    async def _unlock(self, arguments: Arguments) -> bytes:
        was, self._locked = self._locked, False
        return uints(NO_ERROR if was else NO_LOCK)

    async def _destroy(self, arguments: Arguments) -> bytes:
        self._let_go()
        return uints(NO_ERROR)
