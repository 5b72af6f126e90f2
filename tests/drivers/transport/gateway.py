"""An instrument behind a small VXI-11 gateway of the tests' own (TCP/IP Instrument Protocol; ONC RPC, RFC 5531).

The instrument keeps the rule of IEEE 488.2: addressed to talk with nothing to say, it notes error -420.
"""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CREATE_LINK, WRITE, READ, READ_STATUS, DESTROY_LINK = 10, 11, 12, 13, 23
IO_TIMEOUT, END, AVAILABLE = 15, 4, 0x10
LONG = b"7" * 10_000 + b"\n"  # more than one read asks for


class Instrument:
    """Has its answer ready one look later, or when it is read (IEEE 488.2: a read waits for an answer that is being
    formed); a read with nothing to come is an error, so that a reader who does not look is found out.
    """

    def __init__(self) -> None:
        self.output = b""
        self.coming = b""
        self.untimely = 0
        self.heard: list[bytes] = []
        self.taken = 0

    def hear(self, data: bytes) -> None:
        line = data.rstrip(b"\r\n")
        self.heard.append(line)
        error = b'-420,"Query UNTERMINATED"' if self.untimely else b'0,"No Error"'
        reply = {
            b"*IDN?": b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X",
            b":SYST:ERR?": error,
            b"*ESR?": b"0",
            b":SENS:DATA:FRES?": b"-000.0045E-09NCOUL,+%014.6fsecs,+%05dRDNG#" % (self.taken / 10, self.taken),
            b"LONG?": LONG.rstrip(b"\n"),
        }.get(line)
        self.taken += line == b":SENS:DATA:FRES?"
        if reply is not None:
            self.coming = reply + b"\n"

    def status(self) -> int:
        there = AVAILABLE if self.output else 0
        self.output, self.coming = self.output + self.coming, b""
        return there

    def say(self, most: int) -> bytes | None:
        if not self.output and not self.coming:
            self.untimely += 1
            return None
        self.output, self.coming = self.output + self.coming, b""
        said, self.output = self.output[:most], self.output[most:]
        return said


class Gateway:
    """One core channel: a record in, a record out. `instead` of a procedure's results: others, or none."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.writers: list[asyncio.StreamWriter] = []
        self.instead: dict[int, bytes | None] = {}
        self.calls: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                (mark,) = struct.unpack(">I", await reader.readexactly(4))
                call = await reader.readexactly(mark & 0x7FFFFFFF)
                reply = self._answer(call)
                if reply is not None:
                    writer.write(struct.pack(">I", 0x80000000 | len(reply)) + reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, call: bytes) -> bytes | None:
        xid, procedure = struct.unpack_from(">I", call)[0], struct.unpack_from(">I", call, 20)[0]
        self.calls.append(procedure)
        given = call[40:]  # after two empty authenticators
        results = self.instead[procedure] if procedure in self.instead else self._carry_out(procedure, given)
        return None if results is None else struct.pack(">6I", xid, 1, 0, 0, 0, 0) + results

    def _carry_out(self, procedure: int, arguments: bytes) -> bytes:
        if procedure == CREATE_LINK:
            return struct.pack(">4I", 0, 1, 0, 4096)
        if procedure == WRITE:
            (length,) = struct.unpack_from(">I", arguments, 16)
            self.instrument.hear(arguments[20 : 20 + length])
            return struct.pack(">2I", 0, length)
        if procedure == READ:
            said = self.instrument.say(struct.unpack_from(">I", arguments, 4)[0])
            if said is None:
                return struct.pack(">3I", IO_TIMEOUT, 0, 0)
            reason = 0 if self.instrument.output else END
            return struct.pack(">3I", 0, reason, len(said)) + said + bytes(-len(said) % 4)
        if procedure == READ_STATUS:
            return struct.pack(">2I", 0, self.instrument.status())
        return struct.pack(">I", 0)


@asynccontextmanager
async def behind_a_gateway(instrument: Instrument) -> AsyncIterator[tuple[str, Gateway]]:
    """(resource, gateway)."""
    gateway = Gateway(instrument)
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    try:
        yield f"TCPIP::127.0.0.1,{server.sockets[0].getsockname()[1]}::inst0::INSTR", gateway
    finally:
        server.close()
        for writer in gateway.writers:
            writer.close()
            await writer.wait_closed()
        assert not [t.name for t in threading.enumerate() if t.name.startswith("port-")]
