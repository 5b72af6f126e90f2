"""What planning can know it says with the plan: nothing of it is found out after the beam."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cases import case_b, case_c, case_d, case_e, case_f
from scenario_a import prepared
from worked import Case, WorkedClient, closed_results, run

from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.session.advice import advice
from acquire.procedure.session.background_seen import backgrounds_in_doubt
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.session import get_session
from acquire.procedure.session.statements import read_at
from acquire.procedure.session.step_length import seconds_of
from acquire.procedure.session.steps import begin_step, end_step, run_step

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)


def step_of(case: Case, name: str) -> dict:
    return next(s for s in case.steps if s["id"] == name)


def without(case: Case, name: str) -> None:
    case.steps.remove(step_of(case, name))


def changed(case: Case, name: str, **values: object) -> None:
    step_of(case, name).update(values)


def first(case: Case, name: str) -> None:
    case.steps.insert(0, case.steps.pop(case.steps.index(step_of(case, name))))


PLANS = [
    (case_c, lambda c: without(c, "background-c2"), "C2: no background step with D-14 on electrometer-1 stands bef"),
    (case_c, lambda c: first(c, "c2"), "C2: no background step with D-14 on electrometer-1 stands before c2"),
    (case_c, lambda c: changed(c, "background-c2", duration_s=19.0), "C2: the background background-c2 lasts 19 s,"),
    (case_f, lambda c: changed(c, "recombination-3", duration_s=61.0), "lasts 60 s, recombination-3 61 s: it must"),
    (case_c, lambda c: changed(c, "c2", kind="background"), "C2 has no irradiation planned; one is needed for its"),
    (case_c, lambda c: changed(c, "c2", instrument="reader-1"), "Step c2 is on reader-1, its point C2 on electrome"),
    (case_c, lambda c: c.step("more", "background", "electrometer-1"), "Step more names no point"),
    (case_c, lambda c: c.step("more", "zero", "electrometer-1", point="C3"), "a point of method 'osl' is not"),
    (case_b, lambda c: c.instruments[0].update(model="ptw-unidos-tango"), "gives none"),
    (case_d, lambda c: c.instruments[0].update(model="keithley-6517b"), "reads none"),
    (case_e, lambda c: c.instruments[0].update(model="winrems"), "an element of method 'osl' is read in counts"),
    (case_d, lambda c: without(c, "remove"), "head-R: no remove step names it"),
    (case_d, lambda c: first(c, "read"), "placed, removed and read in this order; the plan has read-out, place, re"),
    (case_d, lambda c: c.elements[3].update(reader="reader-2"), "C-1 travels with the batch of reader-1, but is re"),
    (case_d, lambda c: c.elements[3].update(kind="osl"), "C-1, which travels with head-R, is a osl element"),
    (case_b, lambda c: c.points[0]["linearity"].update(high_gy=2.0), "R1: the expected 2.42 Gy lies outside 0.5 to"),
    (case_b, lambda c: c.points[0]["linearity"].update(low_gy=7.0), "linearity is known from 7 to 6 Gy, which is n"),
    (case_b, lambda c: c.plan["source"].update(certified_at=TOMORROW.isoformat()), "The source is stated as certif"),
    (case_b, lambda c: c.plan.update(approved_on=f"date:{TOMORROW.date() + timedelta(1)}"), "The plan is stated as"),
    (case_b, lambda c: c.batches[0].update(standards_irradiated=TOMORROW.isoformat()), "which lies in the future"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "change", "said"), PLANS)
def test_planning_says_it(connection, make, change, said):
    made = make()
    case = made if isinstance(made, Case) else made[0]
    change(case)
    with pytest.raises(Refused) as caught:
        case.add(connection)
    assert said in str(caught.value)


def test_a_dose_below_the_detection_limit_is_said_before(connection):
    case, _ = case_d()
    case.batches[0]["blanks"] = {"sd": 3000.0, "n": 10, "unit": "nC", "source": "blanks"}
    with pytest.raises(Refused, match=r"head-R: 400 cGy are expected at most, below the detection limit of 600 cGy"):
        case.add(connection)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("duration_s = 0", "duration_s: 0 is out of range; it must be above 0"),
        ('duration_s = "12 s"', "duration_s: '12 s' is no number; write it without quotes"),
    ],
)
def test_a_length_of_zero_and_a_unit_beside_a_number_are_refused_in_words(line, said):
    case, _ = case_c()
    name, body = case.plan_file
    with pytest.raises(FileProblem) as caught:
        read_plan(body.replace(b'"duration_s" = 20.0', line.encode()), name)
    assert said in str(caught.value)


@pytest.mark.parametrize(("machine", "refused"), [("LA-1", False), ("la-1 ", False), ("LA-2", True), (None, False)])
def test_an_instrument_of_the_next_room_measures_nothing_here(connection, machine, refused):
    case, _ = case_c()
    case.plan["machine"] = "LA-1"
    case.instruments[0] |= {"machine": machine} if machine else {}
    if not refused:
        case.add(connection)
        return
    with pytest.raises(Refused, match="electrometer-1 stands at LA-2, as the inventory says; this is for LA-1"):
        case.add(connection)


# --- what is advised ------------------------------------------------------------------------------------------------


def advised(case: Case) -> str:
    return " ".join(advice(read_plan(*reversed(case.plan_file)), read_inventory(*reversed(case.inventory))))


def test_what_no_rule_forbids_is_told_all_the_same():
    said = advised(case_c()[0])
    assert "C2: no zero step of electrometer-1 with D-14 stands before background-c2" in said
    assert "The inventory states no full_scale_nc of electrometer-1" in said
    assert "C3: no step measures its beam; a person says when it was given" in said
    assert "ref: where only one of its repeats counts in the end there is no result" in advised(case_f())


def test_a_pair_limit_that_hardly_judges_is_told():
    case, _ = case_c()
    assert "a pair limit of" not in advised(case)
    case.points[1]["pair_limit_percent"] = 50.0
    assert f"{case.points[1]['id']}: a pair limit of 50 % is wide" in advised(case)


@pytest.mark.parametrize(
    ("dose_gy", "mu", "ssd_cm", "of_a_mu"),
    [
        (1.215, 131, 93.1, None), (0.1215, 131, 93.1, None), (0.01215, 131, 93.1, "0.0081"), (1.13, 1465, 380.0, None),
        (0.0468, 92, 88.4, "0.04"), (1.215, 13.1, 93.1, "8.1"), (0.113, 1465, 380.0, None), (1.215, None, 93.1, None),
    ],
)  # fmt: skip
def test_a_dose_that_no_linac_gives_with_these_mu_is_told(dose_gy, mu, ssd_cm, of_a_mu):
    case, _ = case_c()
    case.points[0]["expected"]["dose_gy"] = dose_gy
    changed(case, "c2", mu=mu, ssd_cm=ssd_cm)
    said = advised(case)
    assert ("cGy a MU" in said) == (of_a_mu is not None)
    assert of_a_mu is None or f"is {of_a_mu} cGy a MU (at 100 cm), where a linac gives about 1" in said


def test_a_zero_of_the_detector_is_enough_and_one_of_another_is_not():
    case, _ = case_c()
    case.step("zero-c2", "zero", "electrometer-1", point="C2")
    first(case, "zero-c2")
    assert "zero step" not in advised(case)
    changed(case, "c2", duration_s=None)
    assert "C2: c2 state no duration_s" in advised(case)


# --- how long a step runs, and a background that is of no use -------------------------------------------------------


def test_a_step_runs_as_long_as_planned_and_a_background_no_shorter_than_its_beam(connection):
    plan = get_session(connection, prepared(connection)).plan
    background = plan.step_named("background-b1")
    assert seconds_of(plan, background, None) == 5.0
    assert seconds_of(plan, plan.step_named("zero-b1"), None) == 0.0
    with pytest.raises(Refused, match="Background background-b1 would last 2 s, and a beam that it is for 3 s"):
        seconds_of(plan, background, 2.0)
    with pytest.raises(Refused, match="Step b1 collects a charge and would last 0 s"):
        seconds_of(plan, plan.step_named("b1"), 0.0)
    unsaid = background.model_copy(update={"duration_s": None})
    with pytest.raises(Refused, match="The plan does not say how long background-b1 lasts"):
        seconds_of(plan, unsaid, None)


async def test_a_background_that_was_too_short_is_named_before_its_beam(connection, client):
    session = prepared(connection)
    await run_step(connection, client, session, "zero-b1", "MD-1", client.during)
    await begin_step(connection, client, session, "background-b1", "MD-1")
    short = get_session(connection, session).plan.step_named("background-b1").model_copy(update={"duration_s": 2.0})
    await client.during(short)
    await end_step(connection, client, session, "background-b1", "MD-1")
    (said,) = backgrounds_in_doubt(connection, get_session(connection, session))
    assert said.startswith(
        "Background background-b1: it lasted 2.0 s, and the beam of B1 is planned for 3 s: it must not be shorter. b1"
    )


async def test_a_background_without_readings_is_named_before_its_beam(connection, client):
    session = prepared(connection)
    for step in ("zero-b1", "background-b1"):
        await begin_step(connection, client, session, step, "MD-1")
        await end_step(connection, client, session, step, "MD-1")
    (said,) = backgrounds_in_doubt(connection, get_session(connection, session))
    assert "0 charge reading(s) lie between the markers; at least two are needed" in said


# --- moments in the future ------------------------------------------------------------------------------------------


def test_nobody_states_what_has_not_happened_yet(connection):
    case, _ = case_b()
    case.add(connection)
    session = case.start(connection)
    with pytest.raises(Refused, match="lies in the future; say what has happened when it has"):
        enter_console_time(connection, session, "MD-1", total_s=440.6, treated_at=TOMORROW.isoformat())
    now = get_session(connection, session)
    with pytest.raises(Refused, match="lies in the future; say what has happened when it has"):
        read_at(connection, now, "reader-1", TOMORROW.isoformat(), "MD-1", "MP-1", "log book")


# --- a charge that is no beam's -------------------------------------------------------------------------------------


async def without_beam(connection, leak_a, nc):
    case, _ = case_c(points=())
    case.steps = [s for s in case.steps if s["kind"] in ("background", "irradiate")]
    case.add(connection)
    client = WorkedClient(connection)
    client.beam, client.leak_a = {"c2": nc}, leak_a
    session = case.start(connection)
    await run(connection, client, session)
    return closed_results(connection, session)["C2"]["why"][0]


async def test_leakage_alone_is_no_wet_connector_but_no_beam(connection):
    said = await without_beam(connection, 5e-12, 0.05)
    assert said.startswith(
        "No beam was seen: 0.15 nC were collected, and leakage alone makes 0.1 nC in that time (67 %)."
    )
    assert "dry the connector" not in said


async def test_a_charge_that_stands_still_is_no_beam(connection):
    said = await without_beam(connection, 0.0, 0.0)
    assert said == "No beam is seen in the signal of c2: nothing stands out of the scatter of its readings."


def test_the_page_of_what_is_said_when_names_files_that_are_there():
    root = Path(__file__).parents[3]
    named = re.findall(r"`([a-z_/]+[.]py)`", (root / "docs" / "foreseen.md").read_text())
    there = [root / "drivers" / "plain_words.py", *(root / "acquire" / "procedure").rglob("*.py")]
    assert len(named) > 20
    assert [name for name in named if not any(str(path).endswith(f"/{name}") for path in there)] == []
