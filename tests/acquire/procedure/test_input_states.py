"""A zero and a leakage hold for a state and a time: what ends them is said before the beam, and refused at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from beams import PORTS, ShapedClient, case_a, charges
from cases import case_b, case_f, client_b, client_f
from worked import Case, closed_results, run

from acquire.errors import Refused
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session import doctor
from acquire.procedure.session.background_after import too_short_in_words
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.foreseen import foreseen
from acquire.procedure.session.input_changes import state_change
from acquire.procedure.session.input_stops import of_beams_to_come
from acquire.procedure.session.progress import progress
from acquire.procedure.session.session import get_session
from acquire.procedure.session.steps import begin_step, end_step, not_measured, run_step
from acquire.procedure.stock.events import ended

B1, DOSE = PORTS["B1"][1], 47.33


def zeroed(*ports: str, **plan: Any) -> Case:
    """A zero and a background of each port before its beam, on one input."""
    case = case_a(*ports, **plan)
    steps = []
    for step in case.steps:
        if step["kind"] == "background":
            steps.append({**step, "id": step["id"].replace("background", "zero"), "kind": "zero", "duration_s": None})
        steps.append(step)
    case.steps = steps
    return case


async def before_beam(connection: Any, case: Case) -> tuple[str, ShapedClient]:
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, charges("B1", "B2"))
    for step in ("zero-b1", "background-b1"):
        if step in {s["id"] for s in case.steps}:
            await run_step(connection, client, session, step, "MD-1", client.during)
    return session, client


def said_before(connection: Any, session: str) -> list[str]:
    """What status and doctor say of it before the beam."""
    now = get_session(connection, session)
    waiting = [each.step for each in progress(connection, now) if each.progress == "waiting"]
    status = [*map(str, of_beams_to_come(connection, now, waiting))]
    stops = doctor.of_session(connection, now, doctor.Seen(datetime.now(UTC), not_asked="no broker"))
    assert set(status) <= {str(each) for each in stops if each.cause == "zero"}
    return status


async def refused(connection: Any, client: ShapedClient, session: str, step: str = "b1") -> str:
    before = [each for each in client.asked if each[1] == "begin"]
    with pytest.raises(Refused) as why:
        await begin_step(connection, client, session, step, "MD-1")
    assert [each for each in client.asked if each[1] == "begin"] == before, "refused before any marker"
    return str(why.value)


# --- planning -------------------------------------------------------------------------------------------------------


def test_how_long_they_hold_is_asked_of_the_site_and_has_no_default() -> None:
    case = zeroed("B1")
    case.valid_for = {}
    plan, inventory = read_plan(case.plan_file[1], "p.toml"), read_inventory(case.inventory[1], "i.toml")
    said = [each for each in foreseen(plan, inventory) if "it has no default" in each]
    assert [each.split(",")[0] for each in said] == [
        "zero-b1: the inventory does not state zero_valid_min", "background-b1: the inventory does not state"
        " leakage_valid_min",
    ]  # fmt: skip


def test_a_background_shorter_than_the_beam_by_its_mu_is_foreseen() -> None:
    case = case_a("B1", rate=92.0)  # 92 MU in a minute; the background lasts 30 s
    said = foreseen(read_plan(case.plan_file[1], "p.toml"), read_inventory(case.inventory[1], "i.toml"))
    assert "B1: the background background-b1 lasts 30 s, b1 60 s: it must not be shorter." in said


# --- what ends them -------------------------------------------------------------------------------------------------


async def test_what_holds_is_refused_nowhere(connection: Any) -> None:
    session, client = await before_beam(connection, zeroed("B1"))
    assert said_before(connection, session) == []
    await run_step(connection, client, session, "b1", "MD-1", client.during)
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(DOSE, abs=0.006)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("cable", "cable was changed (new one; MD-1)"),
        ("switched-off", "electrometer-1: was switched off (new one; MD-1)"),
    ],
)
async def test_what_a_person_says_ends_both_and_they_are_made_again(connection: Any, what: Any, why: str) -> None:
    session, client = await before_beam(connection, zeroed("B1"))
    now = get_session(connection, session)
    state_change(connection, now, "electrometer-1", what, "MD-1", "new one")
    zero, leakage = said_before(connection, session)
    assert zero.startswith("The zero of electrometer-1 with D-11 (zero-b1) does not hold for b1: ")
    assert why in zero
    assert leakage.startswith("The leakage of electrometer-1 with D-11 (background-b1) does not hold for b1: ")
    assert await refused(connection, client, session) == f"{zero} {leakage}"
    assert f"(acquire session step {session} zero-b1 run --again)" in zero
    for step in ("zero-b1", "background-b1"):
        await run_step(connection, client, session, step, "MD-1", client.during, again=True)
    await run_step(connection, client, session, "b1", "MD-1", client.during)
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(DOSE, abs=0.006)
    assert verify_store(connection) == []


async def test_an_event_of_the_stock_ends_them(connection: Any) -> None:
    session, client = await before_beam(connection, zeroed("B1"))
    ended(connection, "electrometer-1", "repair", datetime.now(UTC).isoformat(), "fuse", "MP-1")
    said = await refused(connection, client, session)
    assert "'repair' of electrometer-1" in said


async def test_they_end_by_time(connection: Any) -> None:
    case = zeroed("B1")
    case.valid_for = {"zero_valid_min": 60, "leakage_valid_min": 10}
    session, client = await before_beam(connection, case)
    client.ahead_s += 11 * 60
    client.idle("electrometer-1")
    (said,) = said_before(connection, session)
    assert "(background-b1) does not hold for b1: it is 11 min old, and holds for 10 min here" in said
    client.stepped_s = client.ahead_s  # the host's calendar clock was set forward: it counts as time, whatever it was
    assert said in await refused(connection, client, session)


async def test_a_clock_that_is_set_back_keeps_nothing_alive(connection: Any) -> None:
    case = zeroed("B1")
    case.valid_for = {"zero_valid_min": 60, "leakage_valid_min": 10}
    session, client = await before_beam(connection, case)
    client.ahead_s -= 3600
    client.stepped_s = -3600 - 11 * 60  # by the monotonic clock eleven minutes passed
    client.idle("electrometer-1")
    (said,) = said_before(connection, session)
    assert "it is 11 min old" in said


async def test_a_detector_swapped_after_zeroing_asks_for_a_new_zero(connection: Any) -> None:
    """The plan zeroes with D-11 alone; D-14 is measured on the same input afterwards."""
    case = zeroed("B1", "B2")
    case.steps = [s for s in case.steps if s["id"] != "zero-b2"]
    session, client = await before_beam(connection, case)
    await run_step(connection, client, session, "b1", "MD-1", client.during)
    await run_step(connection, client, session, "background-b2", "MD-1", client.during)
    said = await refused(connection, client, session, "b2")
    assert "The zero of electrometer-1 with D-14 (zero-b1) does not hold for b2: it was made with D-11" in said


async def test_a_diode_that_was_off_the_input_meanwhile_is_zeroed_again(connection: Any) -> None:
    """D-11, then D-14, then D-11 once more: what was made with D-11 before is of the connection of before."""
    case = zeroed("B1", "B2")
    by_id = {s["id"]: s for s in case.steps}
    order = ("zero-b1", "background-b1", "zero-b2", "background-b2", "b2", "b1")
    case.steps = [by_id[each] for each in order]
    with pytest.raises(Refused, match="B1: no background step with D-11 on electrometer-1 stands before b1"):
        case.add(connection)


@pytest.mark.parametrize(
    ("also", "why"),
    [
        ({"range": "2e-07"}, "it was made on range 2e-08, and electrometer-1 is on 2e-07"),
        (
            {"also": {"source-voltage": {"unit": "V", "value": -300.0}}},
            "it was made at 300 V, and electrometer-1 says -300 V",
        ),
    ],
)
async def test_range_and_voltage_are_those_that_the_instrument_tells(
    connection: Any, also: dict[str, Any], why: str
) -> None:
    case, told = zeroed("B1"), {"range": "2e-08", "also": {"source-voltage": {"unit": "V", "value": 300.0}}}
    case.add(connection)
    session, client = case.start(connection), Telling(connection, told)
    for step in ("zero-b1", "background-b1"):
        await run_step(connection, client, session, step, "MD-1", client.during)
    client.told = told | also
    client.idle("electrometer-1")
    assert why in await refused(connection, client, session)
    client.told = told
    client.idle("electrometer-1")
    assert said_before(connection, session) == []


class Telling(ShapedClient):
    """Its readings say range and voltage."""

    def __init__(self, connection: Any, told: dict[str, Any]) -> None:
        super().__init__(connection, charges("B1"))
        self.told = told

    def charge(self, instrument: str, nc: float, flags: list[str]) -> dict[str, Any]:
        return super().charge(instrument, nc, flags) | self.told


async def test_a_change_between_the_begin_and_the_beam_gives_no_number(connection: Any) -> None:
    """After the refusal could be made: the range was changed by hand while the beam was waited for."""
    case, told = zeroed("B1"), {"range": "2e-08"}
    case.add(connection)
    session, client = case.start(connection), Telling(connection, told)
    for step in ("zero-b1", "background-b1"):
        await run_step(connection, client, session, step, "MD-1", client.during)
    await begin_step(connection, client, session, "b1", "MD-1")
    client.told = {"range": "2e-07"}
    client.given("electrometer-1", [(1.0, 0.0), (10.0, B1), (1.0, 0.0)])
    await end_step(connection, client, session, "b1", "MD-1")
    found = closed_results(connection, session)["B1"]
    assert "dose_gy" not in found
    assert "did not hold for b1: it was made on range 2e-08, and electrometer-1 is on 2e-07" in " ".join(found["why"])


@pytest.mark.parametrize(("restarted", "ends"), [(True, True), (False, False)])
async def test_a_lost_link_ends_them_unless_the_instruments_own_clock_ran_on(
    connection: Any, restarted: bool, ends: bool
) -> None:
    session, client = await before_beam(connection, zeroed("B1"))
    of = client.of("electrometer-1")
    of.stream, of.head = str(uuid4()), 0
    if restarted:
        of.clock_s = 3.0
    client.idle("electrometer-1")
    assert bool(said_before(connection, session)) == ends
    if ends:
        assert "electrometer-1 was connected anew since it was made, and may have been off" in (
            await refused(connection, client, session)
        )
    else:
        await run_step(connection, client, session, "b1", "MD-1", client.during)
        assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(DOSE, abs=0.006)


async def test_a_zero_that_was_left_out_is_said_before_the_beam(connection: Any) -> None:
    case = zeroed("B1")
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, charges("B1"))
    not_measured(connection, session, "zero-b1", "MD-1", "no time")
    await run_step(connection, client, session, "background-b1", "MD-1", client.during)
    (said,) = said_before(connection, session)
    assert said == "electrometer-1 with D-11 has no zero for b1: step zero-b1 was left out (no time)."
    assert await refused(connection, client, session) == said


async def test_warm_up_is_asked_for_and_may_be_told(connection: Any) -> None:
    case = zeroed("B1")
    case.instruments[0]["warm_up_min"] = 15
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, charges("B1"))
    client.idle("electrometer-1")
    said = await refused(connection, client, session, "zero-b1")
    assert said.startswith(
        "electrometer-1 is known to have been on for 0 min, and warms up for 15 min here: wait, or say"
    )
    now = get_session(connection, session)
    with pytest.raises(Refused, match="Say since when it is on"):
        state_change(connection, now, "electrometer-1", "on-since", "MD-1", "as every day")
    since = (datetime.now(UTC) - timedelta(minutes=90)).isoformat()
    state_change(connection, now, "electrometer-1", "on-since", "MD-1", "as every day", since)
    await run(connection, client, session)
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(DOSE, abs=0.006)


async def test_what_is_no_change_of_an_input_is_refused(connection: Any) -> None:
    case = zeroed("B1")
    case.add(connection)
    now = get_session(connection, case.start(connection))
    for arguments, said in (
        (("electrometer-7", "cable", "MD-1", "x"), "electrometer-7 is not used in session"),
        (("electrometer-1", "colour", "MD-1", "x"), "'colour' is nothing that changes an input"),
        (("electrometer-1", "cable", "MD-1", " "), "Say what was done"),
        (("electrometer-1", "cable", "MD-1", "x", "2199-01-01T00:00:00+00:00"), "lies in the future"),
    ):
        with pytest.raises(Refused, match=said):
            state_change(connection, now, *arguments)  # type: ignore[arg-type]


# --- a beam that was longer than its background ---------------------------------------------------------------------

LEAK_PC_PER_S = 1.0  # 0.27 % of the reading in 42 s: it is taken off


class Leaking(ShapedClient):
    """Leaks a little, always."""

    def given(self, instrument: str, shape: Any) -> None:
        super().given(instrument, [(s, nc + LEAK_PC_PER_S * s / 1000) for s, nc in shape])


async def longer(connection: Any, **plan: Any) -> tuple[str, Leaking]:
    """A background of 30 s as planned, and a beam that was waited for with the step running: 42 s."""
    case = case_a("B1", **plan)
    case.add(connection)
    session, client = case.start(connection), Leaking(connection, {"b1": [(15.0, 0.0), (10.0, B1), (15.0, 0.0)]})
    await run(connection, client, session)
    return session, client


@pytest.mark.parametrize("rule", [None, "first-valid", "last-valid"])
async def test_it_is_said_and_the_background_is_measured_again_after_it(connection: Any, rule: str | None) -> None:
    session, client = await longer(connection, background_rule=rule)
    (said,) = too_short_in_words(connection, get_session(connection, session))
    assert said.startswith(
        "b1 was measured for 42.0 s and its background background-b1 for 30.0 s: it gives no number so."
    )
    assert said.endswith("background-b1 run --again --seconds 47).")
    client.background_s = 47.0
    await run_step(connection, client, session, "background-b1", "MD-1", client.during, again=True)
    assert too_short_in_words(connection, get_session(connection, session)) == []
    found = closed_results(connection, session)["B1"]
    assert 100 * found["dose_gy"] == pytest.approx(DOSE, abs=0.006)  # with that leakage in it: 47.46
    assert "b1 was measured for 42.0 s, for longer than background-b1 before it; that which was measured after it" in (
        " ".join(found["remarks"])
    )
    assert verify_store(connection) == []


async def test_without_that_it_gives_no_number_and_is_not_scaled(connection: Any) -> None:
    session, _ = await longer(connection)
    found = closed_results(connection, session)["B1"]
    assert "dose_gy" not in found
    assert "The background lasted 30.0 s, the measurement 42.0 s: it must not be shorter." in " ".join(found["why"])


async def test_one_that_was_measured_after_a_change_counts_for_nothing(connection: Any) -> None:
    session, client = await longer(connection)
    state_change(connection, get_session(connection, session), "electrometer-1", "cable", "MD-1", "tidied up")
    client.background_s = 47.0
    await run_step(connection, client, session, "background-b1", "MD-1", client.during, again=True)
    assert "dose_gy" not in closed_results(connection, session)["B1"]


# --- voltage --------------------------------------------------------------------------------------------------------


class Biased(Telling):
    """The reference chamber's electrometer: its readings say the voltage, which is set before a step."""

    def __init__(self, connection: Any, volts: dict[str, float]) -> None:
        super().__init__(connection, {})
        given = client_f(connection)
        self.beam, self.wait_s, self.volts = given.beam, given.wait_s, volts
        self.set_to(300.0)

    def set_to(self, volts: float) -> None:
        self.told = {"also": {"detector-voltage": {"unit": "V", "value": volts}}}

    async def during(self, step: Any) -> None:
        if step.kind == "background":
            self.given(step.instrument, [(60.0, 0.0)])
        else:
            self.given(step.instrument, [(1.0, 0.0), (15.0, self.beam[step.id]), (1.0, 0.0)])


def steps_of(case: Case) -> list[str]:
    return [s["id"] for s in case.steps]


async def of_chamber(connection: Any, volts: dict[str, float]) -> dict[str, Any] | str:
    """The reference chamber with the voltage set where `volts` says so; the result, or the first refusal."""
    case = case_f()
    case.steps = [s for s in case.steps if s["id"] != "polarity-1"]
    case.add(connection)
    session, client = case.start(connection, temperature_c=21.8, pressure_kpa=99.87), Biased(connection, volts)
    for step in steps_of(case):
        if step in volts:
            client.set_to(volts[step])
            client.idle("electrometer-2")
            client.ahead_s += 310.0
            client.idle("electrometer-2")
        client.wait_s.pop(step, None)
        try:
            await run_step(connection, client, session, step, "MP-1", client.during)
        except Refused as why:
            return str(why)
    return closed_results(connection, session)["ref"]


async def test_the_voltages_that_were_told_are_the_planned_ones(connection: Any) -> None:
    found = await of_chamber(connection, {"polarity-2": -300.0, "recombination-1": 100.0})
    assert isinstance(found, dict)
    assert found["dose_gy"] == pytest.approx(0.66656, abs=2e-5)


@pytest.mark.parametrize(
    ("volts", "said"),
    [
        (
            {"polarity-2": -300.0},
            "electrometer-2 says -300 V; recombination-1 is planned at 100 V: set that, and wait.",
        ),
        ({}, "electrometer-2 says 300 V; polarity-2 is planned at -300 V: set that, and wait."),
    ],
)
async def test_a_voltage_that_was_not_changed_is_noticed_before_the_beam(
    connection: Any, volts: dict[str, float], said: str
) -> None:
    """Recombination read at the full voltage gave k_s = 1.000 without a remark."""
    assert await of_chamber(connection, volts) == said


async def test_the_wait_is_counted_from_when_the_instrument_said_the_new_voltage(connection: Any) -> None:
    case = case_f()
    case.add(connection)
    session, client = case.start(connection, temperature_c=21.8, pressure_kpa=99.87), Biased(connection, {})
    for step in steps_of(case)[:4]:
        await run_step(connection, client, session, step, "MP-1", client.during)
    client.ahead_s += 400.0  # a long pause, and the voltage is set at its end
    client.set_to(-300.0)
    client.given("electrometer-2", [(45.0, 0.0)])
    client.wait_s = {}
    with pytest.raises(Refused, match="electrometer-2 says that its voltage has been -300 V for 45 s"):
        await begin_step(connection, client, session, "polarity-1", "MP-1")
    client.ahead_s += 260.0
    client.idle("electrometer-2")
    await begin_step(connection, client, session, "polarity-1", "MP-1")


async def test_a_mosfet_that_was_plugged_in_anew_between_its_thresholds_gives_no_number(connection: Any) -> None:
    case, _ = case_b()
    case.add(connection)
    session, client = case.start(connection), client_b(connection)
    now = get_session(connection, session)
    not_measured(connection, session, "place", "MD-1", "no chips")
    for step in ("threshold-before", "dwell", "threshold-after"):
        if step == "dwell":
            state_change(connection, now, "electrometer-1", "detector", "MD-1", "MF-3 fell out, MF-2 plugged in")
        await run_step(connection, client, session, step, "MD-1", client.during)
    enter_console_time(connection, session, "MD-1", total_s=440.6, treated_at="2026-02-05T10:31:00+01:00")
    found = closed_results(connection, session, over="chips were not placed")["bladder"]
    assert "dose_gy" not in found
    assert "The two thresholds of MF-3 are not of one state: between them electrometer-1: detector was changed" in (
        " ".join(found["why"])
    )
