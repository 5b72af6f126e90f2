"""Of one fraction one session is open for a port: it is taken over, or another one takes its place with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from beams import ShapedClient, case_a, charges
from cases import case_f
from test_never_more_beam import second_order
from worked import Case, closed_results, run

from acquire.errors import Refused
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.session import get_session, start_session, time_out
from acquire.procedure.session.take_over import take_over, taken_over


def started(connection: Any, case: Case, instead_of: tuple[str, str] | None = None) -> str:
    return start_session(
        connection, f"ORD-{case.name}-1", "MD-2", calibrations=case.calibration_file, inventory=case.inventory,
        instead_of=instead_of,
    ).id  # fmt: skip


def test_the_second_is_refused_at_its_start_and_names_the_first(connection: Any) -> None:
    case = case_a("B1", "B2")
    case.add(connection)
    first = case.start(connection)
    for other in (case, second_order(connection)):
        with pytest.raises(Refused) as refused:
            started(connection, other)
        said = str(refused.value)
        assert said.startswith(f"Session {first} (ORD-A-1, fraction 1) is open, started by MD-1 at ")
        assert f"and measures port b1 too: go on with it (acquire session take-over {first})" in said
    take_over(connection, get_session(connection, first), "MD-2", "MD-1 was called away")
    assert [each.who for each in taken_over(connection, first)] == ["MD-2"]


def test_one_for_other_ports_is_not(connection: Any) -> None:
    case = case_a("B2")
    case.add(connection)
    case.start(connection)
    assert started(connection, second_order(connection))  # of B1


async def test_another_takes_its_place_with_a_reason_as_long_as_it_gave_no_beam(connection: Any) -> None:
    case = case_a("B1")
    case.add(connection)
    first, client = case.start(connection), ShapedClient(connection, charges("B1"))
    with pytest.raises(Refused, match=f"Say why session {first} is given up for another one"):
        started(connection, case, (first, " "))
    second = started(connection, case, (first, "the inventory named D-14"))
    assert get_session(connection, first).state == "CANCELLED"
    (why,) = connection.execute("SELECT reason FROM session_state WHERE state = 'CANCELLED'").fetchone()
    assert why == f"the inventory named D-14; {second} is in its place"
    with pytest.raises(Refused, match=f"Session {second} .* is open, started by MD-2"):
        started(connection, case, (first, "once more"))
    time_out(connection, second, "MD-2", "RT-1", identifiers_agree=True)
    await run(connection, client, second)
    with pytest.raises(Refused, match="Fraction 1 of ORD-A-1 was measured already"):
        started(connection, case, (second, "again"))
    assert 100 * closed_results(connection, second)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert verify_store(connection) == []


async def test_one_that_gave_a_beam_is_gone_on_with(connection: Any) -> None:
    case = case_a("B1", "B2")
    case.add(connection)
    first, client = case.start(connection), ShapedClient(connection, charges("B1", "B2"))
    await run(connection, client, first, skip=("background-b2", "b2"))
    order = second_order(connection)  # of B1: its beam was given
    with pytest.raises(Refused, match="b1 had its beam in fraction 1"):
        started(connection, order, (first, "other room"))
    second = case_a("B2")
    second.name = "A2"
    second.plan |= {"version": 2}
    second.add_plan(connection)
    with pytest.raises(Refused, match=f"b1 was begun in session {first}: go on with it"):
        started(connection, second, (first, "other room"))


def test_phantoms_are_measured_beside_each_other(connection: Any) -> None:
    case = case_f()
    case.add(connection)
    assert case.start(connection, temperature_c=21.8, pressure_kpa=99.87) != started(connection, case)
