"""A chamber's air is that of its room: a pressure reduced to sea level, another unit and a jump are noticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cases import case_f, client_f
from worked import GIVEN, closed_results, run

from acquire.dosimetry.station_pressure import implausible, impossible, pressure_unit, standard_kpa, temperature_unit
from acquire.errors import Refused
from acquire.procedure.session import ambient_conditions, ambient_doubts
from acquire.procedure.session.ambient_conditions import entries, set_environment

AT_305_M = {"temperature_c": 21.8, "pressure_kpa": 97.7}
SEA_LEVEL = "it looks like the pressure reduced to sea level, as weather services give it; read the room's barometer"


@pytest.mark.parametrize(("metres", "kpa"), [(0, 101.325), (305, 97.71), (1609, 83.43), (-400, 106.24)])
def test_the_standard_atmosphere(metres, kpa):
    """U.S. Standard Atmosphere 1976, table I: 97.7 kPa at 305 m, 83.4 at a mile."""
    assert standard_kpa(metres) == pytest.approx(kpa, rel=3e-4)


@pytest.mark.parametrize(
    ("value", "unit"),
    [(976.9, "hPa"), (733.0, "mmHg"), (28.85, "inHg"), (14.17, "psi"), (0.977, "bar or atm"), (97700.0, "Pa"),
     (50.0, None), (0.0, None)],
)  # fmt: skip
def test_the_likely_unit_of_a_pressure(value, unit):
    assert pressure_unit(value) == unit


@pytest.mark.parametrize(("value", "unit"), [(71.6, "°F"), (98.0, "°F"), (295.0, "K"), (48.0, "°F"), (500.0, None)])
def test_the_likely_unit_of_a_temperature(value, unit):
    assert temperature_unit(value) == unit


def test_what_weather_makes_at_an_altitude():
    assert implausible(97.7, 305) is None
    assert implausible(93.0, 305) is None
    assert str(implausible(101.3, 305)).startswith("101.3 kPa lies outside what weather makes at 305 m, 92.8 to 100.6")
    assert SEA_LEVEL in str(implausible(101.3, 305))
    assert "the barometer of another place" in str(implausible(90.0, 305))
    assert impossible(101.3, 305) is None
    assert SEA_LEVEL in str(impossible(101.3, 1609))
    assert "altitude in feet" in str(impossible(85.0, 0))
    assert "by the records of weather" in str(impossible(97.7, 1000 * 3.28))


@pytest.fixture
def high(connection):
    """Worked case F's session on a site at 305 m, with an entry that fits."""
    case = case_f()
    case.altitude_m = 305.0
    case.add(connection)
    return case.start(connection, **AT_305_M)


def enter(connection, session, **values):
    return set_environment(connection, session, "MD-1", **({"source": "room sensors"} | AT_305_M | values))


def test_a_pressure_reduced_to_sea_level_is_refused_unless_two_people_say_that_it_is_so(connection, high):
    """101.3 kPa for 97.7 gave 48.71 cGy, PASS, where 50.50 is right."""
    with pytest.raises(Refused) as caught:
        enter(connection, high, pressure_kpa=101.3)
    assert SEA_LEVEL in caught.value.sentences[0]
    assert caught.value.sentences[-1] == "If it is so, a second person confirms it (--confirmed-by, with --reason)."
    with pytest.raises(Refused, match="reduced to sea level"):
        enter(connection, high, pressure_kpa=101.3, confirmed_by="MD-1", reason="read twice")
    enter(connection, high, pressure_kpa=100.9, confirmed_by="MP-1", reason="read twice: a high of a century")
    assert [each.pressure_kpa for each in entries(connection, high)] == [97.7, 100.9]


async def test_the_right_entry_gives_the_right_dose_and_a_wrong_one_never_counts(connection, high):
    """The dose goes with 1/P: 97.7 in the place of 99.87 kPa of worked case F."""
    with pytest.raises(Refused):
        enter(connection, high, pressure_kpa=101.3)
    await run(connection, client_f(connection), high)
    dose = closed_results(connection, high)["ref"]["dose_gy"]
    assert dose == pytest.approx(GIVEN["F_D398"] * 99.87 / 97.7, rel=1e-6)


def test_what_no_weather_makes_is_refused_whoever_says_so(connection):
    case = case_f()
    case.altitude_m = 1609.0
    case.add(connection)
    session = case.start(connection, temperature_c=21.8, pressure_kpa=83.4)
    with pytest.raises(Refused, match="has never been the pressure at 1609 m"):
        enter(connection, session, pressure_kpa=101.3, confirmed_by="MP-1", reason="the weather service")


def test_a_jump_against_the_last_entry_at_the_machine_needs_a_second_person(connection, high, monkeypatch):
    later = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
    monkeypatch.setattr(ambient_doubts, "utc_now", lambda: later)
    with pytest.raises(Refused, match=r"99.4 kPa jumps against the 97.7 kPa that were entered at LA-1 20 h before"):
        enter(connection, high, pressure_kpa=99.4)
    with pytest.raises(Refused, match=r"27.5 °C jumps against the 21.8 °C"):
        enter(connection, high, temperature_c=27.5)
    enter(connection, high, pressure_kpa=99.4, confirmed_by="MP-1", reason="a front came through")
    enter(connection, high, pressure_kpa=99.0)


def test_entries_of_a_week_ago_say_little_and_older_ones_nothing(connection, high, monkeypatch):
    for days, refused in ((3, False), (8, False), (0.5, True)):
        at = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        monkeypatch.setattr(ambient_doubts, "utc_now", lambda at=at: at)
        doubts = ambient_doubts.doubted(connection, ambient_conditions.get_session(connection, high), 21.8, 99.6)
        assert bool(doubts) is refused


def test_another_machine_s_air_is_its_own(connection, high):
    other = case_f()
    other.name, other.altitude_m = "G", 305.0
    other.plan |= {"machine": "LA-2"}
    other.add(connection)
    other.start(connection, temperature_c=21.8, pressure_kpa=99.6)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"pressure_kpa": 976.9}, r"976.9 kPa is no station pressure; allowed is 80 to 106 kPa; it looks like hPa"),
        ({"pressure_kpa": 733.0}, "it looks like mmHg"),
        ({"pressure_kpa": 28.85}, "it looks like inHg"),
        ({"temperature_c": 71.6}, "71.6 °C is no room temperature; allowed is 5 to 45 °C; it looks like °F"),
        ({"temperature_c": 295.0}, "it looks like K"),
        ({"temperature_c": 500.0}, "allowed is 5 to 45 °C[.]"),
    ],
)
def test_the_likely_unit_is_named(connection, high, entry, said):
    with pytest.raises(Refused, match=said):
        enter(connection, high, **entry)


def test_a_chamber_needs_the_site_s_altitude_with_the_plan(connection):
    case = case_f()
    case.altitude_m = None
    with pytest.raises(Refused, match="ref: the inventory does not state the site's altitude_m"):
        case.add(connection)
