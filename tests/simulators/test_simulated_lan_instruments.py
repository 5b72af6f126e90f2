"""A simulated electrometer over VXI-11 and HiSLIP: read by its driver, by pyvisa alone, and spoken to byte by byte."""

from __future__ import annotations

import asyncio
import struct
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import pyvisa

from drivers import connect
from drivers.registry import model
from simulators import Served, serve

KINDS = ("vxi11", "hislip")
NAME = "keithley-6514"


@asynccontextmanager
async def served(kind: str, speed: float = 50.0) -> AsyncIterator[Served]:
    it = await serve(NAME, f"{kind}:127.0.0.1:0", seed=3, speed=speed)
    try:
        yield it
    finally:
        await it.close()


@contextmanager
def session(resource: str) -> Iterator[Any]:
    """pyvisa alone, in a thread of the test's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        manager = pyvisa.ResourceManager("@py")
        it = manager.open_resource(resource, open_timeout=2000)
    try:
        it.timeout = 5000
        yield it
    finally:
        it.close()
        manager.close()


async def by_pyvisa(kind: str, work: Callable[[Any], Any]) -> Any:
    async with served(kind) as it:

        def all_of_it() -> Any:
            with session(it.resource) as opened:
                return work(opened)

        return await asyncio.to_thread(all_of_it)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_6514_measures_the_charge_it_is_given(kind: str) -> None:
    async with served(kind) as it:
        driver = connect(model(NAME), it.resource, {"timeout_s": 5, "range_si": 2e-8})
        assert (await driver.open()).model == "6514"
        for name in driver.model.framing.zero:
            await driver.run_command(name, {})
        it.instrument.detector.expose(1.5e-8, 0.5)  # type: ignore[union-attr]
        for _ in range(200):
            value = (await driver.take())[-1].value
            if value is not None and value > 1.49e-8:
                break
        assert value == pytest.approx(1.5e-8, rel=1e-2)
        assert not it.instrument.status.queue  # type: ignore[union-attr]
        await driver.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_status_byte_tells_of_a_message_and_of_errors(kind: str) -> None:
    def work(opened: Any) -> tuple[int, int, str, int]:
        opened.write(":NO:SUCH:HEADER")
        before = opened.query("*OPC?") and opened.read_stb()
        opened.write("*IDN?")
        while not (there := opened.read_stb()) & 0x10:
            """It is being answered."""
        name = opened.read()
        return before, there, name, opened.read_stb()

    before, there, name, after = await by_pyvisa(kind, work)
    assert (before, there, after) == (0x04, 0x14, 0x04)
    assert "MODEL 6514" in name


async def test_a_device_clear_takes_away_a_response_that_nobody_took() -> None:
    def work(opened: Any) -> tuple[str, str]:
        opened.write("*IDN?")
        while not opened.read_stb() & 0x10:
            """It is being answered."""
        opened.clear()
        assert not opened.read_stb() & 0x10
        return opened.query("*OPC?").strip(), opened.query(":SYST:ERR?").strip()

    assert await by_pyvisa("vxi11", work) == ("1", '0,"No error"')


async def test_pyvisa_py_clears_over_hislip_only_when_every_response_was_taken() -> None:
    """It takes what is still on the way for the acknowledgement, where it should drop it (IVI-6.1, 6.12)."""

    def work(opened: Any) -> str:
        opened.clear()
        name = opened.query("*IDN?")
        opened.write("*OPC?")
        while not opened.read_stb() & 0x10:
            """It is being answered."""
        with pytest.raises(RuntimeError, match="DeviceClearAcknowledge"):
            opened.clear()
        return str(name)

    assert "MODEL 6514" in await by_pyvisa("hislip", work)


async def test_a_response_that_nobody_took_is_dropped_for_the_next_message_with_an_error() -> None:
    def work(opened: Any) -> tuple[str, str]:
        opened.write("*IDN?")
        while not opened.read_stb() & 0x10:
            """It is being answered."""
        return opened.query("*OPC?").strip(), opened.query(":SYST:ERR?").strip()

    assert await by_pyvisa("vxi11", work) == ("1", '-410,"Query INTERRUPTED"')


async def test_a_read_with_nothing_to_say_times_out_and_is_an_error() -> None:
    def work(opened: Any) -> str:
        opened.timeout = 300
        with pytest.raises(pyvisa.errors.VisaIOError, match="Timeout"):
            opened.read()
        opened.timeout = 5000
        return str(opened.query(":SYST:ERR?").strip())

    assert await by_pyvisa("vxi11", work) == '-420,"Query UNTERMINATED"'


# --- byte by byte -------------------------------------------------------------------------------------------------


def port_of(resource: str) -> int:
    return int(resource.rpartition(",")[2].partition("::")[0])


@asynccontextmanager
async def connection(it: Served) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(it.resource))
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


class Caller:
    """Calls procedures over one connection: RFC 5531, with each record cut into two fragments."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, program: int, procedure: int, arguments: bytes, version: int = 2) -> None:
        call = struct.pack(">10I", 77, 0, version, program, 1, procedure, 0, 0, 0, 0) + arguments
        self.writer.write(struct.pack(">I", 10) + call[:10])
        self.writer.write(struct.pack(">I", 0x80000000 | len(call) - 10) + call[10:])

    async def reply(self) -> tuple[int, bytes]:
        """(accept status, results)."""
        (mark,) = struct.unpack(">I", await self.reader.readexactly(4))
        reply = await self.reader.readexactly(mark & 0x7FFFFFFF)
        xid, kind, denied, _, _, status = struct.unpack_from(">6I", reply)
        assert (xid, kind, denied) == (77, 1, 0)
        return status, reply[24:]

    async def call(self, program: int, procedure: int, arguments: bytes = b"") -> tuple[int, bytes]:
        self.send(program, procedure, arguments)
        return await self.reply()

    async def numbers(self, program: int, procedure: int, *arguments: int) -> tuple[int, ...]:
        status, results = await self.call(program, procedure, struct.pack(f">{len(arguments)}I", *arguments))
        assert status == 0
        return struct.unpack(f">{len(results) // 4}I", results)


CORE, ABORT, MAPPER = 0x0607AF, 0x0607B0, 100000
INST0 = struct.pack(">4I", 1, 0, 0, 5) + b"inst0\0\0\0"


async def test_the_port_mapper_tells_the_port_of_both_channels() -> None:
    async with served("vxi11") as it, connection(it) as ends:
        caller = Caller(*ends)
        for program, protocol, port in ((CORE, 6, port_of(it.resource)), (ABORT, 6, port_of(it.resource)), (5, 6, 0)):
            assert await caller.numbers(MAPPER, 3, program, 1, protocol, 0) == (port,)
        assert await caller.numbers(MAPPER, 3, CORE, 1, 17, 0) == (0,)  # not over UDP


async def test_calls_that_cannot_be_carried_out_are_refused_as_the_protocols_say() -> None:
    async with served("vxi11") as it, connection(it) as ends:
        caller = Caller(*ends)
        assert (await caller.call(4711, 1))[0] == 1
        assert (await caller.call(CORE, 99))[0] == 3
        assert (await caller.call(CORE, 10, b"\0\0"))[0] == 4
        assert await caller.call(CORE, 0) == (0, b"")
        assert await caller.numbers(CORE, 13, 5, 0, 0, 0) == (4, 0)  # there is no such link
        assert (await caller.call(CORE, 10, INST0.replace(b"inst0", b"inst1")))[1][:4] == struct.pack(">I", 3)
        assert (await caller.call(CORE, 10, INST0))[1][:4] == bytes(4)
        for unsupported in (20, 22, 25, 26):
            assert await caller.numbers(CORE, unsupported, 1) == (8,)
        assert await caller.numbers(CORE, 19, 1) == (12,)
        assert (await caller.numbers(CORE, 18, 1, 0, 0), await caller.numbers(CORE, 19, 1)) == ((0,), (0,))


async def test_a_call_of_another_version_ends_the_connection() -> None:
    async with served("vxi11") as it, connection(it) as ends:
        caller = Caller(*ends)
        caller.send(CORE, 0, b"", version=3)
        assert await ends[0].read() == b""


async def test_an_abort_ends_a_read_that_waits() -> None:
    async with served("vxi11") as it, connection(it) as ends, connection(it) as others:
        core, abort = Caller(*ends), Caller(*others)
        _, results = await core.call(CORE, 10, INST0)
        error, link, port, largest = struct.unpack(">4I", results)
        assert (error, port, largest >= 1024) == (0, port_of(it.resource), True)
        core.send(CORE, 12, struct.pack(">6I", link, 100, 60_000, 0, 0, 0))
        while not it.instrument.status.queue:  # type: ignore[union-attr]  # noqa: ASYNC110 - the read has come
            await asyncio.sleep(0.001)
        assert await abort.numbers(ABORT, 1, link + 1) == (4,)
        assert await abort.numbers(ABORT, 1, link) == (0,)
        assert await core.reply() == (0, struct.pack(">3I", 23, 0, 0))


def message(kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload


async def heard(reader: asyncio.StreamReader) -> tuple[int, int, int, bytes]:
    mark, kind, control, parameter, length = struct.unpack(">2sBBIQ", await reader.readexactly(16))
    assert mark == b"HS"
    return kind, control, parameter, await reader.readexactly(length)


@pytest.mark.parametrize(
    ("first", "why"),
    [(b"GET / HTTP/1.1\r\n\r\n", 1), (message(6), 3), (message(17, 0, 5), 3), (message(0, payload=b"hislip7"), 3)],
)
async def test_what_is_no_beginning_of_hislip_is_a_fatal_error(first: bytes, why: int) -> None:
    async with served("hislip") as it, connection(it) as (reader, writer):
        writer.write(first)
        assert (await heard(reader))[:2] == (2, why)
        assert await reader.read() == b""


async def test_hislip_message_by_message() -> None:
    async with served("hislip") as it, connection(it) as (reader, writer), connection(it) as (status, asking):
        writer.write(message(0, 0, 0x01005858, b"hislip0"))
        kind, _, parameter, _ = await heard(reader)
        assert (kind, parameter >> 16) == (1, 0x0100)
        asking.write(message(17, 0, parameter & 0xFFFF))
        assert (await heard(status))[0] == 18
        asking.write(message(15, payload=(36).to_bytes(8, "big")))  # 20 bytes beside the header
        assert await heard(status) == (16, 0, 0, (65536).to_bytes(8, "big"))
        writer.write(message(6, 0, 0xFFFFFF00, b"*ID") + message(7, 0, 0xFFFFFF02, b"N?\n"))
        said = [await heard(reader)]
        while said[-1][0] == 6:
            said.append(await heard(reader))
        assert {len(each[3]) for each in said[:-1]} == {20}
        assert {(each[1], each[2]) for each in said} == {(0, 0xFFFFFF02)}
        assert b"MODEL 6514" in b"".join(each[3] for each in said)
        asking.write(message(21) + message(21, 1))
        assert [(await heard(status))[:2] for _ in range(2)] == [(22, 0x10), (22, 0)]
        asking.write(message(99) + message(4, 1) + message(24) + message(10))
        assert [(await heard(status))[0] for _ in range(4)] == [3, 5, 25, 11]


async def test_a_response_that_was_not_taken_is_taken_back_on_both_channels() -> None:
    async with served("hislip") as it, connection(it) as (reader, writer), connection(it) as (status, asking):
        writer.write(message(0, payload=b"hislip0"))
        session_id = (await heard(reader))[2] & 0xFFFF
        asking.write(message(17, 0, session_id))
        assert (await heard(status))[0] == 18
        writer.write(message(7, 0, 2, b"*OPC?"))
        assert (await heard(reader))[0] == 7
        writer.write(message(7, 0, 4, b":SYST:ERR?"))
        assert await heard(reader) == (13, 0, 4, b"")
        assert await heard(status) == (14, 0, 4, b"")
        assert (await heard(reader))[3].strip() == b'-410,"Query INTERRUPTED"'
