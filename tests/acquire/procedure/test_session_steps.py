"""A session's rules: time-out first, steps in order, a marker believed only with its place, never more beam."""

from __future__ import annotations

from uuid import UUID

import pytest
from scenario_a import demo_file, measured, prepared

from acquire.errors import Refused
from acquire.procedure.readouts.placed import placements
from acquire.procedure.session.ambient_conditions import set_environment
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.closing import asks_for_amendment, close_session, keeps_open
from acquire.procedure.session.placement import correct, place, remove, still_out
from acquire.procedure.session.progress import next_step, progress
from acquire.procedure.session.session import SessionState, cancel, get_session, start_session, time_out
from acquire.procedure.session.steps import abandon_step, begin_step, end_step, not_measured, run_step
from acquire.store import audit

CHIPS = {"14": 40_930, "16": 42_200, "17": 17_920, "18": 18_290}


def session_of(connection, fraction=None):
    return start_session(
        connection,
        "ORD-A-1",
        "MD-1",
        calibrations=demo_file("calibrations.toml"),
        inventory=demo_file("inventory.toml"),
        fraction=fraction,
    )


async def steps_until(connection, client, session, last):
    for step in get_session(connection, session).plan.step:
        if step.kind == "place":
            not_measured(connection, session, step.id, "MD-1", "no chips today")
        elif step.has_markers:
            await run_step(connection, client, session, step.id, "MD-1", client.during)
        if step.id == last:
            return


async def test_no_marker_before_the_time_out(connection, client):
    cancel(connection, prepared(connection), "MD-1", "begun anew")
    later = session_of(connection)
    with pytest.raises(Refused, match="no time-out"):
        await begin_step(connection, client, later.id, "zero-b1", "MD-1")
    assert client.asked == []
    with pytest.raises(Refused, match="two people"):
        time_out(connection, later.id, "MD-1", "MD-1", identifiers_agree=True)
    with pytest.raises(Refused, match="do not go on"):
        time_out(connection, later.id, "MD-1", "RT-1", identifiers_agree=False)
    assert get_session(connection, later.id).state is SessionState.PLANNED


@pytest.mark.parametrize(
    ("temperature", "pressure", "word"),
    [(72.0, 99.6, "°F"), (22.1, 996.0, "hPa"), (295.2, 99.6, "K"), (22.1, 747, "mmHg")],
)
def test_units_of_the_environment_are_guarded(connection, temperature, pressure, word):
    session = prepared(connection)
    with pytest.raises(Refused, match=word):
        set_environment(connection, session, "MD-1", temperature_c=temperature, pressure_kpa=pressure, source="typed")


async def test_steps_run_in_order_and_frame_the_instrument(connection, client):
    session = prepared(connection)
    with pytest.raises(Refused, match="It is not the turn of b1; next is zero-b1"):
        await begin_step(connection, client, session, "b1", "MD-1")
    await steps_until(connection, client, session, "background-b7")
    assert client.asked == [
        *[("electrometer-1", c) for c in ("begin", "zero", "end", "begin", "end")],
        *[("electrometer-2", c) for c in ("begin", "zero", "end")],
        *[("electrometer-2", c) for c in ("reset", "begin", "start", "hold", "end")],
    ]
    assert get_session(connection, session).state is SessionState.MEASURING
    assert all(UUID(a.measurement).version == 4 and a.begun and a.ended for a in attempts(connection, session))
    with pytest.raises(Refused, match="done by placing"):
        await begin_step(connection, client, session, "place-chips", "MD-1")


class NoAnswer(Exception):
    pass


async def test_begin_is_asked_again_with_the_same_id(connection, client):
    session = prepared(connection)
    real = client.command

    async def lost(instrument, name, parameters):
        await real(instrument, name, parameters)
        raise NoAnswer

    client.command = lost
    with pytest.raises(NoAnswer):
        await begin_step(connection, client, session, "zero-b1", "MD-1")
    assert next_step(connection, get_session(connection, session)).progress == "waiting"
    client.command = real
    attempt = await begin_step(connection, client, session, "zero-b1", "MD-1")
    assert len(attempts(connection, session)) == 1
    assert {m for _, m in client.marks} == {attempt.measurement}


@pytest.mark.parametrize("answer", [{}, {"stream": "x"}, {"stream": "x", "seq": "7"}, {"stream": None, "seq": 7}])
async def test_a_begin_without_its_place_is_not_believed(connection, client, answer):
    session = prepared(connection)

    async def vague(instrument, name, parameters):
        return answer

    client.command = vague
    with pytest.raises(Refused, match="did not say where its marker is"):
        await begin_step(connection, client, session, "zero-b1", "MD-1")
    assert get_session(connection, session).state is SessionState.READY


async def test_nobody_is_asked_for_more_beam(connection, client):
    session = prepared(connection)
    await steps_until(connection, client, session, "background-b7")
    not_measured(connection, session, "place-chips", "MD-1", "no chips today")
    await begin_step(connection, client, session, "b1", "MD-1")
    with pytest.raises(Refused, match="never more beam"):
        await begin_step(connection, client, session, "b1", "MD-1")
    await abandon_step(connection, session, "b1", "MD-1", "overload", beam_given=True, client=client)
    with pytest.raises(Refused, match="the next planned fraction"):
        await begin_step(connection, client, session, "b1", "MD-1")
    not_measured(connection, session, "b1", "MD-1", "overload")
    with pytest.raises(Refused, match=r"Fraction 1 of ORD-A-1 was measured already.*fraction 2 or later"):
        session_of(connection)
    assert session_of(connection, fraction=2).state is SessionState.PLANNED


async def test_an_attempt_without_beam_may_be_made_again(connection, client):
    session = prepared(connection)
    await steps_until(connection, client, session, "background-b7")
    not_measured(connection, session, "place-chips", "MD-1", "no chips today")
    await begin_step(connection, client, session, "b1", "MD-1")
    await abandon_step(connection, session, "b1", "MD-1", "door open, no beam", beam_given=False, client=client)
    again = await begin_step(connection, client, session, "b1", "MD-1")
    await end_step(connection, client, session, "b1", "MD-1")
    first, second = attempts(connection, session, "b1")
    assert (first.abandoned, second.measurement) == ("door open, no beam", again.measurement)
    assert first.measurement != second.measurement


async def test_a_running_step_is_not_begun_twice(connection, client):
    session = prepared(connection)
    await begin_step(connection, client, session, "zero-b1", "MD-1")
    with pytest.raises(Refused, match="running already"):
        await begin_step(connection, client, session, "zero-b1", "MD-1")
    with pytest.raises(Refused, match="only a waiting step"):
        not_measured(connection, session, "zero-b1", "MD-1", "changed our mind")


def test_elements_out_and_back(connection):
    session = get_session(connection, prepared(connection))
    place(connection, session, "P4", "T-014", "MD-1", "a")
    with pytest.raises(Refused, match="out already, at P4"):
        place(connection, session, "P4", "T-014", "MD-1")
    with pytest.raises(Refused, match="not planned at P4"):
        place(connection, session, "P4", "T-017", "MD-1")
    with pytest.raises(Refused, match="not out"):
        remove(connection, session, "T-016", "MD-1")
    assert still_out(placements(connection, session.id)) == ["T-014"]
    assert any(r.startswith("Not everything came back: T-014") for r in keeps_open(connection, session))
    remove(connection, session, "T-014", "MD-2")
    (only,) = placements(connection, session.id)
    assert (only.removed_by, still_out([only])) == ("MD-2", [])


async def test_a_chip_that_nobody_scanned_is_named_before_the_beam(connection, client):
    session = prepared(connection)
    await steps_until(connection, client, session, "background-b7")
    for point, chip in (("P4", "T-014"), ("P5", "T-017"), ("P5", "T-018")):
        place(connection, get_session(connection, session), point, chip, "MD-1")
    with pytest.raises(Refused, match=r"next is place-chips\. T-016 is not placed at P4\. X-1 is not placed at P6\.$"):
        await begin_step(connection, client, session, "b1", "MD-1")


async def test_the_wrong_element_keeps_the_session_open_until_corrected(connection, client):
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", {"71": 17_920, **{k: v for k, v in CHIPS.items() if k != "17"}})
    client.disc()
    assert keeps_open(connection, get_session(connection, session)) == [
        "Step read-chips is not settled. T-017 of P5 has not been read."
    ]
    with pytest.raises(Refused, match="T-017 of P5"):
        close_session(connection, session, "MD-1")
    with pytest.raises(Refused, match="second person"):
        correct(connection, get_session(connection, session), "T-017", "T-071", "MD-1", "MD-1", "engraving read")
    correct(connection, get_session(connection, session), "T-017", "T-071", "MD-1", "MP-1", "engraving read by two")
    assert close_session(connection, session, "MD-1") == []
    rows = connection.execute("SELECT dosimeter FROM placement WHERE session = ? ORDER BY id", (session,)).fetchall()
    assert [r[0] for r in rows] == ["T-014", "T-016", "T-017", "T-018", "X-1", "T-071"]


async def test_closing_over_what_is_missing_needs_a_reason_and_is_written(connection, client):
    session = prepared(connection)
    await steps_until(connection, client, session, "zero-b1")
    with pytest.raises(Refused, match="background-b1 is not settled"):
        close_session(connection, session, "MD-1", over=" ")
    missing = close_session(connection, session, "MP-1", over="patient unwell")
    assert any("background-b1" in m for m in missing)
    last = connection.execute("SELECT what, who, reason FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    assert tuple(last) == ("closed over", "MP-1", "patient unwell")
    with pytest.raises(Refused, match="nothing can be measured"):
        await begin_step(connection, client, session, "background-b1", "MD-1")


async def test_readings_after_closing_ask_for_an_amendment(connection, client):
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", CHIPS)
    close_session(connection, session, "MP-1", over="disc comes tomorrow")
    assert asks_for_amendment(connection, get_session(connection, session)) == []
    client.disc()
    assert asks_for_amendment(connection, get_session(connection, session)) == [
        "The reading of X-1 came after closing."
    ]


async def test_the_whole_session_leaves_a_whole_audit_chain(connection, client):
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", CHIPS)
    client.disc()
    assert [s.progress for s in progress(connection, get_session(connection, session))] == ["done"] * 13
    assert close_session(connection, session, "MD-1") == []
    assert get_session(connection, session).state is SessionState.MEASURED
    assert audit.verify(connection) == []
    assert audit.head(connection)[0] > 30


def test_no_step_shows_as_done_that_was_not(connection):
    """Where nothing was placed there is nothing that came back or was read: that is what is shown."""
    session = prepared(connection)
    found = {s.step.id: s for s in progress(connection, get_session(connection, session))}
    assert {s.progress for s in found.values()} == {"waiting"}
    placed = found["place-chips"].missing
    assert len(placed) == 5
    assert found["remove-chips"].missing == placed
    assert found["read-chips"].missing == tuple(s for s in placed if not s.startswith("X-"))
    not_measured(connection, session, "place-chips", "MD-1", "the patient declined")
    after = [s for s in progress(connection, get_session(connection, session)) if s.step.kind in ("remove", "read-out")]
    assert {(s.progress, s.reason) for s in after} == {("not measured", "Nothing was placed. the patient declined")}
