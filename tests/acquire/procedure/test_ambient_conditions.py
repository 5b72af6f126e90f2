"""Each reading of a chamber has the air entered nearest to it; a mistyped entry is replaced in the open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cases import case_f, client_f
from worked import GIVEN, closed_results, run

from acquire.errors import Refused
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session import ambient_conditions
from acquire.procedure.session.ambient_conditions import entries, set_environment

WARM, COOL = {"temperature_c": 22.9, "pressure_kpa": 99.6}, {"temperature_c": 21.8, "pressure_kpa": 99.87}


def enter(connection, session, minutes, monkeypatch, **values):
    """An entry made so many minutes from now."""
    at = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    monkeypatch.setattr(ambient_conditions, "utc_now", lambda: at)
    return set_environment(connection, session, "MD-1", source="room sensors", **values)


@pytest.fixture
def session(connection):
    case = case_f()
    case.add(connection)
    return case.start(connection, **COOL)


async def output_of(connection, session, **waits):
    client = client_f(connection)
    client.wait_s |= waits
    await run(connection, client, session)
    return closed_results(connection, session)["ref"]


async def test_an_entry_made_after_the_readings_does_not_change_them(connection, session, monkeypatch):
    await run(connection, client_f(connection), session)
    enter(connection, session, 100.0, monkeypatch, **WARM)
    output = closed_results(connection, session)["ref"]
    assert output["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-9)
    steps = {step["what"]: step for step in output["steps"]}
    assert (steps["T"]["value"], steps["P"]["value"]) == (21.8, 99.87)
    assert steps["P"]["source"] == "room sensors: air 1, 1 min before irradiate-1"
    assert verify_store(connection) == []


async def test_readings_at_another_air_are_brought_to_that_of_the_first(connection, session, monkeypatch):
    """The chamber reads less in warmer, thinner air; the same dose comes of it, and k_s is not mistaken for it."""
    enter(connection, session, 60.0, monkeypatch, **WARM)
    ratio = (273.15 + 22.9) / (273.15 + 21.8) * 99.87 / 99.6
    client = client_f(connection)
    client.beam |= {step: nc / ratio for step, nc in client.beam.items() if step.startswith("recombination")}
    client.wait_s["recombination-1"] = 3000.0
    await run(connection, client, session)
    output = closed_results(connection, session)["ref"]
    assert output["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-9)
    step = next(s for s in output["steps"] if s["what"] == "M(recombination-1)")
    assert step["formula"] == "(Q) · k_TP/k_TP(irradiate-1)"
    assert step["numbers"].endswith(" × (273.15 + 22.9) / (273.15 + 21.8) × 99.87 / 99.6")


async def test_stale_air_leaves_out_the_reading_it_belongs_to(connection, session):
    output = await output_of(connection, session, **{"recombination-3": 3 * 3600.0})
    assert "dose_gy" in output
    said = "recombination-3 did not count: The temperature and pressure were"
    assert any(r.startswith(said) for r in output["remarks"])


async def test_entries_that_contradict_each_other_give_no_number_until_one_is_replaced(
    connection, session, monkeypatch
):
    wrong = enter(connection, session, 1.0, monkeypatch, temperature_c=21.8, pressure_kpa=98.7)
    output = await output_of(connection, session)
    assert "21.8 °C, 98.7 kPa (air 2)" in output["why"][0]
    assert "replace the wrong one (acquire session environment --replaces)" in output["why"][0]
    fix = {**COOL, "source": "room sensors", "replaces": wrong}
    for who, reason in (("MD-1", "mistyped"), ("MP-2", " "), (None, "mistyped")):
        with pytest.raises(Refused, match="replaced with a reason, by one person and confirmed by another"):
            set_environment(connection, session, "MD-1", **fix, confirmed_by=who, reason=reason)
    with pytest.raises(Refused, match=r"Air 7 does not count in session .*; those that do: 1, 2\."):
        set_environment(connection, session, "MD-1", **fix | {"replaces": 7}, confirmed_by="MP-2", reason="mistyped")
    set_environment(connection, session, "MD-1", **fix, confirmed_by="MP-2", reason="mistyped")
    assert [each.n for each in entries(connection, session)] == [1, 3]


async def test_a_replacement_stands_at_the_time_of_what_it_replaces(connection, session, monkeypatch):
    wrong = enter(connection, session, 0.0, monkeypatch, temperature_c=21.8, pressure_kpa=100.8)
    at = entries(connection, session)[1].at
    monkeypatch.setattr(ambient_conditions, "utc_now", lambda: "2099-01-01T00:00:00.000000Z")
    set_environment(
        connection, session, "MD-1", **COOL, source="room sensors", replaces=wrong, reason="read twice",
        confirmed_by="MP-2",
    )  # fmt: skip
    assert entries(connection, session)[1].at == at
    assert (await output_of(connection, session))["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-9)


@pytest.mark.parametrize("humidity", [0.45, 0.0, 101.0, float("nan"), float("inf")])
def test_humidity_is_guarded_where_it_is_entered(connection, session, humidity):
    with pytest.raises(Refused, match="is no relative humidity of a room"):
        set_environment(connection, session, "MD-1", **COOL, source="typed", humidity_percent=humidity)


@pytest.mark.parametrize("source", ["", "  "])
def test_air_comes_from_somewhere(connection, session, source):
    with pytest.raises(Refused, match="Say what temperature and pressure were read from"):
        set_environment(connection, session, "MD-1", temperature_c=22.0, pressure_kpa=100.0, source=source)
