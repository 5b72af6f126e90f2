"""What the settings of Keithley electrometers do to their simulators, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from fleet import both
from keithley_pair import Pair, beside_its_simulator
from pydantic import ValidationError

from drivers import Declined, Flag

MODELS = ("keithley-6430", "keithley-6485", "keithley-6487", "keithley-6514", "keithley-6517b")


@pytest.mark.parametrize("name", MODELS)
def test_filters_are_set_as_configured_and_read_back(name: str) -> None:
    async def work(pair: Pair) -> None:
        filters = pair.unit.meter.now_set.filters
        assert (filters.on, filters.count, filters.mode) == (True, 7, "MOV")
        assert (filters.median_on, filters.rank) == (True, 2)
        assert filters.noise_percent == 1.5
        assert filters.advanced or filters.kind == "ADV"
        told = {key.rpartition("AVER:")[2]: value for key, value in pair.device.settings_in_force.items()}
        assert (told["COUN"], told["TCON"]) == (7.0, "MOV")
        (reading,) = [each for each in await pair.takes(1) if each.kind == "scalar"]
        assert reading.value is not None

    given = {"average": 7, "average_mode": "moving", "average_window_percent": 1.5, "median": 2}
    beside_its_simulator(name, work, **given)


@pytest.mark.parametrize("name", MODELS)
def test_without_them_the_filters_of_the_last_user_are_taken_off(name: str) -> None:
    async def work(pair: Pair) -> None:
        filters = pair.unit.meter.now_set.filters
        assert (filters.on, filters.median_on) == (False, False)

    function = {"keithley-6517b": ":SENS:CHAR"}.get(name, ":SENS")
    on = ":OUTP 1;" if name == "keithley-6430" else ""
    beside_its_simulator(name, work, leftover=f"{on}{function}:AVER:STAT 1;:{function.lstrip(':')}:MED:STAT 1")


@pytest.mark.parametrize("name", MODELS)
def test_autorange_stays_between_its_limits(name: str) -> None:
    function = "charge" if name in ("keithley-6514", "keithley-6517b") else "current"

    async def work(pair: Pair) -> None:
        chosen = pair.unit.meter.now_set
        assert (chosen.auto, chosen.lower, chosen.upper) == (True, pytest.approx(2e-8), pytest.approx(2e-7))

    chosen = {} if name == "keithley-6485" else {"function": function}
    beside_its_simulator(name, work, lowest_range_si=2e-8, highest_range_si=2e-7, **chosen)


def test_a_slow_reading_is_waited_for() -> None:
    async def work(pair: Pair) -> None:
        (reading,) = await pair.takes(1)
        assert (reading.kind, reading.elapsed_s) == ("scalar", pytest.approx(20 * (0.001 + 3.5 * 10 / 60), rel=0.01))

    beside_its_simulator("keithley-6485", work, nplc=10, average=20)


def test_auto_discharge_damping_and_guard_are_set_where_the_function_has_them() -> None:
    async def charge(pair: Pair) -> None:
        assert (pair.unit.meter.discharge_on, pair.unit.meter.discharge_level_c) == (True, 1e-6)
        told = pair.device.settings_in_force
        assert told["SENS:CHAR:ADIS:LEV"] == 1e-6
        assert not [each for each in told if "DAMP" in each or "GUAR" in each]

    async def current(pair: Pair) -> None:
        told = pair.device.settings_in_force
        assert told["SENS:CURR:DAMP"] == 1.0
        assert not [each for each in told if "ADIS:LEV" in each or "GUAR" in each]

    async def volts(pair: Pair) -> None:
        assert pair.device.settings_in_force["SENS:VOLT:GUAR"] == 1.0

    given = {"auto_discharge_c": 1e-6, "damping": True, "guard": True}
    beside_its_simulator("keithley-6514", charge, **given)
    beside_its_simulator("keithley-6514", current, function="current", **given)
    beside_its_simulator("keithley-6514", volts, function="voltage", **given)
    beside_its_simulator("keithley-6517b", charge, auto_discharge_c=1e-6)


FUNCTIONS = [
    ("keithley-6514", "current", "A"), ("keithley-6514", "voltage", "V"), ("keithley-6514", "resistance", "Ohm"),
    ("keithley-6487", "resistance", "Ohm"), ("keithley-6430", "voltage", "V"), ("keithley-6430", "resistance", "Ohm"),
    ("keithley-6517b", "current", "A"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "function", "unit"), FUNCTIONS)
@pytest.mark.parametrize("buffer", [{}, {"buffer_points": 3}], ids=["one by one", "buffered"])
def test_every_function_can_be_chosen_by_a_command_and_gives_its_unit(
    name: str, function: str, unit: str, buffer: dict[str, int]
) -> None:
    async def work(pair: Pair) -> None:
        await pair.takes(2)
        outcome = await pair.device.run_command("function", {"function": function})
        assert outcome.result == {"function": function}
        pair.unit.set_state("voltage_v", 1.25)
        pair.unit.set_state("resistance_ohm", 1e8)
        pair.got.clear()
        await pair.takes(10)
        last = pair.got[-1]
        assert (last.kind, last.quantity, last.unit, pair.device.measures) == ("scalar", function, unit, function)
        assert Flag.CHANGED_BY_HAND not in last.flags
        assert last.value is not None

    beside_its_simulator(name, work, **buffer)


def test_ohms_of_a_6487_in_compliance_are_no_number() -> None:
    async def work(pair: Pair) -> None:
        pair.unit.set_state("resistance_ohm", 1e5)
        (reading,) = await pair.takes(1)
        assert (reading.quantity, reading.value, Flag.HV_FAULT in reading.flags) == ("resistance", None, True)

    beside_its_simulator("keithley-6487", work, function="resistance", source_v=50.0)


def test_the_integral_of_a_6514_is_reset_by_a_command() -> None:
    async def work(pair: Pair) -> None:
        (before,) = await pair.takes(1, every_s=60)
        (long,) = await pair.takes(1)
        await pair.device.run_command("reset-charge", {})
        (after,) = await pair.takes(1)
        assert (before.value or 0.0) < 1e-11
        assert (long.value or 0.0) > 1.7e-9
        assert (after.value or 0.0) < 1e-11

    beside_its_simulator("keithley-6514", work)


@pytest.mark.parametrize("buffer", [{}, {"buffer_points": 3}], ids=["one by one", "buffered"])
@pytest.mark.parametrize("wanted", [("temperature",), ("humidity",), ("temperature", "humidity")])
def test_a_6517_gives_temperature_and_humidity_beside_each_reading(
    buffer: dict[str, int], wanted: tuple[str, ...]
) -> None:
    async def work(pair: Pair) -> None:
        got = [each for each in await pair.takes(10) if each.kind == "scalar"]
        pair.unit.meter.temperature_on = False
        later = [each for each in await pair.takes(10) if each.kind == "scalar"]
        truth = {"temperature": (21.5, "Cel"), "humidity": (45.0, "%")}
        for each in got:
            assert {name: (each.also[name].value, each.also[name].unit) for name in wanted} == {
                name: truth[name] for name in wanted
            }
        assert "temperature" not in wanted or later[-1].also["temperature"].value is None

    beside_its_simulator("keithley-6517b", work, **buffer, **dict.fromkeys(wanted, True))


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("keithley-6514", {"nplc": 11}, "less than or equal to 10"),
        ("keithley-6485", {"nplc": 61}, "less than or equal to 60"),
        ("keithley-6514", {"average": 1}, "greater than or equal to 2"),
        ("keithley-6517b", {"median": 6}, "less than or equal to 5"),
        ("keithley-6514", {"auto_discharge_c": 2.2e-5}, "less than or equal to 0.000021"),
        ("keithley-6485", {"trigger_delay_s": 1000}, "less than or equal to 999.9999"),
        ("keithley-6485", {"timer_s": 1}, "timer_s paces the filling of the buffer: give buffer_points as well"),
        ("keithley-6485", {"average_window_percent": 1}, "average_window_percent is of the average: give average"),
        ("keithley-6514", {"lowest_range_si": 2, "highest_range_si": 1}, r"lowest_range_si \(2\) must not be above"),
        ("keithley-6514", {"damping": 3}, "valid boolean"),
    ],
)
def test_what_the_manuals_do_not_have_is_refused_before_anything_is_sent(
    name: str, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        both(name)[0].settings.model_validate(settings)


def test_a_range_that_the_instrument_does_not_have_is_declined_and_named() -> None:
    async def work(pair: Pair) -> None:
        with pytest.raises(Declined, match="':SENS:CHAR:RANG 1'"):
            await pair.device.run_command("range", {"range_si": 1.0})

    beside_its_simulator("keithley-6514", work)
