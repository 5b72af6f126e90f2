"""When what a UNIDOS measures has settled: by what it states itself, in the daemon's time."""

from __future__ import annotations

import pytest
from ptw_bench import simulated

from drivers import Declined, Flag
from drivers.ptw.unidos_voltage import HighVoltage, RangeChange

pytestmark = pytest.mark.virtual_time

TANGO = "ptw-unidos-tango"


def test_a_voltage_settles_from_the_moment_it_is_reached() -> None:
    hv = HighVoltage(300)
    hv.was_set(0.0)
    assert hv.doubt(200.0, 0.0, 30) == (Flag.SETTLING, "the detector's voltage is 200 V on its way to 300 V")
    assert hv.doubt(298.0, 10.0, 30) == (
        Flag.SETTLING, "the detector's voltage was reached 0.0 s ago and settles for 30 s",
    )  # fmt: skip
    assert hv.doubt(300.0, 39.9, 30) is not None
    assert hv.doubt(300.0, 40.0, 30) is None
    assert hv.doubt(300.0, 41.0, 30) is None


def test_a_voltage_that_never_arrives_is_not_as_it_was_set() -> None:
    hv = HighVoltage(300)
    hv.was_set(0.0)
    assert hv.doubt(200.0, 59.9, 30) == (Flag.SETTLING, "the detector's voltage is 200 V on its way to 300 V")
    assert hv.doubt(200.0, 60.0, 30) == (Flag.CHANGED_BY_HAND, "the detector's voltage is 200 V; 300 V was set")


def test_a_change_that_nobody_asked_for_settles_too() -> None:
    unset = HighVoltage(None)
    assert unset.doubt(200.0, 0.0, 30) is None
    assert unset.doubt(-200.0, 1.0, 30) == (
        Flag.SETTLING, "the detector's voltage was reached 0.0 s ago and settles for 30 s",
    )  # fmt: skip
    assert unset.doubt(-200.0, 31.0, 30) is None
    fallen = HighVoltage(300)
    assert fallen.doubt(300.0, 0.0, 30) is None
    assert fallen.doubt(0.0, 1.0, 30) == (Flag.CHANGED_BY_HAND, "the detector's voltage is 0 V; 300 V was set")
    assert fallen.doubt(300.0, 2.0, 30) is not None, "it came back, and settles"
    assert fallen.doubt(300.0, 32.0, 30) is None


def test_a_range_settles_after_any_change() -> None:
    change = RangeChange()
    assert change.doubt("LOW", 0.0, 2) is None
    assert change.doubt("HIGH", 1.0, 2) == (Flag.SETTLING, "the range was changed 0.0 s ago and settles for 2 s")
    assert change.doubt(None, 2.9, 2) is not None
    assert change.doubt("HIGH", 3.0, 2) is None


@pytest.mark.parametrize("electrical", [True, False])
async def test_readings_on_the_way_to_a_voltage_are_flagged_until_it_has_settled(electrical: bool) -> None:
    async with simulated(TANGO, {"setup": "slow-hv"}, hv_v=300, electrical=electrical) as (unit, simulator, clock):
        assert simulator.meter.voltage_v == 300
        (rising,) = await unit.take()
        assert rising.flags == (Flag.SETTLING,)
        assert rising.also["detector-voltage"].value < 300
        assert rising.value == 0.0
        clock.advance(2.0)
        (reached,) = await unit.take()
        assert (reached.flags, reached.also["detector-voltage"].value) == ((Flag.SETTLING,), 300.0)
        clock.advance(31.0)
        assert [r.flags for r in await unit.take()] == [()]


async def test_an_opening_after_a_fault_neither_turns_a_voltage_back_nor_calls_it_settled() -> None:
    async with simulated(TANGO, hv_v=300) as (unit, simulator, clock):
        clock.advance(31.0)
        await unit.take()
        done = await unit.run_command("high-voltage", {"voltage_v": -300})
        assert done.result == {"voltage_v": -300, "settles_s": 30.0}
        await unit.take()
        clock.advance(5.0)
        await unit.close()
        await unit.open()
        assert simulator.meter.voltage_v == -300
        assert unit.settings_in_force["hv_v"] == "-300"
        assert [r.flags for r in await unit.take()] == [(Flag.SETTLING,)]
        clock.advance(30.0)
        assert [r.flags for r in await unit.take()] == [()]


async def test_a_voltage_that_a_command_set_is_not_raised_again_by_itself_after_the_unit_was_off() -> None:
    async with simulated(TANGO, hv_v=100, hv_settle_s=0) as (unit, simulator, _):
        await unit.run_command("high-voltage", {"voltage_v": -300})
        simulator.power_cycle()
        await unit.close()
        await unit.open()
        assert simulator.meter.voltage_v == 200, "as the unit came back"
        (reading,) = await unit.take()
        assert Flag.CHANGED_BY_HAND in reading.flags or Flag.SETTLING in reading.flags
        assert "the detector's voltage is 200 V" in reading.note
        await unit.run_command("high-voltage", {"voltage_v": -300})
        assert [r.flags for r in await unit.take()] == [()]


async def test_a_voltage_that_nobody_named_is_never_touched() -> None:
    async with simulated(TANGO) as (unit, simulator, _):
        assert simulator.meter.voltage_v == 200
        assert [r.flags for r in await unit.take()] == [()]
        await unit.close()
        assert simulator.meter.voltage_v == 200


async def test_a_voltage_beyond_the_detectors_own_limits_is_refused_with_what_is_allowed() -> None:
    async with simulated(TANGO, {"max_hv": 250}) as (unit, simulator, _):
        with pytest.raises(Declined, match=r"error 08: .* Allowed are -400 to 400 V, .* minHv and maxHv"):
            await unit.run_command("high-voltage", {"voltage_v": 300})
        assert simulator.meter.voltage_v == 200
        assert (await unit.run_command("high-voltage", {"voltage_v": 0})).result["voltage_v"] == 0


async def test_a_range_that_a_command_changed_settles() -> None:
    async with simulated(TANGO) as (unit, _, clock):
        await unit.run_command("range", {"range": "LOW"})
        assert [(r.range, r.flags) for r in await unit.take()] == [("LOW", (Flag.SETTLING,))]
        clock.advance(2.0)
        assert [r.flags for r in await unit.take()] == [()]
