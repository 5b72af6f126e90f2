"""How often a place may carry a detector is counted over the course: sessions, plan versions and orders."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cases import case_c, case_d
from scenario_a import DEMO
from worked import GIVEN, WorkedClient, closed_results, run

from acquire.errors import Refused
from acquire.procedure.documents.order import add_order
from acquire.procedure.session.course import carried
from acquire.procedure.session.notices import lift
from acquire.procedure.session.placement import place
from acquire.procedure.session.planning import confirm_expected, get_plan
from acquire.procedure.session.session import cancel, get_session, start_session, time_out
from acquire.procedure.session.steps import abandon_step, begin_step


def diodes(limit: int | None = 2, **plan):
    case, _ = case_c(points=())
    case.batches, case.elements, case.eccs = [], [], {}
    case.steps = [s for s in case.steps if s["kind"] in ("background", "irradiate")]
    case.points[0]["detector_fractions"] = limit
    case.plan |= plan
    return case


async def fraction(connection, case, number):
    session = case.start(connection, fraction=number)
    client = WorkedClient(connection)
    client.beam = {"c2": GIVEN["C_c2_m"]}
    await run(connection, client, session)
    closed_results(connection, session)
    return session


def start(connection, case, number):
    return start_session(
        connection, f"ORD-{case.name}-1", "MD-1", calibrations=case.calibration_file, inventory=case.inventory,
        fraction=number,
    )  # fmt: skip


SPENT = r"C2 may carry a detector on 2 fraction\(s\) of this course, and the place carried one on 2 \(fraction 1, 2\)"


async def test_the_fraction_after_the_last_one_is_refused_with_that_reason(connection):
    case = diodes()
    case.add(connection)
    for number in (1, 2):
        await fraction(connection, case, number)
    with pytest.raises(Refused, match=SPENT):
        start(connection, case, 3)


async def test_it_is_counted_over_plan_versions_and_by_place_not_by_name(connection):
    case = diodes()
    case.add(connection)
    for number in (1, 2):
        await fraction(connection, case, number)
    case.plan |= {"version": 2}
    renamed = "C2-again"
    case.points[0] |= {"id": renamed}
    for each in case.steps:
        each["point"] = renamed
    case.add_plan(connection)
    confirm_expected(connection, "ORD-C-1", 2, renamed, "MP-2")
    with pytest.raises(Refused, match="C2-again may carry a detector on 2 fraction"):
        start(connection, case, 3)
    case.plan |= {"version": 3}
    case.points[0] |= {"port": "C9", "site": "two centimetres further in"}
    case.add_plan(connection)
    lift(connection, 2, "MP-1", ["physicist"], "moved in the new plan")  # both fractions were out of tolerance
    assert start(connection, case, 3).fraction == 3, "the plan has moved the point"


async def test_it_is_counted_over_orders_of_the_same_patient_and_of_no_other(connection):
    case = diodes()
    case.add(connection)
    for number in (1, 2):
        await fraction(connection, case, number)
    other = diodes()
    other.name = "K"
    other.add(connection)
    with pytest.raises(Refused, match=SPENT):
        start(connection, other, 3)
    stranger = diodes()
    stranger.name = "L"
    order = (DEMO / "order-A-1.json").read_bytes().replace(b"ORD-A-1", b"ORD-L-1")
    assert order.count(b"Patient/") == 1
    add_order(connection, order.replace(b"Patient/", b"Patient/other-"), "order.json", "MD-1")
    stranger.add_plan(connection)
    assert start(connection, stranger, 3).fraction == 3


async def test_a_second_session_of_the_same_fraction_and_one_without_beam_count_nothing(connection):
    case = diodes(1)
    case.add(connection)
    session = case.start(connection, fraction=1)
    client = WorkedClient(connection)
    await run(connection, client, session, skip=["c2"])
    await begin_step(connection, client, session, "c2", "MD-1")
    point = get_plan(connection, "ORD-C-1", 1).point_named("C2")
    today = datetime.now(UTC).date().isoformat()
    assert carried(connection, "ORD-C-1", point) == {(1, today)}
    assert carried(connection, "ORD-C-1", point, but=session) == set()
    await abandon_step(connection, session, "c2", "MD-1", "no beam", beam_given=False, client=client)
    assert carried(connection, "ORD-C-1", point) == set()
    cancel(connection, session, "MD-1", "no beam that day")
    assert start(connection, case, 1).fraction == 1


async def test_two_sessions_that_were_started_before_share_what_is_allowed(connection):
    case = diodes(1)
    case.add(connection)
    waiting = start(connection, case, 2)
    await fraction(connection, case, 1)
    with pytest.raises(Refused, match=r"on 1 fraction\(s\) of this course"):
        time_out(connection, waiting.id, "MD-1", "RT-1", identifiers_agree=True)


async def test_elements_are_counted_where_they_were_placed(connection):
    case, _ = case_d()
    for each in case.points:
        if each["id"] == "head-R":
            each["detector_fractions"] = 1
    case.add(connection)
    first = get_session(connection, case.start(connection, fraction=1))
    second = get_session(connection, case.start(connection, fraction=2))
    place(connection, first, "head-R", "head-R-a", "MD-1")
    with pytest.raises(Refused, match=r"head-R may carry a detector on 1 fraction"):
        place(connection, second, "head-R", "head-R-b", "MD-1")
    place(connection, second, "head-L", "head-L-a", "MD-1")


def test_without_a_number_in_the_plan_nothing_is_counted(connection):
    case = diodes(None)
    case.add(connection)
    assert start(connection, case, 7).fraction == 7
