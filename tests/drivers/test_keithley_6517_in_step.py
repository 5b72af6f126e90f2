"""What comes in the place of a reply must not put readings and polls out of step.

The instrument here says something else first, and its true reply only when it hears the next line: at that moment a
driver that asks on would take it for the new answer, and every reading from then on would be the one before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from drivers.keithley_6517 import Keithley6517B, Settings6517
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import Garbled, InstrumentError, Misuse, Reading
from drivers.transport.memory import MemoryTransport

FRESH = ":SENS:DATA:FRES?"
ASIDE = {
    "unsolicited": b"READY",
    "echo": FRESH.encode(),
    "other-reply": b'0,"No Error"',
    "identity": b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X",
    "half": b"-000.0045E-09NCO",
    "empty-line": b"",
}


@pytest.fixture(autouse=True, scope="module")
def nothing_is_slow_in_memory() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drivers.keithley_6517.driver.QUIET_S", 0.002)
        yield


class Electrometer:
    """The reply to the n-th request for a reading is n nC, and says so in its reading number."""

    def __init__(self, wire: MemoryTransport) -> None:
        self.wire = wire
        self.requests = 0
        self.aside: bytes | None = None
        self.last = b""
        self._held = b""
        self._part = b""

    async def run(self) -> None:
        while True:
            *lines, self._part = (self._part + await self.wire.read_some()).split(b"\n")
            for line in lines:
                held, self._held = self._held, b""
                await self._say(held + self._reply(line.decode()))

    def _reply(self, line: str) -> bytes:
        answers = {
            "*IDN?": ASIDE["identity"], "*ESR?": b"0", ":SYST:ERR?": ASIDE["other-reply"], FRESH: self._fresh(line),
        }  # fmt: skip
        reply = answers.get(line, b"")
        if reply and self.aside is not None:
            aside, self.aside = self.aside, None
            self._held = reply + b"\r\n"
            return aside + b"\r\n"
        return reply + b"\r\n" if reply else b""

    def _fresh(self, line: str) -> bytes:
        if line == FRESH:
            self.requests += 1
            n = self.requests
            self.last = b"+%08.4fE-09NCOUL,+%014.6fsecs,+%05dRDNG#" % (n, n / 10, n)
        return self.last

    async def _say(self, data: bytes) -> None:
        if data:
            await self.wire.write(data)


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Keithley6517B, Electrometer]]:
    ours, theirs = MemoryTransport.pair()
    driver = Keithley6517B("memory", Settings6517(range_si=2e-7, timeout_s=1), transport=ours)
    device = Electrometer(theirs)
    running = asyncio.create_task(device.run())
    try:
        await driver.open()
        yield driver, device
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await driver.close()


async def polled(driver: Keithley6517B, device: Electrometer) -> Reading | None:
    """One poll as the daemon does it. Whatever number comes must be the answer to this very request."""
    try:
        (reading,) = await driver.poll()
    except InstrumentError:
        await driver.recover()
        return None
    if reading.value is not None:
        assert reading.value == pytest.approx(device.requests * 1e-9), "the reading of an earlier request"
        assert reading.also["reading-number"].value == device.requests
    return reading


@pytest.mark.parametrize("name", ASIDE)
async def test_a_line_before_the_reply_shifts_no_reading(name: str) -> None:
    async with opened() as (driver, device):
        assert await polled(driver, device)
        device.aside = ASIDE[name]
        odd = await polled(driver, device)
        assert odd is not None
        assert (odd.kind, odd.value, odd.raw) == ("unparsed", None, ASIDE[name])
        assert await polled(driver, device) is None, "the line is in doubt and must be recovered"
        for _ in range(3):
            reading = await polled(driver, device)
            assert reading is not None
            assert reading.value is not None


@pytest.mark.parametrize("age", [0, 3])
async def test_a_duplicate_of_an_earlier_reply_is_no_reading(age: int) -> None:
    async with opened() as (driver, device):
        lines = []
        for _ in range(5):
            assert await polled(driver, device)
            lines.append(device.last)
        device.aside = lines[-1 - age]
        twice = await polled(driver, device)
        assert twice is not None
        assert (twice.kind, twice.raw) == ("unparsed", lines[-1 - age])
        assert "come before" in (twice.note or "")
        assert await polled(driver, device) is None
        reading = await polled(driver, device)
        assert reading is not None
        assert reading.flags == (), "an old reading is no restart"


@pytest.mark.parametrize("command", ["errors", "zero"])
async def test_a_reply_to_a_command_that_makes_no_sense_is_followed_by_recovery(command: str) -> None:
    async with opened() as (driver, device):
        await polled(driver, device)
        device.aside = b"READY"
        with pytest.raises(Garbled, match="no error entry"):
            await driver.run_command(command, {})
        assert await polled(driver, device) is None
        assert (await polled(driver, device)) is not None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.sampled_from(list(ASIDE.values()))), min_size=1, max_size=8))
def test_whatever_comes_between_readings_stay_in_step(asides: list[bytes | None]) -> None:
    async def run() -> None:
        async with opened() as (driver, device):
            for aside in asides:
                device.aside = aside
                await polled(driver, device)
            for _ in range(2):
                last = await polled(driver, device)
            assert last is not None
            assert last.value is not None

    asyncio.run(run())


async def test_a_command_that_is_none_is_misuse_and_touches_nothing() -> None:
    async with opened() as (driver, device):
        with pytest.raises(Misuse, match="has no command 'explode'; it has device-clear, errors"):
            await driver.run_command("explode", {})
        assert await polled(driver, device)
