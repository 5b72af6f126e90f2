"""On a patient a port has one irradiation in a fraction: over sessions, plans, orders, names and restores."""

from __future__ import annotations

from typing import Any

import pytest
from beams import PORTS, ShapedClient, case_a, charges
from cases import case_b, case_d, case_f, client_b, client_f
from scenario_a import DEMO
from worked import Case, closed_results, run

from acquire.errors import Refused
from acquire.procedure.documents.beams import marks_of, patient_key, unchecked
from acquire.procedure.documents.order import add_order
from acquire.procedure.results.beam_assignment import assign_parts
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beams_given import must_not_repeat, not_compared
from acquire.procedure.session.beams_outside import beams_outside
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.no_beam import state_no_beam
from acquire.procedure.session.planning import confirm_expected, get_plan
from acquire.procedure.session.progress import next_step, progress
from acquire.procedure.session.rests import Rest
from acquire.procedure.session.session import get_session
from acquire.procedure.session.steps import abandon_step, begin_step, end_step, not_measured, run_step
from acquire.record import build
from acquire.record.billing_facts import _began

WHY = "the linac's own record"
NEVER = "A repeat on a patient is the next planned fraction, never more beam today"


async def until_beam(connection: Any, client: Any, session: str) -> None:
    """Every step before the first beam."""
    for step in get_session(connection, session).plan.step:
        if step.kind == "irradiate":
            return
        await run_step(connection, client, session, step.id, "MD-1", client.during)


async def refused_at_begin(connection: Any, client: Any, session: str, step: str = "b1") -> str:
    before = [(i, n) for i, n in client.asked if n == "begin"]
    with pytest.raises(Refused) as refused:
        await begin_step(connection, client, session, step, "MD-1")
    assert [(i, n) for i, n in client.asked if n == "begin"] == before, "refused before any marker"
    assert NEVER in str(refused.value)
    return str(refused.value)


@pytest.fixture
def both_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions are open beside each other, as an earlier release, or a merge of patients, left them."""
    monkeypatch.setattr("acquire.procedure.session.session.must_be_the_only_one", lambda *_, **__: None)


@pytest.mark.usefixtures("both_open")
async def test_two_sessions_of_one_fraction_give_one_beam(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    one, other = case.start(connection), case.start(connection)
    client = ShapedClient(connection, charges("B1"))
    await until_beam(connection, client, other)
    await run(connection, client, one)
    said = await refused_at_begin(connection, client, other)
    assert said.startswith(
        f"b1 had its beam in fraction 1: port b1 of this patient, step b1 of session {one} (ORD-A-1)"
    )
    with pytest.raises(Refused, match="Fraction 1 of ORD-A-1 was measured already"):
        case.start(connection)
    second = case.start(connection, fraction=2)
    await run(connection, client, second)
    assert 100 * closed_results(connection, second)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)


@pytest.mark.usefixtures("both_open")
async def test_a_new_plan_that_renames_the_point_gives_no_second_beam(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    one = case.start(connection)
    client = ShapedClient(connection, charges("B1"))
    await run(connection, client, one)
    renamed = case_a("B1")
    renamed.plan |= {"version": 2}
    renamed.points[0] |= {"id": "Entrance-1", "port": "b 1", "site": "somewhere else"}
    renamed.steps = [{**each, "id": f"x-{each['id']}", "point": "Entrance-1"} for each in renamed.steps]
    for step in renamed.steps:
        step.pop("gantry_deg", None)
    renamed.add_plan(connection)
    confirm_expected(connection, "ORD-A-1", 2, "Entrance-1", "MP-2")
    with pytest.raises(Refused, match="Fraction 1 of ORD-A-1 was measured already"):
        renamed.start(connection)
    plan = get_plan(connection, "ORD-A-1", 2)
    with pytest.raises(Refused, match="x-b1 had its beam in fraction 1: port b1 of this patient"):
        must_not_repeat(connection, "ORD-A-1", plan, 1, plan.step_named("x-b1"))


def second_order(connection: Any, subject: str | None = None) -> Case:
    """Another order of the same patient for the same port."""
    case = case_a("B1")
    case.name = "A2"
    order = (DEMO / "order-A-1.json").read_bytes().replace(b"ORD-A-1", b"ORD-A2-1")
    if subject is not None:
        order = order.replace(b'"Patient/example-a"', f'"{subject}"'.encode())
    add_order(connection, order, "order.json", "MD-1")
    case.add_plan(connection)
    return case


@pytest.mark.usefixtures("both_open")
async def test_a_second_order_of_the_patient_gives_no_second_beam(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    client = ShapedClient(connection, charges("B1"))
    second = second_order(connection)
    session = second.start(connection)
    await until_beam(connection, client, session)
    first = case.start(connection)
    await run(connection, client, first)
    said = await refused_at_begin(connection, client, session)
    assert f"step b1 of session {first} (ORD-A-1)" in said
    with pytest.raises(Refused, match="start the session for the next fraction"):
        second.start(connection)
    assert second.start(connection, fraction=2)


async def test_another_patients_port_of_the_same_name_is_another_port(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    client = ShapedClient(connection, charges("B1"))
    await run(connection, client, case.start(connection))
    session = second_order(connection, "Patient/example-b").start(connection)
    await run(connection, client, session)
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Patient/9", "https://ehr.example/fhir/Patient/9/_history/2", True),
        ("Patient/9", "Patient/10", False),
        ("urn:uuid:1", "urn:uuid:1", True),
        ("#p", "#p", False),
    ],
)
def test_patients_are_compared_by_the_subject_of_their_orders(one: str, other: str, same: bool) -> None:
    assert (patient_key(one) is not None and patient_key(one) == patient_key(other)) is same


async def test_a_port_of_another_course_is_another_port(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    client = ShapedClient(connection, charges("B1"))
    await run(connection, client, case.start(connection))
    second = second_order(connection)
    second.plan |= {"course": 2, "version": 2}
    second.add_plan(connection)
    confirm_expected(connection, "ORD-A2-1", 2, "B1", "MP-2")
    session = second.start(connection)
    await run(connection, client, session)
    assert "dose_gy" in closed_results(connection, session)["B1"]


def test_two_beams_of_one_port_in_one_plan_are_refused_while_planning(connection: Any) -> None:
    case = case_a("B1")
    case.points[0]["attempt_rule"] = "mean-of-valid"
    case.steps.append({**case.steps[-1], "id": "b1-again"})
    with pytest.raises(
        Refused, match=r"Steps b1 and b1-again both irradiate port b1: on a patient a port has one beam"
    ):
        case.add(connection)


def test_what_the_plan_does_not_state_is_said_while_planning(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    plan = get_session(connection, case.start(connection)).plan
    assert list(unchecked(plan)) == [
        "Not checked: how long the beam of b1 is on, since the plan states no dose_rate_mu_per_min for it; only its"
        " parts are looked for."
    ]
    assert marks_of(plan, plan.step_named("b1")).field == (0.0, 92.0)
    assert not_compared(connection, "ORD-A-1") == []


async def begun(connection: Any, shape: Any) -> tuple[str, ShapedClient]:
    case = case_a("B1")
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, {"b1": shape})
    await until_beam(connection, client, session)
    await begin_step(connection, client, session, "b1", "MD-1")
    await client.during(get_session(connection, session).plan.step_named("b1"))
    return session, client


async def test_an_attempt_given_up_without_a_word_of_the_beam_counts_as_given(connection: Any) -> None:
    session, client = await begun(connection, [(1.0, 0.0)])
    await abandon_step(connection, session, "b1", "MD-1", "cable", beam_given=None, client=client)
    (attempt,) = attempts(connection, session, "b1")
    assert attempt.beam_given is True
    assert attempt.abandoned == "cable; whether beam was given is not known, and counts as given"
    assert "given up (cable; whether beam was given is not known" in await refused_at_begin(connection, client, session)
    now = get_session(connection, session)
    with pytest.raises(Refused, match="by one person and confirmed by another"):
        state_no_beam(connection, now, "b1", "MD-1", "MD-1", WHY)
    state_no_beam(connection, now, "b1", "MD-1", "MP-1", WHY)
    client.shapes = dict(charges("B1"))
    await run_step(connection, client, session, "b1", "MD-1", client.during)
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert verify_store(connection) == []


async def test_no_beam_is_not_believed_against_the_signal(connection: Any) -> None:
    """A beam in two attempts was averaged to 23.66 cGy before."""
    session, client = await begun(connection, [(5.0, 7.835)])
    await abandon_step(connection, session, "b1", "MD-1", "no beam came", beam_given=False, client=client)
    said = await refused_at_begin(connection, client, session)
    assert "in which electrometer-1 collected 7.835 nC in 5.0 s, although it was said that no beam was given" in said
    with pytest.raises(Refused, match="The signal does not agree that no beam was given in b1"):
        state_no_beam(connection, get_session(connection, session), "b1", "MD-1", "MP-1", WHY)
    began, by = _began(connection, get_session(connection, session))
    assert (began is not None, by) == (True, "the first beam")  # an order that is written now comes too late
    client.shapes = {"b1": [(5.0, 7.835)]}
    await run_step(connection, client, session, "b1", "MD-1", client.during, Rest("interlock, 46 MU left", "RT-1"))
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert verify_store(connection) == []


async def test_an_attempt_without_a_beam_and_without_a_charge_has_no_rest(connection: Any) -> None:
    session, client = await begun(connection, [(5.0, 0.0)])
    await abandon_step(connection, session, "b1", "MD-1", "no beam came", beam_given=False, client=client)
    with pytest.raises(Refused, match="No beam of b1 was begun"):
        await begin_step(connection, client, session, "b1", "MD-1", Rest("interlock", "RT-1"))
    assert _began(connection, get_session(connection, session)) == (None, "the measurement")


async def test_the_rest_of_an_interrupted_beam_is_the_same_irradiation(connection: Any) -> None:
    session, client = await begun(connection, [(4.0, 6.27)])
    await abandon_step(connection, session, "b1", "MD-1", "interlock", beam_given=True, client=client)
    await refused_at_begin(connection, client, session)
    for rest in (Rest("interlock", "MD-1"), Rest(" ", "RT-1")):
        with pytest.raises(Refused, match="The rest of an interrupted beam is measured with a reason, by one person"):
            await begin_step(connection, client, session, "b1", "MD-1", rest)
    client.shapes = {"b1": [(6.0, 9.40)]}
    rest = Rest("interlock after 37 MU, 55 MU left at the console", "RT-1")
    await run_step(connection, client, session, "b1", "MD-1", client.during, rest)
    assert next_step(connection, get_session(connection, session)) is None
    output = closed_results(connection, session)["B1"]
    assert 100 * output["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert output["decision"] == "PASS"
    assert any(each.startswith("b1 was interrupted and its rest measured after it") for each in output["remarks"])
    assert verify_store(connection) == []


async def test_a_beam_that_ended_early_has_its_rest_too_and_each_part_may_be_assigned(connection: Any) -> None:
    session, client = await begun(connection, [(4.0, 6.27)])
    await end_step(connection, client, session, "b1", "MD-1")
    client.shapes = {"b1": [(1.0, 0.5), (3.0, 0.0), (6.0, 9.40)]}  # a port image before the rest
    await run_step(connection, client, session, "b1", "MD-1", client.during, Rest("door interlock", "RT-1"))
    output = closed_results(connection, session)["B1"]
    assert "came in 3 parts" in output["why"][0]
    said = {1: "irradiation", 2: "port image", 3: "irradiation"}
    assign_parts(connection, get_session(connection, session), "b1", said, "MD-1", "MP-1", WHY, mu={1: 37, 3: 55})
    (result,) = calculate_session(connection, session, "MP-1")
    assert 100 * (result.output.dose_gy or 0.0) == pytest.approx(47.33, abs=0.006)


async def test_there_is_no_rest_of_a_beam_that_was_not_begun(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, charges("B1"))
    await until_beam(connection, client, session)
    with pytest.raises(Refused, match="No beam of b1 was begun"):
        await begin_step(connection, client, session, "b1", "MD-1", Rest("x", "RT-1"))
    with pytest.raises(Refused, match="only a beam has a rest"):
        await begin_step(connection, client, session, "background-b1", "MD-1", Rest("x", "RT-1"))


@pytest.mark.usefixtures("both_open")
async def test_a_step_written_as_not_measured_may_have_had_its_beam(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    one, other = case.start(connection), case.start(connection)
    client = ShapedClient(connection, charges("B1"))
    await until_beam(connection, client, one)
    not_measured(connection, one, "b1", "MD-1", "treated without")
    await until_beam(connection, client, other)
    assert "written as not measured" in await refused_at_begin(connection, client, other)
    state_no_beam(connection, get_session(connection, one), "b1", "MD-1", "MP-1", "not treated that day")
    await begin_step(connection, client, other, "b1", "MD-1")


@pytest.mark.usefixtures("both_open")
async def test_a_mosfets_irradiation_is_one_as_well(connection: Any) -> None:
    case, _ = case_b()
    case.add(connection)
    one, other = case.start(connection), case.start(connection)
    client = client_b(connection)
    for session in (one, other):
        for step in ("place", "threshold-before"):
            kind = get_session(connection, session).plan.step_named(step).kind
            if kind == "place":
                not_measured(connection, session, step, "MD-1", "no chips")
            else:
                await run_step(connection, client, session, step, "MD-1", client.during)
    await run_step(connection, client, one, "dwell", "MD-1", client.during)
    assert "point bladder of this patient" in await refused_at_begin(connection, client, other, "dwell")


async def test_a_fraction_in_which_elements_lay_on_the_patient_was_irradiated(connection: Any) -> None:
    case, reads = case_d()
    case.add(connection)
    one = case.start(connection)
    client = client_b(connection)
    await run(connection, client, one)
    client.read_elements(reads)
    close_session(connection, one, "MD-1")
    with pytest.raises(Refused, match="Fraction 1 of ORD-D-1 was measured already"):
        case.start(connection)
    state_no_beam(connection, get_session(connection, one), "place", "MD-1", "MP-1", "the machine was down")
    assert case.start(connection)


async def test_a_marker_of_which_a_restored_store_knows_no_attempt_counts_as_a_beam(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, charges("B1"))
    await until_beam(connection, client, session)
    lost = {"measurement": "5e9e6a1c-0000-4000-8000-000000000001", "session": session, "step": "b1"}
    await client.command("electrometer-1", "begin", lost)
    await client.command("electrometer-1", "end", lost)
    assert "of which the store, restored from a backup, knows no attempt" in await refused_at_begin(
        connection, client, session
    )


async def test_phantoms_repeat_as_they_like(connection: Any) -> None:
    case = case_f()
    case.add(connection)
    for _ in range(2):
        session = case.start(connection, temperature_c=21.8, pressure_kpa=99.87)
        await run(connection, client_f(connection), session)
        assert "dose_gy" in closed_results(connection, session)["ref"]


async def test_what_was_measured_despite_a_refusal_is_kept_and_shown(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, charges("B1"))
    await run(connection, client, session)
    await refused_at_begin(connection, client, session)
    client.given("electrometer-1", [(1.0, 0.0), (5.0, 7.8), (2.0, 0.0)])
    (outside,) = beams_outside(connection, get_session(connection, session))
    assert (outside.instrument, round(outside.nc, 3), outside.duration_s) == ("electrometer-1", 7.8, 5.0)
    assert "outside every measurement: it is kept and attached to nothing" in outside.says
    closed_results(connection, session)
    record = build(connection, session)
    assert [round(each["nc"], 3) for each in record["beams_outside"]] == [7.8]
    assert record["beams"][0]["step"] == "b1"
    assert [s.progress for s in progress(connection, get_session(connection, session))] == ["done", "done"]
    assert PORTS["B1"][5] == pytest.approx(47.33)


def test_a_fraction_that_the_prescription_has_not_is_not_begun(connection: Any) -> None:
    case = case_a("B1")
    case.plan["prescription"] = "78 Gy in 39 fractions of 2.00 Gy"
    case.add(connection)
    with pytest.raises(Refused, match=r"There is no fraction 40: the prescription '78 Gy in 39 .*' has 39"):
        case.start(connection, fraction=40)
    assert case.start(connection, fraction=39)
