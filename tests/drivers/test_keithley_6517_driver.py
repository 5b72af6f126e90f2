"""The 6517 driver against an instrument of the tests' own, over a wire in memory that suffers every link fault.

What must hold whatever happens: a number that is delivered is the one the instrument sent for that very request, what
cannot be read is kept with its bytes, and readings flow again once the line is well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from drivers.keithley_6517 import Keithley6517A, Keithley6517B, Settings6517

from drivers import Flag, Garbled, InstrumentError, LinkDown, Misuse, Reading, Refused, ReplyTimeout, WrongInstrument
from drivers.trace import Trace
from drivers.transport.memory import MemoryTransport

IDN = "KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X"
FRESH = ":SENS:DATA:FRES?"


class Electrometer:
    """Answers queries, the n-th for a fresh reading with n nC; `fault` bends the next reply."""

    def __init__(self, wire: MemoryTransport) -> None:
        self.wire = wire
        self.idn, self.end = IDN, b"\r\n"
        self.heard: list[str] = []
        self.errors: list[str] = []
        self.event_status = "0"
        self.readings = 0
        self.number = 0
        self.line: bytes | None = None
        self.fault: Callable[[bytes], list[bytes]] | None = None
        self.asked = asyncio.Event()
        self._part = b""

    async def run(self) -> None:
        while True:
            data = await self.wire.read_some()
            if data == b"\x03":
                await self.wire.write(b"DCL\r\n")
                continue
            *lines, self._part = (self._part + data).split(b"\n")
            for line in lines:
                await self._hear(line.rstrip(b"\r").decode("latin-1"))

    async def _hear(self, line: str) -> None:
        self.heard.append(line)
        reply = self._reply(line)
        if reply is None:
            return
        fault, self.fault = self.fault, None
        pieces = [reply + self.end] if fault is None else fault(reply)
        for piece in pieces:
            await self.wire.write(piece)
            await asyncio.sleep(0)

    def _reply(self, line: str) -> bytes | None:
        if line == "*IDN?":
            return self.idn.encode()
        if line == "*ESR?":
            status, self.event_status = self.event_status, "0"
            return status.encode()
        if line == ":SYST:ERR?":
            return (self.errors.pop(0) if self.errors else '0,"No Error"').encode()
        if line == "*CLS":
            self.errors.clear()
        if line == FRESH:
            self.asked.set()
            self.readings += 1
            self.number += 1
            n = self.number
            return self.line or b"+%08.4fE-09NCOUL,+%014.6fsecs,+%05dRDNG#" % (n, n / 10, n)
        return None


@asynccontextmanager
async def opened(
    kind: type[Keithley6517B] = Keithley6517B, open_it: bool = True, **settings: Any
) -> AsyncIterator[tuple[Keithley6517B, Electrometer]]:
    ours, theirs = MemoryTransport.pair()
    given = Settings6517.model_validate({"range_si": 2e-7, "timeout_s": 0.05} | settings)
    driver = kind("memory", given, trace=Trace(), transport=ours)
    device = Electrometer(theirs)
    running = asyncio.create_task(device.run())
    try:
        if open_it:
            await driver.open()
        yield driver, device
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await driver.close()


def late(reply: bytes) -> list[bytes]:
    return []  # and the tests below send it before the next request


def flip(reply: bytes) -> list[bytes]:
    return [bytes([reply[0] ^ 0x40]) + reply[1:] + b"\r\n"]


FAULTS: dict[str, Callable[[bytes], list[bytes]]] = {
    "late-reply": late,
    "split": lambda r: [bytes([b]) for b in r + b"\r\n"],
    "glued": lambda r: [r + b"\r\n" + r + b"\r\n"],
    "half-then-silence": lambda r: [r[:20]],
    "garbage-before": lambda r: [b"\xff\x00\x7f" + r + b"\r\n"],
    "front-lost": lambda r: [r[5:] + b"\r\n"],
    "bit-flip": flip,
    "duplicate": lambda r: [r + b"\r\n", r + b"\r\n"],
    "echo": lambda r: [FRESH.encode() + b"\n", r + b"\r\n"],
    "wrong-terminator-CR": lambda r: [r + b"\r"],
    "wrong-terminator-LF": lambda r: [r + b"\n"],
    "wrong-terminator-none": lambda r: [r],
    "unsolicited": lambda r: [r + b"\r\n", b"READY\r\n"],
    "reboot-banner": lambda r: [b"KEITHLEY 6517B READY\r\n"],
    "busy-reply": lambda r: [b"BUSY\r\n"],
    "sentinel": lambda r: [b"+9.9E37OCOUL,+0000000.100000secs,+00001RDNG#\r\n"],
    "decimal-comma": lambda r: [r.replace(b".", b",", 1) + b"\r\n"],
    "nan": lambda r: [b"nan\r\n"],
    "without-end": lambda r: [b"7" * 70000],
}


@pytest.mark.parametrize("name", FAULTS)
async def test_link_fault(name: str) -> None:
    async with opened() as (driver, device):
        readings = list(await driver.poll())
        device.fault = FAULTS[name]
        for _ in range(4):
            try:
                readings += await driver.poll()
            except InstrumentError:
                await device.wire.write(
                    b"+099.0000E-09NCOUL,+0000009.900000secs,+00099RDNG#\r\n" * (name == "late-reply")
                )
                await driver.recover()
        (last,) = await driver.poll()
        for reading in [*readings, last]:
            number = int(reading.raw.split(b",+")[-1][:5]) if reading.value is not None else 0
            assert reading.value is None or reading.value == pytest.approx(number * 1e-9)
            assert number != 99, "a late reply was taken for an answer"
            assert (reading.kind == "unparsed") == (Flag.UNPARSED in reading.flags)
            assert reading.raw
        assert last.value == pytest.approx(device.readings * 1e-9)
        if name in ("split", "wrong-terminator-CR", "wrong-terminator-LF"):
            assert len(readings) == 5, "nothing may be lost to it"


@pytest.mark.parametrize("terminator", ["LF", "CRLF"])
@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
async def test_any_line_end_is_understood(end: bytes, terminator: str) -> None:
    async with opened(open_it=False, terminator=terminator) as (driver, device):
        device.end = end
        await driver.open()
        assert [r.value for _ in range(3) for r in await driver.poll()] == [pytest.approx(n * 1e-9) for n in (1, 2, 3)]


async def test_opening_identifies_before_anything_is_set_and_reads_the_elements_it_needs() -> None:
    async with opened(expected_serial="4096271") as (_, device):
        assert device.heard[0] == "*IDN?"
        assert ":FORM:ELEM READ,TST,STAT,UNIT,RNUM" in device.heard
        assert device.heard.index(":SYST:ZCH 0") < device.heard.index(":INIT:CONT ON")
        assert device.heard[-1] == ":SYST:ERR?"


@pytest.mark.parametrize(
    ("idn", "settings", "says"),
    [
        (IDN.replace("6517B", "6517A"), {}, "a 6517A answers"),
        ("KEITHLEY INSTRUMENTS INC.,MODEL 6514,4691930,A13", {}, "expected on memory; 'KEITHLEY"),
        (IDN, {"expected_serial": "1"}, "Serial number 1 is configured on memory; 4096271 answers"),
    ],
)
async def test_other_device_and_other_serial(idn: str, settings: dict[str, Any], says: str) -> None:
    async with opened(open_it=False, **settings) as (driver, device):
        device.idn = idn
        with pytest.raises(WrongInstrument, match=says):
            await driver.open()
        assert set(device.heard) == {"*IDN?"}, "another instrument must not be set"
        with pytest.raises(LinkDown):
            await driver.poll()


async def test_another_serial_after_a_time_out_is_refused() -> None:
    async with opened() as (driver, device):
        device.idn = IDN.replace("4096271", "4096272")
        with pytest.raises(WrongInstrument, match="4096272 answers where 4096271 was"):
            await driver.recover()


async def test_the_6517a_has_its_own_name() -> None:
    async with opened(Keithley6517A, open_it=False) as (driver, device):
        device.idn = "KEITHLEY INSTRUMENTS INC.,MODEL 6517A,0972959,C05  /A02"
        identity = await driver.open()
        assert (identity.model, identity.serial, identity.firmware) == ("6517A", "0972959", "C05 /A02")


async def poll_line(driver: Keithley6517B, device: Electrometer, line: bytes) -> Reading:
    device.line = line
    (reading,) = await driver.poll()
    assert reading.raw == line
    return reading


async def test_calendar_clock_source_voltage_and_another_function_than_set() -> None:
    async with opened() as (driver, device):
        got = await poll_line(driver, device, b"+01.01103E+00NVDC,09:00:20.00,26-Mar-2015,+01945RDNG#,+0001.000Vsrc")
        assert (got.quantity, got.unit, got.value, got.clock) == ("voltage", "V", 1.01103, "2015-03-26T09:00:20")
        assert (got.also["source-voltage"].value, got.also["reading-number"].value) == (1.0, 1945.0)
        assert got.flags == (Flag.CHANGED_BY_HAND,)


async def test_a_reboot_is_noticed_and_stays_noticed_until_set_up_anew() -> None:
    async with opened() as (driver, device):
        device.number = 100
        for _ in range(3):
            assert (await driver.poll())[0].flags == ()
        device.number = 0
        for _ in range(2):
            (reading,) = await driver.poll()
            assert reading.flags == (Flag.CHANGED_BY_HAND,)
            assert "set up anew" in (reading.note or "")
        await driver.run_command("set-up", {})
        assert (await driver.poll())[0].flags == ()


async def test_a_reboot_during_a_time_out_is_told_by_the_power_on_bit_and_stays_noticed() -> None:
    async with opened() as (driver, device):
        device.fault, device.event_status = late, "128"
        with pytest.raises(ReplyTimeout):
            await driver.poll()
        for _ in range(2):  # the second recovery reads a register that the first has cleared
            await driver.recover()
            assert (await driver.poll())[0].flags == (Flag.CHANGED_BY_HAND,)
        await driver.run_command("set-up", {})
        assert (await driver.poll())[0].flags == ()


async def test_no_later_setting_is_blamed_for_errors_of_an_interruption() -> None:
    async with opened() as (driver, device):
        device.errors = ['-410,"Query INTERRUPTED"']
        await driver.recover()
        assert await driver.run_command("zero-check", {"on": False}) == {"on": False}


async def test_vanish_write_and_read() -> None:
    async with opened() as (driver, device):
        polling = asyncio.create_task(driver.poll())
        device.wire.peer.cut()  # type: ignore[union-attr]  # it has one
        with pytest.raises(LinkDown):
            await polling
        with pytest.raises(LinkDown):
            await driver.poll()


async def test_cancelled_poll_then_recover_never_gives_the_old_reading() -> None:
    async with opened(timeout_s=5) as (driver, device):
        device.fault = late
        polling = asyncio.create_task(driver.poll())
        await device.asked.wait()
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await device.wire.write(b"+001.0000E-09NCOUL,+0000000.100000secs,+00001RDNG#\r\n")
        with pytest.raises(InstrumentError):
            await driver.poll()
        await driver.recover()
        assert (await driver.poll())[0].also["reading-number"].value == 2


@pytest.mark.parametrize(
    ("name", "parameters", "sent"),
    [
        ("zero", {}, [":SYST:ZCH 1", ":SYST:ZCH 0"]),
        ("reset-charge", {}, [":SYST:ZCH 1", ":SYST:ZCH 0"]),
        ("zero-check", {"on": True}, [":SYST:ZCH 1"]),
        ("range", {"range_si": 2e-8}, [":SENS:CHAR:RANG 2e-08"]),
        ("range", {"range_si": None}, [":SENS:CHAR:RANG:AUTO 1"]),
        ("relative", {"on": True}, [":SENS:CHAR:REF:ACQ", ":SENS:CHAR:REF:STAT 1"]),
        ("relative", {"on": False}, [":SENS:CHAR:REF:STAT 0"]),
        ("errors", {}, []),
    ],
)
async def test_commands_send(name: str, parameters: dict[str, Any], sent: list[str]) -> None:
    async with opened() as (driver, device):
        device.heard.clear()
        await driver.run_command(name, parameters)
        assert device.heard == [*sent, ":SYST:ERR?"]


async def test_commands_that_are_refused_or_misused() -> None:
    async with opened() as (driver, device):
        device.errors = ['-222,"Parameter data out of range"', '-113,"Undefined header"']
        with pytest.raises(Refused, match=r"memory refused a setting: -222 Parameter data out of range; -113 Undef"):
            await driver.run_command("range", {"range_si": 1.0})
        device.errors = ['-350,"Queue overflow"']
        assert await driver.run_command("errors", {}) == {"errors": ["-350 Queue overflow"]}
        await driver.run_command("function", {"function": "current"})
        assert ":SENS:FUNC 'CURR'" in device.heard
        with pytest.raises(Misuse, match="needs the function charge"):
            await driver.run_command("reset-charge", {})


async def test_device_clear_is_answered_with_dcl_and_readings_go_on() -> None:
    async with opened() as (driver, _):
        assert await driver.run_command("device-clear", {}) == {"answer": "DCL"}
        assert (await driver.poll())[0].value == pytest.approx(1e-9)


def test_device_clear_is_not_for_gpib() -> None:
    driver = Keithley6517B("GPIB0::27::INSTR", Settings6517(), transport=MemoryTransport())
    with pytest.raises(Misuse, match="serial line"):
        asyncio.run(driver.run_command("device-clear", {}))  # type: ignore[arg-type]  # a coroutine


async def test_an_error_reply_that_is_none_is_garbled() -> None:
    async with opened() as (driver, device):
        device.errors = ["what?"]
        with pytest.raises(Garbled, match="no error entry"):
            await driver.run_command("errors", {})
