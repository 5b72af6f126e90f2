"""What must reach people is made with its cause, and holds the next fraction until somebody lifts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from noticed import BEYOND, OUT, WITHIN, calculated, chip_case, diode_case, measured
from worked import WorkedClient, run

from acquire.errors import Refused
from acquire.procedure.documents.order import add_order
from acquire.procedure.results.result import calculate_session, results
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session import due, notices
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.doctor import Seen, of_order
from acquire.procedure.session.notices import acknowledge, lift
from acquire.procedure.session.session import asked_for, start_session, time_out
from acquire.procedure.session.steps import not_measured
from acquire.record import build, html

LATER = (datetime.now(UTC) + timedelta(days=2)).isoformat()


def causes(connection: Any) -> list[str]:
    return [each.cause for each in notices.notices(connection)]


async def test_beyond_the_action_level_one_notice_is_made_with_the_result(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    session = await calculated(connection, case, BEYOND)
    (found,) = notices.notices(connection)
    assert (found.cause, found.point, found.version, found.holds) == ("ACTION", "C2", 1, True)
    assert found.waits_for == ("physicist", "physician")
    calculate_session(connection, session, "MP-1")
    assert causes(connection) == ["ACTION"]
    assert verify_store(connection, session=session) == []


async def test_a_program_that_ends_before_the_notice_leaves_no_result_either(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = diode_case()
    case.add(connection)
    session = await measured(connection, case, BEYOND)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(notices, "make", killed)
        with pytest.raises(SystemExit):
            calculate_session(connection, session, "MP-1")
    assert results(connection, session) == []
    calculate_session(connection, session, "MP-1")
    assert causes(connection) == ["ACTION"]


async def test_a_day_within_tolerance_raises_no_call_and_neither_does_what_was_left_out(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    await calculated(connection, case, WITHIN)
    session = case.start(connection, 2)
    for step in ("background-c2", "c2"):
        not_measured(connection, session, step, "MD-1", "no time")
    close_session(connection, session, "MD-1")
    (result,) = calculate_session(connection, session, "MP-1")
    assert result.output.decision == "INVALID"
    assert causes(connection) == []


async def test_a_background_alone_is_no_measurement_that_was_lost(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    session = case.start(connection)
    await run(connection, WorkedClient(connection), session, skip=("c2",))
    not_measured(connection, session, "c2", "MD-1", "measured in another fraction")
    close_session(connection, session, "MD-1")
    (result,) = calculate_session(connection, session, "MP-1")
    assert (result.output.decision, causes(connection)) == ("INVALID", [])


async def test_a_lost_measurement_is_told_to_the_physicist_and_holds_nothing(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    await calculated(connection, case, WITHIN, overloaded=True)
    (found,) = notices.notices(connection)
    assert (found.cause, found.waits_for, found.holds) == ("INVALID", ("physicist",), False)
    with pytest.raises(Refused, match="is for the physicist; RO-1 is a physician"):
        acknowledge(connection, found.n, "RO-1", ["physician"])
    assert acknowledge(connection, found.n, "MP-1", ["physicist"]).stands == "acknowledged"
    case.start(connection, 2)


async def test_once_out_of_tolerance_holds_nothing_and_twice_in_a_row_does(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    for fraction, nc in ((1, OUT), (2, WITHIN), (3, OUT), (4, OUT)):
        await calculated(connection, case, nc, fraction)
    assert causes(connection) == ["OUT OF TOLERANCE", "OUT OF TOLERANCE", "TWICE OUT"]
    with pytest.raises(Refused, match=r"Notice 3 holds the next fraction: C2 of session .* second time in a row"):
        case.start(connection, 5)


async def test_a_hold_is_lifted_by_two_people_with_a_reason_and_by_nothing_else(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    session = await calculated(connection, case, BEYOND)
    acknowledge(connection, 1, "MP-1", ["physicist"])
    acknowledge(connection, 1, "RO-1", ["physician"])
    with pytest.raises(Refused, match=r"lifts it with a reason and a second person \(acquire hold lift 1\). The treat"):
        case.start(connection, 2)
    for reason, second in (("  ", "RO-1"), ("set-up corrected", None), ("set-up corrected", "mp-1 ")):
        with pytest.raises(Refused):
            lift(connection, 1, "MP-1", ["physicist"], reason, second)
    assert (
        lift(connection, 1, "MP-1", ["physicist"], "set-up corrected", "RO-1").stands == "acknowledged; lifted by MP-1"
    )
    with pytest.raises(Refused, match="was lifted by MP-1"):
        lift(connection, 1, "RO-1", ["physician"], "again", "MP-1")
    case.start(connection, 2)
    page = html(build(connection, session))
    assert "set-up corrected" in page
    assert "HOLDS THE NEXT FRACTION" not in page
    assert verify_store(connection) == []


async def test_a_hold_is_of_its_patients_course_and_a_new_plan_is_no_silent_way_round(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    session = await calculated(connection, case, BEYOND)
    assert "HOLDS THE NEXT FRACTION" in html(build(connection, session))
    case.plan |= {"version": 2}
    case.add_plan(connection)
    with pytest.raises(Refused, match="Notice 1 holds"):
        case.start(connection, 2)
    other = diode_case("M", course=2)
    other.add(connection)
    other.start(connection, 2)
    stranger = diode_case("S")
    order = (case_order("S")).replace(b"Patient/", b"Patient/another-")
    add_order(connection, order, "order.json", "MD-1")
    stranger.add_plan(connection)
    stranger.start(connection, 2)


def case_order(name: str) -> bytes:
    from worked import DEMO  # noqa: PLC0415

    return (DEMO / "order-A-1.json").read_bytes().replace(b"ORD-A-1", f"ORD-{name}-1".encode())


async def test_a_session_that_was_started_before_the_hold_waits_at_its_time_out(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    first = await measured(connection, case, BEYOND)
    second = start_session(
        connection, "ORD-N-1", "MD-1", calibrations=case.calibration_file, inventory=case.inventory, fraction=2
    ).id
    calculate_session(connection, first, "MP-1")
    with pytest.raises(Refused, match="Notice 1 holds the next fraction"):
        time_out(connection, second, "MD-1", "RT-1", identifiers_agree=True)
    lift(connection, 1, "MP-1", ["physicist"], "set-up corrected", "RO-1")
    time_out(connection, second, "MD-1", "RT-1", identifiers_agree=True)


async def test_a_fraction_under_way_goes_on_since_the_patient_lies_there(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    first = await measured(connection, case, BEYOND)
    second = case.start(connection, 2)
    calculate_session(connection, first, "MP-1")
    client = WorkedClient(connection)
    client.beam = {"c2": WITHIN}
    await run(connection, client, second)


async def test_the_doctor_names_a_hold_before_the_patient_is_called(connection: Any) -> None:
    case = diode_case()
    case.add(connection)
    await calculated(connection, case, BEYOND)
    asked = asked_for(connection, "ORD-N-1", case.calibration_file, case.inventory, 2)
    found = [each for each in of_order(connection, asked, Seen(datetime.now(UTC))) if each.cause == "hold"]
    assert len(found) == 1
    assert "acquire hold lift 1" in found[0]


async def placed(connection: Any, case: Any) -> str:
    session: str = case.start(connection)
    await run(connection, WorkedClient(connection), session)
    return session


async def test_a_result_that_is_due_before_a_fraction_holds_it_whatever_the_clock_says(connection: Any) -> None:
    case, reads = chip_case({"fraction": 3, "by": LATER})
    case.add(connection)
    session = await placed(connection, case)
    assert due.remind(connection, session, datetime.now(UTC))
    assert causes(connection) == []
    with pytest.raises(Refused, match="has no result, and its time has come"):
        case.start(connection, 3)
    with pytest.raises(Refused, match="Notice 1 holds the next fraction: P of session"):
        case.start(connection, 3)
    assert causes(connection) == ["RESULT NOT THERE"]
    WorkedClient(connection).read_elements(reads)
    close_session(connection, session, "MD-1")
    (result,) = calculate_session(connection, session, "MP-1")
    assert result.output.decision == "REPORT ONLY"
    assert notices.notices(connection)[0].stands == "the result has come"
    case.start(connection, 3)


async def test_an_earlier_fraction_is_not_held_for_a_result_that_is_not_due_yet(connection: Any) -> None:
    case, _ = chip_case({"fraction": 3, "by": LATER})
    case.add(connection)
    await placed(connection, case)
    case.start(connection, 2)


async def test_people_are_reminded_before_and_told_at_the_moment_once_each(connection: Any) -> None:
    now = datetime.now(UTC)
    moments = {"by": (now + timedelta(hours=48)).isoformat(), "remind_at": (now + timedelta(hours=24)).isoformat()}
    case, _ = chip_case({"fraction": 2, **moments})
    case.add(connection)
    session = await placed(connection, case)
    for hours, expected in ((0, 0), (25, 1), (26, 1), (49, 2), (25, 2), (60, 2)):
        due.remind(connection, session, now + timedelta(hours=hours))
        assert len(causes(connection)) == expected
    assert causes(connection) == ["RESULT AWAITED", "RESULT NOT THERE"]
