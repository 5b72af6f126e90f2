"""A step of the host's clock, through the engine's way and a drop folder's, and what a charge makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from files.reader_files import export, folder_at
from gauge import Counting, model
from scripted import played

from acquire.procedure.methods.collected_charge import BLOCKING, Charge, collected
from drivers import Flag
from drivers.stamping import HostClock

STEP = (Flag.CLOCK_STEP,)


class Clocks:
    """The host's two clocks, set by a test."""

    def __init__(self) -> None:
        self.utc_s, self.monotonic_s = 1_790_000_000.0, 5000.0

    def pass_(self, seconds: float, step_s: float = 0.0) -> None:
        """Time goes on, and the calendar clock is set by step_s."""
        self.monotonic_s += seconds
        self.utc_s += seconds + step_s

    def both(self) -> HostClock:
        """What an instrument holds against each other."""
        return HostClock(lambda: self.utc_s, lambda: self.monotonic_s)


@pytest.mark.virtual_time
@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
async def test_a_step_is_flagged_on_the_next_reading_of_an_instrument(step_s: float) -> None:
    clocks = Clocks()
    async with played(model(), Counting(), opened=False) as (instrument, _):
        instrument._clock = clocks.both()
        clocks.pass_(10.0, 7.0)  # before the stream begins: nothing of it
        await instrument.open()
        flags = []
        for step in (0.0, step_s, 0.0):
            clocks.pass_(0.1, step)
            (reading,) = await instrument.take()
            flags.append((reading.flags, reading.value is not None))
        assert flags == [((), True), (STEP, True), ((), True)]


@pytest.mark.virtual_time
async def test_a_step_is_flagged_on_what_was_refused(tmp_path: Path) -> None:
    clocks = Clocks()
    async with played(model(), Counting()) as (instrument, device):
        instrument._clock = clocks.both()
        clocks.pass_(0.1, 60.0)
        device.once["R?"] = [b"NONSENSE\r\n"]
        (refused,) = await instrument.take()
        assert refused.flags == (Flag.UNPARSED, Flag.CLOCK_STEP)


async def test_a_step_is_flagged_on_all_that_one_look_into_a_folder_gave(tmp_path: Path) -> None:
    clocks = Clocks()
    folder = folder_at(tmp_path)
    folder._host_clock = clocks.both()
    await folder.open()
    clocks.pass_(1.0, -86_400.0)
    assert await folder.take() == [], "nothing new: the next reading is flagged"
    (tmp_path / "in" / "a.ASC").write_bytes(export(1, 2))
    assert [r.flags for r in await folder.take()] == [STEP, STEP]
    (tmp_path / "in" / "b.ASC").write_bytes(export(3))
    assert [r.flags for r in await folder.take()] == [()]


def body(elapsed_s: float, nc: float, time: str, *flags: str) -> dict[str, Any]:
    said = {"quantity": "charge", "unit": "C", "value": nc * 1e-9, "elapsed_s": elapsed_s, "time": time}
    return said | {"flags": list(flags)}


def test_a_charge_is_the_same_whatever_the_hosts_clock_does() -> None:
    """Its seconds are the instrument's own; the flag blocks no number, and is not one that is not known."""
    steady = [body(10.0 + n, 2.0 * n, f"2026-11-28T10:00:{n:02d}.000000Z") for n in range(4)]
    stepped = [*steady[:2], body(12.0, 4.0, "2026-11-27T09:00:00.000000Z", "clock-step"), steady[3]]
    assert collected(stepped, "running") == collected(steady, "running") == Charge(pytest.approx(6.0), 3.0)
    assert "clock-step" not in BLOCKING
