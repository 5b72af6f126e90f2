"""The two invented probes on a wire: twenty readings of twelve channels in a second, thresholds before and after."""

from __future__ import annotations

import asyncio

import pytest
from fleet import both
from fleet_bench import Bench, bench
from fleet_wires import WIRES
from virtual_time import run

from drivers import Flag, Reading


async def through(it: Bench) -> list[Reading]:
    return list(await it.instrument.take())


def test_twelve_channels_are_read_twenty_times_in_a_second() -> None:
    async def measured() -> list[list[Reading]]:
        with pytest.MonkeyPatch.context() as patch:
            async with bench(*both("diode-electrometer-12"), WIRES[0], patch) as it:
                assert await it.open()
                begun = asyncio.get_running_loop().time()
                found = [await through(it) for _ in range(20)]
                assert asyncio.get_running_loop().time() - begun == pytest.approx(1.0, abs=0.051)
                return found

    takes = run(measured())
    assert {len(each) for each in takes} == {12}
    assert [each.channel for each in takes[0]] == [str(n) for n in range(1, 13)]
    elapsed = [each[0].elapsed_s for each in takes]
    assert elapsed == sorted(set(elapsed)), "no conversion twice"
    assert all(each.value is not None and each.also["current"].unit == "A" for take in takes for each in take)


def test_an_overload_is_of_its_own_channel_and_of_no_other() -> None:
    async def measured() -> list[Reading]:
        with pytest.MonkeyPatch.context() as patch:
            async with bench(*both("diode-electrometer-12"), WIRES[0], patch) as it:
                assert await it.open()
                it.simulator.set_state("expose", {"channel": 7, "charge_c": 80e-9, "duration_s": 1})
                await asyncio.sleep(2)
                return await through(it)

    readings = run(measured())
    over = [each.channel for each in readings if Flag.OVERLOAD in each.flags]
    assert over == ["7"]
    assert [each.channel for each in readings if each.value is None] == over


def test_a_range_turned_by_hand_shows_in_the_next_reading() -> None:
    async def measured() -> list[Reading]:
        with pytest.MonkeyPatch.context() as patch:
            async with bench(*both("diode-electrometer-12"), WIRES[0], patch) as it:
                assert await it.open()
                it.simulator.front_panel()
                return await through(it)

    readings = run(measured())
    assert {(each.range, Flag.CHANGED_BY_HAND in each.flags) for each in readings} == {("HIGH", True)}


def test_thresholds_rise_in_the_beam_and_count_when_the_drift_wait_is_over() -> None:
    async def measured() -> list[Reading]:
        with pytest.MonkeyPatch.context() as patch:
            async with bench(*both("mosfet-reader-5"), WIRES[0], patch, drift_wait_s=60) as it:
                assert await it.open()
                it.simulator.detector.leakage_a = 0.0
                found = [(await through(it))[2]]
                it.simulator.set_state("expose", {"channel": 3, "charge_c": 32.95e-9, "duration_s": 5})
                for wait_s in (10, 100):
                    await asyncio.sleep(wait_s)
                    found.append((await through(it))[2])
                return found

    before, early, after = run(measured())
    assert [(each.channel, each.element, each.mode) for each in (before, early, after)] == [
        ("3", "MF-3", "PRE"), ("3", "MF-3", "POS"), ("3", "MF-3", "POS"),
    ]  # fmt: skip
    assert [each.flags for each in (before, early, after)] == [(), (Flag.BUSY,), ()]
    assert (after.value or 0) - (before.value or 0) == pytest.approx(0.3295, abs=1.5e-4)
    assert (early.value or 0) > (after.value or 0)
    assert early.also["drift"].value == 5.0
