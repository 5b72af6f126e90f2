"""The computer is down: what a person read from a display is entered late, compared, and marked wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest
from worked import Case, WorkedClient, run
from written_down import SCAN, entered, left_out, navel, printed

from acquire.canonical import canonical
from acquire.errors import Refused
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.clock_offsets import compare_clock
from acquire.procedure.session.closing import close_session, keeps_open
from acquire.procedure.session.course import carried
from acquire.procedure.session.downtime import check, read_back, set_aside
from acquire.procedure.session.notices import notices
from acquire.procedure.session.session import get_session, start_session, time_out
from acquire.procedure.session.steps import begin_step, not_measured
from acquire.procedure.session.take_over import take_over
from acquire.procedure.session.transcribed import NO_RAW_BYTES
from acquire.procedure.stock.received import irradiations
from acquire.record import build, html
from acquire.record.billing_facts import claim_of
from acquire.record.page import marks


@pytest.fixture
def case(connection: Any) -> Case:
    made = navel()
    made.add(connection)
    printed(connection, made)
    return made


def closed(connection: Any, session: str) -> Any:
    WorkedClient(connection).idle("electrometer-1")  # it is heard of again
    close_session(connection, session, "MD-2")
    (result,) = calculate_session(connection, session, "MP-1")
    return result.output


def test_case_d_fraction_2_gives_its_dose_and_says_transcribed_everywhere(connection: Any, case: Case) -> None:
    session = case.start(connection)
    left_out(connection, session)
    entered(connection, session)
    assert check(connection, get_session(connection, session), "navel", "36.02 nC", "MP-2").checked_by == "MP-2"
    output = closed(connection, session)
    assert f"{100 * output.dose_gy:.1f}" == "112.2"
    assert f"{output.deviation_percent:+.1f}" == "+0.2"
    assert output.decision == "PASS"
    assert NO_RAW_BYTES in output.transcribed
    assert verify_store(connection) == []
    assert verify_store(connection, session=session) == []
    record = build(connection, session)
    page = html(record)
    assert page.count("TRANSCRIBED") >= 6
    assert "TRANSCRIBED" in marks(record)
    assert f'@top-left {{ content: "{" · ".join(marks(record))}"; }}' in page
    assert NO_RAW_BYTES.encode() in canonical(record)
    (event,) = [e for e in record["events"] if e["step"] == "beam"]
    assert event["reason"].startswith("TRANSCRIBED: 36.02 nC at navel from form 1, written by MD-2")
    assert record["points"][0]["evidence"]["readings"] == {}


def test_nothing_is_closed_and_no_dose_is_given_before_another_person_has_compared_it(
    connection: Any, case: Case
) -> None:
    session = case.start(connection)
    left_out(connection, session)
    entered(connection, session)
    now = get_session(connection, session)
    assert [each for each in keeps_open(connection, now) if "a second person compares it" in each]
    with pytest.raises(Refused, match="MD-2 entered it; another person"):
        check(connection, now, "navel", "36.02 nC", "md-2 ")
    with pytest.raises(Refused, match=r"30\.62 nC is not what MD-2 entered"):
        check(connection, now, "navel", "30.62 nC", "MP-2")
    close_session(connection, session, "MD-2", over="MP-2 is ill")
    (result,) = calculate_session(connection, session, "MP-1")
    assert result.output.decision == "INVALID"
    assert "a second person compares it first" in " ".join(result.output.why)


def test_the_second_person_may_write_the_same_number_otherwise(connection: Any, case: Case) -> None:
    session = case.start(connection)
    entered(connection, session)
    assert check(connection, get_session(connection, session), "navel", "36,02 nC", "MP-2").checked_by == "MP-2"


@pytest.mark.parametrize(
    ("charge", "other", "says"),
    [
        ("36.02", {}, "is no charge with its unit, such as '36.02 nC'"),
        ("36.02 cGy", {}, "is no charge with its unit"),
        ("36.02 pC", {}, "0.001 times the .* nC that the plan expects at navel: look at the unit"),
        ("36.02 uC", {}, "look at the unit on the form"),
        ("nan nC", {}, "is no charge"),
        ("36.02 nC", {"form": 7}, "No form 7 was printed"),
        ("36.02 nC", {"form": 2}, "Form 2 is of ORD-D-1, plan v1, fraction 2; session .* fraction 1"),
        ("36.02 nC", {"read_at": "2026-02-15 15:00"}, "is no moment with an offset"),
        ("36.02 nC", {"read_at": "2199-02-15T15:00:00+01:00"}, "lies in the future"),
        ("36.02 nC", {"scan": ("form.png", b"not a picture")}, "form.png is no scan of a form: PDF, PNG, JPEG, TIFF"),
        ("36.02 nC", {"scan": ("f.png", SCAN[1] + bytes(20 * 2**20))}, "of up to 20 MiB"),
        ("36.02 nC", {"reason": " "}, "Say why it was not measured as usual"),
        ("36.02 nC", {"correct": True}, "there is nothing to correct"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_leaves_nothing(
    connection: Any, case: Case, charge: str, other: dict[str, Any], says: str
) -> None:
    printed(connection, case, 2)
    session = case.start(connection)
    before = connection.execute("SELECT count(*) FROM audit").fetchone()[0]
    with pytest.raises(Refused, match=says):
        entered(connection, session, charge, **other)
    assert connection.execute("SELECT count(*) FROM audit").fetchone()[0] == before


async def test_a_beam_that_was_written_down_is_given_and_never_asked_for_again(connection: Any, case: Case) -> None:
    session = case.start(connection)
    left_out(connection, session)
    entered(connection, session)
    with pytest.raises(Refused, match="entered from form 1"):
        await begin_step(connection, WorkedClient(connection), session, "beam", "MD-1")
    with pytest.raises(Refused, match="only a waiting step can be left out"):
        not_measured(connection, session, "beam", "MD-1", "no time")
    with pytest.raises(Refused, match="Fraction 1 of ORD-D-1 was measured already"):
        case.start(connection, 1)
    point = get_session(connection, session).plan.point_named("navel")
    assert carried(connection, "ORD-D-1", point) == {(1, "2026-02-15")}
    (given,) = irradiations(connection, "D-21")
    assert (given.point, given.at_most_gy) == ("navel", 1.12)


async def test_what_an_instrument_measured_is_not_written_over_by_hand(connection: Any, case: Case) -> None:
    session = case.start(connection)
    client = WorkedClient(connection)
    client.beam = {"beam": 36.5}
    await run(connection, client, session)
    with pytest.raises(Refused, match="Step beam is done; nothing is entered for it"):
        entered(connection, session)


async def kept_total(connection: Any, case: Case, nc: float) -> str:
    """The electrometer kept its charge, and is read when the computer is up again."""
    session = case.start(connection)
    left_out(connection, session)
    entered(connection, session)
    check(connection, get_session(connection, session), "navel", "36.02 nC", "MP-2")
    client = WorkedClient(connection)
    client.of("electrometer-1").charge_nc = nc
    client.idle("electrometer-1")
    return session


async def test_the_electrometers_own_total_is_read_back_and_agrees(connection: Any, case: Case) -> None:
    session = await kept_total(connection, case, 36.05)
    nc, percent = read_back(connection, get_session(connection, session), "navel", 1.0, "MP-2")
    assert (round(nc, 3), round(percent, 2)) == (36.05, 0.08)
    output = closed(connection, session)
    assert "electrometer-1 kept 36.05 nC, +0.08 % from what was entered (limit 1 %)." in output.remarks
    assert verify_store(connection) == []


async def test_beyond_the_limit_there_is_no_dose_until_it_is_corrected_or_set_aside(
    connection: Any, case: Case
) -> None:
    session = await kept_total(connection, case, 30.62)
    now = get_session(connection, session)
    read_back(connection, now, "navel", 1.0, "MP-2")
    entered(connection, session, "30.60 nC", correct=True, reason="36 and 30 misread")
    check(connection, now, "navel", "30.60 nC", "MP-2")
    entered(connection, session, correct=True, reason="no, 36")
    check(connection, now, "navel", "36.02 nC", "MP-2")
    held = closed(connection, session)
    assert held.decision == "INVALID"
    assert "kept 30.62 nC, -14.99 % from what was entered (limit 1 %): the entry is corrected" in held.why[0]
    with pytest.raises(Refused, match="confirmed by another"):
        set_aside(connection, now, "navel", "MP-1", "MP-1", "reset at 15:20")
    set_aside(connection, now, "navel", "MP-1", "MP-2", "reset at 15:20")
    (result,) = calculate_session(connection, session, "MP-1")
    assert result.output.decision == "PASS"
    assert (
        "The total of electrometer-1 is set aside: reset at 15:20 (MP-1, confirmed by MP-2)." in result.output.remarks
    )
    assert len(build(connection, session)["transcribed"]) == 3
    assert verify_store(connection) == []


def test_a_total_from_before_the_form_or_of_nobody_is_none(connection: Any) -> None:
    case = navel()
    case.add(connection)
    WorkedClient(connection).idle("electrometer-1")
    printed(connection, case)
    session = case.start(connection)
    entered(connection, session)
    with pytest.raises(Refused, match="electrometer-1 has told no charge since the form was printed"):
        read_back(connection, get_session(connection, session), "navel", 1.0, "MP-2")
    with pytest.raises(Refused, match="above 0 and below 100"):
        read_back(connection, get_session(connection, session), "navel", 0.0, "MP-2")


def test_the_form_has_everything_that_is_known_and_no_patient(connection: Any, case: Case) -> None:
    row = connection.execute("SELECT body FROM document WHERE kind = 'downtime form'").fetchone()
    form = row["body"].decode()
    (patient,) = connection.execute("SELECT patient FROM orders").fetchone()
    assert patient.split("/")[-1] not in form
    for known in ("Downtime form 1", "ORD-D-1", "fraction 1", "D-21, serial D-21", "n_cal 3.055 cGy/nC", "cf_ssd 1.035",
                  "112 cGy, about 35.95 nC", "electrometer-1", "Time-out", "TO BE TRANSCRIBED"):  # fmt: skip
        assert known in form, known
    assert "<script" not in form
    assert "A4" in form


def test_case_d_the_linacs_clock_is_192_s_behind_and_stands_in_the_record(connection: Any, case: Case) -> None:
    session = get_session(connection, case.start(connection))
    theirs, ours = "2026-02-15T07:58:41+01:00", "2026-02-15T08:01:53+01:00"
    found = compare_clock(connection, session, "LA-1", theirs, ours, "MD-1")
    assert found.says.startswith("The clock of LA-1 was 192 s behind this computer's")
    record = build(connection, session.id)
    assert record["session"]["clocks"][0]["behind_s"] == 192
    assert "192 s behind this computer" in html(record)
    for wrong in ("2026-02-13T07:58:41+01:00", "2026-02-15T07:58:41", "2199-02-15T07:58:41+01:00"):
        with pytest.raises(Refused):
            compare_clock(connection, session, "LA-1", wrong, ours, "MD-1")
    with pytest.raises(Refused, match="Name the machine"):
        compare_clock(connection, session, " ", theirs, ours, "MD-1")


def test_who_takes_a_session_over_says_why_and_from_whom(connection: Any, case: Case) -> None:
    session = get_session(connection, case.start(connection))
    with pytest.raises(Refused, match=r"MD-1 has session .* already"):
        take_over(connection, session, "md-1", "lunch")
    with pytest.raises(Refused, match="Say why"):
        take_over(connection, session, "MD-2", " ")
    take_over(connection, session, "MD-2", "MD-1 was called away")
    assert take_over(connection, session, "MD-3", "shift").from_whom == "MD-2"
    page = html(build(connection, session.id))
    assert "Taken over by MD-2 from MD-1" in page
    assert verify_store(connection) == []


def test_a_time_out_is_entered_from_the_sessions_own_form(connection: Any, case: Case) -> None:
    printed(connection, case, 2)
    session = case.start(connection)
    with pytest.raises(Refused, match="Form 2 is of ORD-D-1, plan v1, fraction 2"):
        time_out(connection, session, "MD-1", "RT-1", identifiers_agree=True, form=2)
    time_out(connection, session, "MD-1", "RT-1", identifiers_agree=True, form=1)
    assert "entered late, as signed on downtime form 1" in html(build(connection, session))


async def test_an_instrument_measures_nobody_who_was_identified_on_paper_alone(connection: Any, case: Case) -> None:
    """Else a form that was printed beforehand would take the place of two identifiers at the couch."""
    files = {"calibrations": case.calibration_file, "inventory": case.inventory}
    session = start_session(connection, "ORD-D-1", "MD-1", **files).id
    client = WorkedClient(connection)
    time_out(connection, session, "MD-1", "RT-1", identifiers_agree=True, form=1)
    with pytest.raises(Refused, match="before an instrument measures, two people identify the patient here"):
        await begin_step(connection, client, session, "zero", "MD-1")
    assert client.asked == []
    time_out(connection, session, "MD-1", "RT-1", identifiers_agree=True)
    await begin_step(connection, client, session, "zero", "MD-1")


def test_the_order_must_be_before_the_moment_on_the_form(connection: Any, case: Case) -> None:
    session = case.start(connection)
    left_out(connection, session)
    entered(connection, session, read_at="2020-02-15T15:00:00+01:00")
    check(connection, get_session(connection, session), "navel", "36.02 nC", "MP-2")
    (asked,) = claim_of(connection, session).asked
    assert asked.began is not None
    assert (asked.began.year, asked.began_with) == (2020, "the first beam")
    assert asked.began < asked.order.authored_on


async def test_a_held_total_is_told_to_the_physicist(connection: Any, case: Case) -> None:
    session = await kept_total(connection, case, 30.62)
    read_back(connection, get_session(connection, session), "navel", 1.0, "MP-2")
    closed(connection, session)
    assert [(each.cause, each.waits_for) for each in notices(connection)] == [("INVALID", ("physicist",))]
