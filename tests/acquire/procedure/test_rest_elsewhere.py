"""The rest of an interrupted beam in another room: a part of the same irradiation, by the word of two people."""

from __future__ import annotations

from typing import Any

import pytest
from beams import PORTS, ShapedClient, case_a
from cases import diode
from test_never_more_beam import second_order
from worked import Case, closed_results

from acquire.errors import Refused
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.planning import confirm_expected
from acquire.procedure.session.rests import Rest
from acquire.procedure.session.session import get_session, start_session, time_out
from acquire.procedure.session.steps import begin_step, end_step, run_step

B1 = PORTS["B1"][1]
RATE = 92 * 6.0  # 92 MU in ten seconds


def other_room(of: str) -> Case:
    """The same port in another room: its own electrometer and, if wanted, its own diode."""
    case = case_a("B1", rate=RATE)
    case.instruments[0]["id"] = "electrometer-9"
    case.points[0]["instrument"] = "electrometer-9"
    case.steps = [{**s, "instrument": "electrometer-9"} for s in case.steps]
    if of != "D-11":
        diode(case, of, 3.041, 0.28)
        case.points[0]["detector"] = of
    return case


def started(connection: Any, case: Case, rest_of: str | None = None, fraction: int | None = None) -> str:
    order = f"ORD-{case.name}-1"
    session = start_session(
        connection, order, "MD-2", calibrations=case.calibration_file, inventory=case.inventory, rest_of=rest_of,
        fraction=fraction,
    ).id  # fmt: skip
    time_out(connection, session, "MD-2", "RT-2", identifiers_agree=True)
    return session


async def interrupted(connection: Any, case: Case, shape: Any) -> tuple[str, ShapedClient]:
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, {"b1": shape})
    await run_step(connection, client, session, "background-b1", "MD-1", client.during)
    await run_step(connection, client, session, "b1", "MD-1", client.during)
    return session, client


REST = Rest("interlock of LA-1, 46 MU left, treated on LA-2", "RT-2")


async def measured_rest(connection: Any, client: ShapedClient, session: str, first: str, shape: Any) -> None:
    client.shapes["b1"] = shape
    await run_step(connection, client, session, "background-b1", "MD-2", client.during)
    rest = Rest(REST.reason, REST.confirmed_by, first)
    await run_step(connection, client, session, "b1", "MD-2", client.during, rest)


@pytest.mark.parametrize("of", ["D-11", "D-14"])
async def test_the_rest_in_another_room_makes_the_dose_whole(connection: Any, of: str) -> None:
    first, client = await interrupted(connection, case_a("B1", rate=RATE), [(5.0, B1 / 2)])
    room = other_room(of)
    room.plan |= {"version": 2}
    room.add_plan(connection)
    confirm_expected(connection, "ORD-A-1", 2, "B1", "MP-2")
    second = started(connection, room, first)
    # half of the dose with the other diode: its own charge for it
    half = B1 / 2 if of == "D-11" else B1 / 2 * 3.097 / 3.041 * ((1 + 0.0028 * 8.5) / (1 + 0.0025 * 8.5))
    await measured_rest(connection, client, second, first, [(5.0, half)])
    found = closed_results(connection, second)["B1"]
    assert 100 * found["dose_gy"] == pytest.approx(47.33, abs=0.01)
    assert found["decision"] == "PASS"
    assert any(
        f"b1 is the rest of b1 of session {first} (ORD-A-1), which was interrupted" in r for r in found["remarks"]
    )
    own = closed_results(connection, first)["B1"]
    assert own["decision"] == "INVALID"
    assert f"The rest of this beam was measured in session {second} (step b1)" in " ".join(own["why"])
    assert verify_store(connection) == []


async def test_over_orders_it_is_no_second_beam_and_needs_two_people(connection: Any) -> None:
    first, client = await interrupted(connection, case_a("B1", rate=RATE), [(5.0, B1 / 2)])
    other = second_order(connection)
    with pytest.raises(Refused, match="had its beam in fraction 1"):
        started(connection, other)
    second = started(connection, other, first)
    await run_step(connection, client, second, "background-b1", "MD-2", client.during)
    with pytest.raises(Refused, match=f"--rest --rest-of {first}"):
        await begin_step(connection, client, second, "b1", "MD-2")
    with pytest.raises(Refused, match="by one person and confirmed by another"):
        await begin_step(connection, client, second, "b1", "MD-2", Rest("interlock", "MD-2", first))
    with pytest.raises(Refused, match="Where it began in another session, say which"):
        await begin_step(connection, client, second, "b1", "MD-2", Rest("interlock", "RT-2"))
    await begin_step(connection, client, second, "b1", "MD-2", Rest("interlock", "RT-2", first))
    client.given("electrometer-1", [(1.0, 0.0), (5.0, B1 / 2), (1.0, 0.0)])
    await end_step(connection, client, second, "b1", "MD-2")
    with pytest.raises(Refused, match="already: its rest is measured without --rest-of"):
        await begin_step(connection, client, second, "b1", "MD-2", Rest("again", "RT-2", first))
    assert 100 * closed_results(connection, second)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.01)


@pytest.mark.parametrize(
    ("fraction", "subject", "said"),
    [(2, None, "is of fraction 1 of course 1"), (None, "Patient/example-b", "is of another patient than ORD-A2-1")],
)
async def test_it_is_of_the_same_patient_and_fraction(
    connection: Any, fraction: int | None, subject: str | None, said: str
) -> None:
    first, _ = await interrupted(connection, case_a("B1", rate=RATE), [(5.0, B1 / 2)])
    with pytest.raises(Refused, match=said):
        started(connection, second_order(connection, subject), first, fraction)


async def test_a_beam_that_was_never_begun_has_no_rest_elsewhere(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    first = case.start(connection)
    with pytest.raises(Refused, match=f"No beam of this plan was begun in session {first}"):
        started(connection, second_order(connection), first)


async def test_what_lasted_too_short_over_both_is_held(connection: Any) -> None:
    first, client = await interrupted(connection, case_a("B1", rate=RATE), [(5.0, B1 / 2)])
    other = second_order(connection)
    other.plan |= {"version": 2, "dose_rate_mu_per_min": RATE}
    other.add_plan(connection)
    confirm_expected(connection, "ORD-A2-1", 2, "B1", "MP-2")
    second = started(connection, other, first)
    await measured_rest(connection, client, second, first, [(2.0, B1 / 5)])
    found = closed_results(connection, second)["B1"]
    assert found["decision"] == "INVALID"
    assert "the beam was on for 2.0 s, where its MU and the machine's dose rate give 5.0 s" in " ".join(found["why"])


async def test_a_result_of_before_gets_a_version_that_says_where_the_dose_is(connection: Any) -> None:
    first, client = await interrupted(connection, case_a("B1"), [(5.0, B1 / 2)])
    second = started(connection, second_order(connection), first)
    before = closed_results(connection, first)["B1"]
    assert before["decision"] == "ACTION"  # half of what was expected, and said so
    await measured_rest(connection, client, second, first, [(5.0, B1 / 2)])
    assert 100 * closed_results(connection, second)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.01)
    now = {r.point: r.output.plain() for r in calculate_session(connection, first, "MP-1")}["B1"]
    assert now["decision"] == "INVALID"
    assert get_session(connection, first).fraction == get_session(connection, second).fraction
