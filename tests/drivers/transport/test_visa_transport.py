"""Message based VISA resources: an instrument behind a small VXI-11 gateway of the tests' own (VXI-11.1, TCP/IP
Instrument Protocol; ONC RPC, RFC 5531), reached through the real pyvisa-py.

The instrument keeps the rule of IEEE 488.2: addressed to talk with nothing to say, it notes error -420.
"""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from drivers import LinkDown, connect
from drivers.link import Link
from drivers.registry import model
from drivers.replies import Line
from drivers.transport import visa
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings
from drivers.transport.visa import VisaTransport

CREATE_LINK, WRITE, READ, READ_STATUS, DESTROY_LINK = 10, 11, 12, 13, 23
IO_TIMEOUT, END, AVAILABLE = 15, 4, 0x10
LONG = b"7" * 10_000 + b"\n"  # more than one read asks for


class Instrument:
    """Has its answer ready one look or one untimely read later, so that a reader that does not look is found out."""

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
        if not self.output:
            self.untimely += 1
            self.output, self.coming = self.coming, b""
            return None
        said, self.output = self.output[:most], self.output[most:]
        return said


class Gateway:
    """One core channel: a record in, a record out."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                (mark,) = struct.unpack(">I", await reader.readexactly(4))
                call = await reader.readexactly(mark & 0x7FFFFFFF)
                reply = self._answer(call)
                writer.write(struct.pack(">I", 0x80000000 | len(reply)) + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, call: bytes) -> bytes:
        xid, procedure = struct.unpack_from(">I", call)[0], struct.unpack_from(">I", call, 20)[0]
        results = self._carry_out(procedure, call[40:])  # after two empty authenticators
        return struct.pack(">6I", xid, 1, 0, 0, 0, 0) + results

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


async def test_an_instrument_is_never_addressed_to_talk_with_nothing_to_say() -> None:
    instrument = Instrument()
    async with behind_a_gateway(instrument) as (resource, _):
        link = Link(open_transport(resource, SerialSettings()), name=resource)
        await link.open()
        for _ in range(3):
            await link.send(b"*CLS\n")
            assert await link.exchange(b":SYST:ERR?\n", Line(), timeout_s=5) == b'0,"No Error"'
        await link.close()
    assert instrument.untimely == 0
    assert link.stray == 0


async def test_a_message_longer_than_one_read_comes_whole() -> None:
    async with behind_a_gateway(Instrument()) as (resource, _):
        link = Link(open_transport(resource, SerialSettings()), name=resource)
        await link.open()
        assert await link.exchange(b"LONG?\n", Line(), timeout_s=10) == LONG.rstrip(b"\n")
        await link.close()


async def test_a_6517_behind_a_gateway_is_set_up_and_read() -> None:
    instrument = Instrument()
    async with behind_a_gateway(instrument) as (resource, _):
        device = connect(model("keithley-6517b"), resource, {"timeout_s": 0.5})
        assert (await device.open()).serial == "4096271"
        stale, first = [r for r in await device.take() if r.value is None], await device.take()
        assert (len(stale), [r.value for r in first]) == (2, [pytest.approx(-4.5e-12)])
        await device.close()
    assert instrument.heard.count(b":SENS:DATA:FRES?") == 4


async def test_vanish_read_of_a_gateway_is_a_lost_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visa, "MESSAGE_MS", 100)  # the backend waits so long when it was in the middle of a call
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        link = Link(open_transport(resource, SerialSettings()), name=resource)
        await link.open()
        for writer in gateway.writers:
            writer.close()
        with pytest.raises(LinkDown, match="is gone"):
            await link.exchange(b"*IDN?\n", Line(), timeout_s=10)
        await link.close()


class WithoutStatus:
    """What pyvisa shows of a USB session: reading the status byte is not supported by the backend."""

    def __init__(self) -> None:
        self.session, self.visalib = 1, self
        self.sessions, self.interface = {1: self}, None
        self.reads = 0

    def read_stb(self) -> int:
        raise VisaIOError(StatusCode.error_nonsupported_operation)

    def ignore_warning(self, *_: Any) -> Any:
        return self

    def __enter__(self) -> None:
        """As a context manager it does nothing."""

    def __exit__(self, *_: object) -> None:
        """As a context manager it does nothing."""

    def read(self, session: int, count: int) -> tuple[bytes, StatusCode]:
        self.reads += 1
        return b"answer\n", StatusCode.success

    def write_raw(self, data: bytes) -> None:
        """Takes everything."""


def test_without_a_status_byte_only_a_question_is_followed_by_a_read() -> None:
    transport = VisaTransport("USB0::0x05E6::0x6517::123::INSTR")
    session = transport._session = WithoutStatus()
    assert transport.blocking_read() == b""
    transport.blocking_write(b"*CLS\n")
    assert transport.blocking_read() == b""
    transport.blocking_write(b"*IDN?\n")
    assert transport.blocking_read() == b"answer\n"
    assert transport.blocking_read() == b""
    assert session.reads == 1


def test_a_reply_is_looked_for_at_once_and_then_less_and_less_often() -> None:
    transport = VisaTransport("USB0::0x05E6::0x6517::123::INSTR")
    transport._session = WithoutStatus()
    pauses = []
    transport.blocking_write(b"*CLS\n")
    for _ in range(10):
        pauses.append(transport.pause_s)
        assert transport.blocking_read() == b""
    assert pauses[:4] == [0.0, visa.FIRST_PAUSE_S, 2 * visa.FIRST_PAUSE_S, 4 * visa.FIRST_PAUSE_S]
    assert pauses[-1] == visa.LONGEST_PAUSE_S
    transport.blocking_write(b"*IDN?\n")
    assert transport.pause_s == 0.0
    transport.blocking_read()
    assert transport.pause_s == visa.LONGEST_PAUSE_S, "a whole message came: another comes for a question only"
