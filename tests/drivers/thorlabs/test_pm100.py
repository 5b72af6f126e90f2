"""A PM100 before its simulator: settings, zero, sensor, and every hand that could make a number mean something else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from drivers import Declined, Flag, Instrument, LinkDown, Reading, ReplyTimeout, WrongInstrument, connect
from drivers.thorlabs import THORLABS_PM100
from simulators import serve

CURRENT_A = 1e-6
WATTS = CURRENT_A / (0.5 * 808 / 900)  # the simulator's responsivity at 808 nm


@asynccontextmanager
async def meter(_sensor: str = "photodiode", **settings: Any) -> AsyncIterator[tuple[Instrument, Any]]:
    options = {"leakage_a": CURRENT_A, "sensor": _sensor}
    served = await serve("thorlabs-pm100", "tcp:127.0.0.1:0", speed=50, options=options)
    given = {"wavelength_nm": 808, "timeout_s": 2} | settings
    it = connect(THORLABS_PM100, served.resource, given)
    try:
        yield it, served.instrument
    finally:
        await it.close()
        await served.close()


async def one(it: Instrument) -> Reading:
    (reading,) = await it.take()
    return reading


async def test_power_and_its_wavelength_come_together() -> None:
    async with meter(low_pass=False) as (it, _):
        identity = await it.open()
        assert (identity.model, identity.serial, identity.firmware) == ("PM100USB", "P2004525", "1.4.0")
        assert it.settings_in_force["sensor"] == "S150C"
        assert it.settings_in_force["sensor serial"] == "130204105"
        assert it.settings_in_force["low pass"] is False
        reading = await one(it)
        assert reading.value == pytest.approx(WATTS, rel=1e-3)
        assert (reading.quantity, reading.unit, reading.range, reading.flags) == ("power", "W", "auto", ())
        assert reading.also["wavelength"].value == 808


async def test_what_another_program_left_to_be_subtracted_is_switched_off_and_a_filter_is_corrected_for() -> None:
    async with meter(attenuation_db=10) as (it, simulator):
        simulator.execute_at_once("POW:REF 1 W;REF:STAT ON;:CORR:LOSS 3")
        await it.open()
        assert (await one(it)).value == pytest.approx(10 * WATTS, rel=1e-3)
        assert it.settings_in_force["attenuation"] == 10


async def test_photodiode_current_needs_no_wavelength() -> None:
    async with meter(function="current", wavelength_nm=None, range_si=2e-6) as (it, _):
        await it.open()
        reading = await one(it)
        assert (it.measures, reading.quantity, reading.unit, reading.range) == ("current", "current", "A", "5e-06")
        assert reading.value == pytest.approx(CURRENT_A, rel=1e-3)


async def test_beyond_a_fixed_range_there_is_no_number() -> None:
    async with meter(function="current", wavelength_nm=None, range_si=1e-7) as (it, _):
        await it.open()
        reading = await one(it)
        assert (reading.value, reading.flags) == (None, (Flag.OVERLOAD,))
        await it.run_command("range", {"range_si": None})
        assert (await one(it)).value == pytest.approx(CURRENT_A, rel=1e-3)


async def test_zero_waits_for_its_end_and_takes_the_offset_away() -> None:
    async with meter() as (it, simulator):
        await it.open()
        assert (await it.run_command("zero", {})).result == {"magnitude": pytest.approx(CURRENT_A)}
        assert not simulator.zeroing
        assert abs((await one(it)).value or 1) < 1e-3 * WATTS


async def test_a_zero_that_is_under_way_is_aborted_on_demand_and_at_opening() -> None:
    async with meter() as (it, simulator):
        await it.open()
        assert (await it.run_command("zero-abort", {})).result == {"aborted": False}
        simulator.zero_ends_s = simulator.clock.now() + 1e6
        assert (await it.run_command("zero-abort", {})).result == {"aborted": True}
        assert not simulator.zeroing
        simulator.zero_ends_s = simulator.clock.now() + 1e6
        await it.recover()
        assert not simulator.zeroing
        await it.close()
        simulator.zero_ends_s = simulator.clock.now() + 1e6
        await it.open()
        assert not simulator.zeroing


async def test_a_zero_that_never_ends_is_aborted_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.thorlabs.pm100.ZERO_POLL_S", 0.001)
    monkeypatch.setattr("drivers.thorlabs.pm100.ZERO_WITHIN_S", 0.005)
    monkeypatch.setattr("simulators.thorlabs.commands.ZERO_S", 1e6)
    async with meter() as (it, simulator):
        await it.open()
        with pytest.raises(Declined, match="not finished its zero"):
            await it.run_command("zero", {})
        assert not simulator.zeroing


async def test_without_a_sensor_it_says_so_and_gives_no_number() -> None:
    async with meter(_sensor="none") as (it, simulator):
        with pytest.raises(Declined, match=r"No sensor is plugged into .*; without one it gives no number\."):
            await it.open()
        simulator.set_state("sensor", "photodiode")
        await it.open()
        simulator.set_state("sensor", "none")
        reading = await one(it)
        assert (reading.value, reading.flags) == (None, (Flag.NOT_A_NUMBER,))
        assert (reading.note or "").startswith("No sensor is plugged into")
        simulator.set_state("sensor", "photodiode")
        with pytest.raises(LinkDown, match="S150C 130204105"):
            await it.take()


async def test_another_sensor_is_noticed_at_once_and_refused_where_one_is_configured() -> None:
    async with meter(sensor_serial="130204105") as (it, simulator):
        await it.open()
        simulator.set_state("sensor", "other photodiode")
        with pytest.raises(LinkDown, match="S120C 130611214"):
            await it.take()
        await it.close()
        with pytest.raises(WrongInstrument, match=r"130204105 is configured .* S120C 130611214"):
            await it.open()


async def test_a_sensor_that_does_not_measure_power_is_refused() -> None:
    async with meter(_sensor="pyroelectric") as (it, _):
        with pytest.raises(Declined, match=r"ES111C .* does not measure power"):
            await it.open()


@pytest.mark.parametrize(
    ("act", "quantity", "values", "note"),
    [
        ("function", "current", [CURRENT_A], "current came where power was set"),
        ("wavelength", "power", [CURRENT_A / (0.5 * 532 / 900)], "the wavelength is 532 nm; 808 nm was set"),
    ],
)
async def test_what_was_changed_by_hand_is_told_and_the_reading_of_that_moment_is_none(
    act: str, quantity: str, values: list[float], note: str
) -> None:
    async with meter() as (it, simulator):
        await it.open()
        simulator.front_panel(act)
        first, second = await one(it), await one(it)
        assert (first.value, first.flags) == (None, (Flag.CHANGED_BY_HAND,))
        assert (second.quantity, second.flags, second.note) == (quantity, (Flag.CHANGED_BY_HAND,), note)
        assert [second.value] == pytest.approx(values, rel=1e-3)


async def test_decibels_are_never_watts_and_it_is_set_to_watts_again() -> None:
    async with meter() as (it, simulator):
        await it.open()
        simulator.front_panel("unit")
        reading = await one(it)
        assert (reading.value, reading.kind) == (None, "unparsed")
        with pytest.raises(ReplyTimeout):
            await it.take()
        with pytest.raises(LinkDown, match="dBm by hand"):
            await it.recover()
        await it.close()
        await it.open()
        assert (await one(it)).value == pytest.approx(WATTS, rel=1e-3)


async def test_a_small_number_of_decibels_is_none_either() -> None:
    async with meter() as (it, simulator):
        await it.open()
        simulator.front_panel("unit")
        simulator.literal = "1.00000000E-05"
        assert (await one(it)).value is None
        simulator.literal = "1.00000000E-05"
        reading = await one(it)
        assert (reading.value, reading.flags) == (None, (Flag.CHANGED_BY_HAND,))
        assert reading.note == "It is set to power in dBm by hand; power was set."


async def test_a_number_beyond_the_range_that_was_set_is_told() -> None:
    async with meter(range_si=1e-5) as (it, simulator):
        await it.open()
        simulator.literal = "5.00000000E-05"
        reading = await one(it)
        assert reading.flags == (Flag.CHANGED_BY_HAND,)
        assert (reading.note or "").startswith("the number is beyond the range 1.11386e-05")


@pytest.mark.parametrize("wavelength_nm", [349, 1101])
async def test_a_wavelength_that_the_sensor_has_not_is_refused_with_those_it_has(wavelength_nm: float) -> None:
    async with meter() as (it, simulator):
        await it.open()
        with pytest.raises(Declined, match=f"{wavelength_nm} nm is none of the sensor S150C; it has 350 to 1100 nm"):
            await it.run_command("wavelength", {"wavelength_nm": wavelength_nm})
        assert simulator.wavelength_nm == 808
        await it.run_command("wavelength", {"wavelength_nm": 635})
        assert (await one(it)).also["wavelength"].value == 635


async def test_what_the_meter_refuses_is_said_and_the_old_range_stays() -> None:
    async with meter(range_si=1e-5) as (it, simulator):
        await it.open()
        with pytest.raises(Declined, match="-222"):
            await it.run_command("range", {"range_si": 1e3})
        assert (simulator.auto, it.settings_in_force["autorange"]) == (False, False)
        assert (await it.run_command("errors", {})).result == {"errors": []}


async def test_averaging_is_set_and_read_back() -> None:
    async with meter(averaging=3) as (it, simulator):
        await it.open()
        assert simulator.average == 3
        await it.run_command("averaging", {"averaging": 7})
        assert (simulator.average, it.settings_in_force["averaging"]) == (7, 7)


@pytest.mark.parametrize(
    "given",
    [{"averaging": 0}, {"averaging": 10_001}, {"wavelength_nm": 99}, {"range_si": 0}, {"function": "energy"}],
)
def test_settings_out_of_their_limits_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        THORLABS_PM100.settings.model_validate(given)


async def test_one_that_was_switched_off_and_on_is_set_up_anew() -> None:
    async with meter() as (it, simulator):
        await it.open()
        simulator.power_cycle()
        with pytest.raises(LinkDown, match="switched off and on"):
            await it.recover()
