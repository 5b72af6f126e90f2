"""An element counts for a beam where it lay in it by the order of what was written; no clock is asked."""

from __future__ import annotations

import pytest
from cases import case_b, case_e, client_b
from desk import BEFORE, Desk
from worked import WorkedClient, closed_results

from acquire.errors import Refused
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.exposure import Beam, Stay, absent, beam_steps, presence_doubts
from acquire.procedure.session.placement import correct, place, remove
from acquire.procedure.session.presence import beam_given, no_beam, was_removed, was_there
from acquire.procedure.session.progress import progress
from acquire.procedure.session.session import get_session
from acquire.procedure.session.statements import exclude, open_questions
from acquire.procedure.session.steps import abandon_step, begin_step, not_measured, run_step
from acquire.procedure.session.unattached import unattached
from acquire.record import build, html

TOLD = "is not told by what was written"


@pytest.mark.parametrize(
    ("stay", "said"),
    [
        (Stay(1, 9), None),
        (Stay(1, None), None),
        (Stay(1, 3), "T-1 was removed before b1"),
        (Stay(7, 9), "T-1 was placed after b1"),
        (Stay(7, None), "T-1 was placed after b1"),
        (Stay(1, 5), "T-1 was removed while b1 was under way"),
        (Stay(5, 9), "T-1 was placed while b1 was under way"),
        (Stay(None, 9), f"What came first, T-1 or b1, {TOLD}"),
    ],
)
def test_the_rule(stay, said):
    assert absent("T-1", stay, Beam("b1", 4, 6, None)) == said


def test_a_beam_that_may_still_be_on_shows_nothing():
    assert absent("T-1", Stay(1, 9), Beam("b1", 4, None, None)) == "T-1 was removed while b1 was under way"
    assert TOLD in str(absent("T-1", Stay(1, None), Beam("b1", 4, None, None)))
    assert TOLD in str(absent("T-1", Stay(1, 9), Beam("b1", None, 6, None)))


# --- worked case A: chips beside measured ports ---------------------------------------------------------------------


@pytest.fixture
async def desk(connection, client):
    made = Desk(connection, client)
    await made.steps(*BEFORE)
    return made


async def test_chips_that_came_off_before_the_beam_have_no_dose(desk):
    desk.chips(on=True)
    desk.chips(on=False)
    said = "T-014 was removed from P4 before any beam was given to it."
    assert said in presence_doubts(desk.connection, desk.session)
    await desk.beams()
    desk.read()
    output = desk.outputs()["P4"]
    assert output["decision"] == "INVALID"
    assert output["why"][0] == (
        "T-014 was removed before b1; T-014 was removed before b2; T-014 was removed before b7: it is not shown to have"
        " lain there; if it did, two people say so (acquire session was-there)."
    )
    assert verify_store(desk.connection) == []


async def test_chips_that_were_placed_after_the_beam_have_no_dose(desk):
    desk.skip("place-chips")
    await desk.beams()
    desk.chips(on=True)
    assert any(each.startswith("T-014 was placed after b1") for each in presence_doubts(desk.connection, desk.session))
    desk.chips(on=False)
    desk.read()
    assert desk.outputs()["P4"]["why"][0].startswith("T-014 was placed after b1; T-014 was placed after b2;")


async def test_chips_that_missed_one_of_the_beams_have_no_dose(desk):
    desk.chips(on=True)
    await desk.steps("b1", "zero-b2", "background-b2", "b2")
    desk.chips(on=False)
    await desk.steps("b7")
    desk.read()
    assert desk.outputs()["P4"]["why"][0].startswith("T-014 was removed before b7: it is not shown to have lain there")


async def test_a_beam_given_up_unused_counts_for_nothing(desk):
    desk.skip("place-chips")
    await begin_step(desk.connection, desk.client, desk.id, "b1", "MD-1")
    await abandon_step(desk.connection, desk.id, "b1", "MD-1", "door", beam_given=False, client=desk.client)
    desk.chips(on=True)
    await desk.beams()
    desk.chips(on=False)
    desk.read()
    assert desk.outputs()["P4"]["dose_gy"] == pytest.approx(0.03045, rel=1e-3)


async def test_two_people_may_say_that_a_chip_lay_there(desk):
    """The right value of worked case A, with the remark; and a chip that was corrected later needs it anew."""
    desk.chips(on=True)
    desk.chips(on=False)
    await desk.beams()
    desk.read()
    for name in ("T-014", "T-016"):
        with pytest.raises(Refused, match="stated with a reason, by one person and confirmed by another"):
            was_there(desk.connection, desk.session, name, "MD-1", "MD-1", "ticked too early")
        was_there(desk.connection, desk.session, name, "MD-1", "RT-1", "ticked too early")
    output = desk.outputs()["P4"]
    assert output["dose_gy"] == pytest.approx(0.03045, rel=1e-3)
    assert (
        "T-014 lay at P4 during the beam, as two people say: ticked too early (MD-1, confirmed by RT-1)."
        in output["remarks"]
    )
    assert presence_doubts(desk.connection, desk.session)[0].startswith("T-017")
    record = build(desk.connection, desk.id)
    assert [each["dosimeter"] for each in record["presence_stated"]] == ["T-014", "T-016"]
    page = html(record)
    assert '<td data-label="What">T-014 lay there during the beam</td>' in page
    assert "ticked too early" in page


async def test_nothing_is_stated_of_what_is_written_already(desk):
    desk.chips(on=True)
    with pytest.raises(Refused, match="T-014 is still out at P4"):
        was_there(desk.connection, desk.session, "T-014", "MD-1", "RT-1", "x")
    await desk.beams()
    desk.chips(on=False)
    assert presence_doubts(desk.connection, desk.session) == []
    with pytest.raises(Refused, match="It is written already that T-014 lay at P4 during the beam"):
        was_there(desk.connection, desk.session, "T-014", "MD-1", "RT-1", "x")
    with pytest.raises(Refused, match="T-020 has no placement"):
        was_there(desk.connection, desk.session, "T-020", "MD-1", "RT-1", "x")
    with pytest.raises(Refused, match=r"The beam of P4 was measured \(b1, b2, b7\)"):
        no_beam(desk.connection, desk.session, "RT-1", "left", ["P4"])
    with pytest.raises(Refused, match="Point B1 has no elements"):
        beam_given(desk.connection, desk.session, "RT-1", ["B1"])


# --- a chip that was read before its removal was written ------------------------------------------------------------


async def test_a_chip_read_before_its_removal_was_written_has_a_way_back(desk):
    desk.chips(on=True)
    await desk.beams()
    desk.read()
    desk.chips(on=False)
    said = (
        "T-014 of P4 was read before its removal was written. If it was off the patient by then, two people say so"
        " (acquire session was-removed)."
    )
    read = next(s for s in progress(desk.connection, desk.session) if s.step.id == "read-chips")
    assert said in read.missing
    told = {each.element: each.why for each in unattached(desk.connection, desk.session)}
    assert told["T-014"] == told["T-018"] == "was read before its removal was written"
    for name in ("T-014", "T-016"):
        with pytest.raises(Refused, match="stated with a reason, by one person and confirmed by another"):
            was_removed(desk.connection, desk.session, name, "MD-1", "MD-2", " ")
        was_removed(desk.connection, desk.session, name, "MD-1", "MD-2", "typed after lunch")
    assert "T-014" not in {each.element for each in unattached(desk.connection, desk.session)}
    with pytest.raises(Refused, match="T-014 has a reading that counts already"):
        was_removed(desk.connection, desk.session, "T-014", "MD-1", "MD-2", "again")
    output = desk.outputs()
    assert output["P4"]["dose_gy"] == pytest.approx(0.03045, rel=1e-3)
    assert (
        "The removal of T-014 was written after its readout; two people say that it was off the patient by then: typed"
        " after lunch (MD-1, confirmed by MD-2)." in output["P4"]["remarks"]
    )
    assert said.replace("T-014 of P4", "T-017 of P5") in output["P5"]["why"]
    assert verify_store(desk.connection) == []


async def test_a_reading_from_before_the_beam_is_never_the_beam_s(desk):
    desk.chips(on=True)
    desk.read()
    await desk.beams()
    with pytest.raises(Refused, match="T-014 is still out"):
        was_removed(desk.connection, desk.session, "T-014", "MD-1", "MD-2", "typed late")
    desk.chips(on=False)
    with pytest.raises(Refused, match="The reading of T-014 was there before b1 was over: it holds none of it"):
        was_removed(desk.connection, desk.session, "T-014", "MD-1", "MD-2", "typed late")
    with pytest.raises(Refused, match="T-099"):
        was_removed(desk.connection, desk.session, "T-099", "MD-1", "MD-2", "typed late")


async def test_a_chip_read_between_removal_and_the_beam_stays_without_dose_whatever_is_stated(desk):
    desk.chips(on=True)
    desk.chips(on=False)
    desk.read()
    await desk.beams()
    for name in ("T-014", "T-016"):
        was_there(desk.connection, desk.session, name, "MD-1", "RT-1", "ticked too early")
    assert "The reading of T-014 was there before b1 was over: it holds none of it." in desk.outputs()["P4"]["why"]


async def test_a_correction_keeps_the_order_of_what_it_corrects(desk):
    """It was written after the beam, and the element that it names lay there before."""
    desk.chips(on=True)
    await desk.beams()
    desk.chips(on=False)
    correct(desk.connection, desk.session, "T-017", "T-071", "MD-1", "MP-1", "engraving read")
    assert presence_doubts(desk.connection, desk.session) == []


# --- where no instrument measures the beam --------------------------------------------------------------------------


def placed_e(connection):
    case, reads = case_e()
    case.add(connection)
    session = case.start(connection)
    for point in ("E1", "E2"):
        for element in get_session(connection, session).plan.point_named(point).elements:
            place(connection, get_session(connection, session), point, element, "MD-1")
    return session, reads


def all_off(connection, session):
    for element in ("e1-1", "e1-2", "e2-1", "e2-2"):
        remove(connection, get_session(connection, session), element, "MD-1")


def test_nothing_comes_off_before_it_is_said_whether_the_beam_was_given(connection):
    session, reads = placed_e(connection)
    now = get_session(connection, session)
    assert open_questions(connection, now)[0] == (
        "No instrument measures the beam of E1, E2. When it is off, and before the elements come off, say that it was"
        " given (acquire session beam-given)."
    )
    with pytest.raises(Refused, match="No instrument measured a beam while e1-1 lay at E1: say first whether"):
        remove(connection, now, "e1-1", "MD-1")
    assert beam_given(connection, now, "RT-1") == ["E1", "E2"]
    all_off(connection, session)
    assert presence_doubts(connection, now) == []
    WorkedClient(connection).read_elements(reads, "{counts}")
    output = closed_results(connection, session, over="imaging not stated")["E1"]
    assert output["dose_gy"] == pytest.approx(0.0598, rel=2e-3)
    assert verify_store(connection) == []


def test_without_a_beam_there_is_no_dose(connection):
    session, reads = placed_e(connection)
    now = get_session(connection, session)
    with pytest.raises(Refused, match="Say why no beam was given"):
        no_beam(connection, now, "RT-1", " ", [])
    no_beam(connection, now, "RT-1", "the patient was taken ill", [])
    all_off(connection, session)
    WorkedClient(connection).read_elements(reads, "{counts}")
    why = closed_results(connection, session, over="no beam")["E1"]["why"]
    assert why[0] == "No beam was given while the elements lay at E1: the patient was taken ill (RT-1)."


def test_that_no_beam_was_given_is_said_of_what_lay_there_then(connection):
    """A dot that was placed later is asked for anew; and two people may say later that there was a beam after all."""
    session, reads = placed_e(connection)
    now = get_session(connection, session)
    no_beam(connection, now, "RT-1", "the wrong dots", ["E1"])
    remove(connection, now, "e1-1", "MD-1")
    WorkedClient(connection).read_elements([("e1-1", 52.0)], "{counts}")
    place(connection, now, "E1", "e1-1", "MD-1")
    with pytest.raises(Refused, match="No instrument measured a beam while e1-1 lay at E1"):
        remove(connection, now, "e1-1", "MD-1")
    no_beam(connection, now, "RT-1", "the patient was taken ill", [])
    all_off(connection, session)
    for name in ("e2-1", "e2-2"):
        was_there(connection, now, name, "MD-1", "RT-1", "the log of the linac")
    WorkedClient(connection).read_elements(reads, "{counts}")
    outputs = closed_results(connection, session, over="no beam")
    assert outputs["E2"]["dose_gy"] == pytest.approx(0.0410, rel=2e-3)
    assert any(each.startswith("No beam was given while the elements lay at E1") for each in outputs["E1"]["why"])


def test_a_chip_placed_after_the_beam_was_stated_has_no_dose(connection):
    case, reads = case_e()
    case.add(connection)
    session = case.start(connection)
    now = get_session(connection, session)
    with pytest.raises(Refused, match="Nothing lies at E1 now"):
        beam_given(connection, now, "RT-1", ["E1"])
    with pytest.raises(Refused, match="No element whose beam no instrument measures lies on the patient"):
        beam_given(connection, now, "RT-1")
    place(connection, now, "E1", "e1-1", "MD-1")
    beam_given(connection, now, "RT-1", ["E1"])
    place(connection, now, "E1", "e1-2", "MD-1")
    remove(connection, now, "e1-1", "MD-1")
    remove(connection, now, "e1-2", "MD-1")
    with pytest.raises(Refused, match="was stated as given already"):
        no_beam(connection, now, "RT-1", "left", ["E1"])
    assert [each.split(":")[0] for each in presence_doubts(connection, now)] == ["e1-2 was placed after the beam of E1"]
    exclude(connection, now, "e1-2", "MD-1", "MP-1", "placed too late")
    WorkedClient(connection).read_elements(reads, "{counts}")
    assert "dose_gy" in closed_results(connection, session, over="E2 was not placed")["E1"]


# --- which beams are meant ------------------------------------------------------------------------------------------


def test_the_beams_of_a_point_are_its_own_its_port_s_or_those_while_it_lies_there():
    case, _ = case_b()
    plan = read_plan(*reversed(case.plan_file))
    assert [s.id for s in beam_steps(plan, plan.point_named("R1"))] == ["dwell"]
    case.steps.insert(0, case.steps.pop(next(n for n, s in enumerate(case.steps) if s["id"] == "remove")))
    plan = read_plan(*reversed(case.plan_file))
    assert [s.id for s in beam_steps(plan, plan.point_named("R1"))] == []


def test_a_measured_beam_of_another_port_says_nothing_of_the_beam_of_a_port_that_no_instrument_measures():
    case, _ = case_b()
    for point, port in (("R1", "left"), ("bladder", "right")):
        next(p for p in case.points if p["id"] == point)["port"] = port
    plan = read_plan(*reversed(case.plan_file))
    assert [s.id for s in beam_steps(plan, plan.point_named("R1"))] == []
    assert [s.id for s in beam_steps(plan, plan.point_named("R2"))] == ["dwell"]


async def test_where_the_measured_step_is_left_out_the_beam_is_stated(connection):
    case, _ = case_b()
    case.add(connection)
    session = case.start(connection)
    now = get_session(connection, session)
    for point in ("R1", "R2", "R3"):
        for element in now.plan.point_named(point).elements:
            place(connection, now, point, element, "MD-1")
    with pytest.raises(Refused, match="A step that measures the beam of R1 is still to come"):
        beam_given(connection, now, "RT-1", ["R1"])
    client = client_b(connection)
    await run_step(connection, client, session, "threshold-before", "MD-1", client.during)
    not_measured(connection, session, "dwell", "MD-1", "the reader of the sensor failed")
    assert beam_given(connection, now, "RT-1") == ["R1", "R2", "R3"]
