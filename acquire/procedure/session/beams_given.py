"""Which beams a patient had in a fraction, over sessions, plans and orders: one irradiation of a port, never more.

A beam counts as given once its step has begun, unless somebody said that none was given and the signal agrees; what
nobody knows counts as given, and so does a step that was written as not measured, since the team treats without it.
Markers in the streams that the store knows no attempt of (it was restored from a backup) count too. Orders of one
patient are found by their subject, compared inside the store; no identity leaves it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from acquire.errors import Refused
from acquire.procedure.documents.beams import BeamMarks, marks_of, patient_key
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.documents.plan import Plan, Step
from acquire.procedure.methods.beam_seen import Still, beam_seen, still
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.readouts.placed import placements
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.beam_statements import beam_statements, every_part_said
from acquire.procedure.session.planning import get_plan
from acquire.procedure.session.transcribed import in_force
from acquire.store import entries
from acquire.store.attribution import measurement
from acquire.sums import added

NEVER = "a repeat on a patient is the next planned fraction, never more beam"


@dataclass(frozen=True, slots=True)
class GivenBeam:
    """A beam that counts as given: where, and how that is known, as the end of a sentence."""

    session: str
    order_id: str
    fraction: int
    step: str
    how: str
    marks: BeamMarks


@dataclass(frozen=True, slots=True)
class _Treated:
    """A session with its plan, and no more of it."""

    id: str
    order_id: str
    fraction: int
    plan: Plan


def beams_of_patient(connection: sqlite3.Connection, order_id: str, fraction: int, course: int) -> list[GivenBeam]:
    """Every beam that the order's patient had in a fraction of a course, whichever order asked for it."""
    found: list[GivenBeam] = []
    for each in _sessions(connection, orders_of_patient(connection, order_id), fraction):
        if each.plan.purpose == "patient" and each.plan.course == course:
            found += _beams_of(connection, each)
    return found


def last_fraction(connection: sqlite3.Connection, order_id: str) -> int | None:
    """The highest fraction of an order in which a beam was measured, or elements lay on the patient and came back."""
    fractions = [
        each.fraction
        for each in _sessions(connection, [order_id], None)
        if each.plan.purpose == "patient" and any(b.how != LEFT_OUT for b in _beams_of(connection, each))
    ]
    return max(fractions, default=None)


def must_be_free(connection: sqlite3.Connection, plan: Plan, order_id: str, fraction: int) -> None:
    """Raises Refused where every beam that the plan measures was given in this fraction already."""
    given = beams_of_patient(connection, order_id, fraction, plan.course)
    beams = [s for s in plan.step if s.kind == "irradiate"]
    before = [next((g for g in given if marks_of(plan, s).same(g.marks)), None) for s in beams]
    if beams and all(before):
        told = " ".join(_told(step, plan, each) for step, each in zip(beams, before, strict=True) if each)
        raise Refused(f"{told} {NEVER[0].upper()}{NEVER[1:]}: start the session for the next fraction.")


def must_not_repeat(connection: sqlite3.Connection, order_id: str, plan: Plan, fraction: int, step: Step) -> None:
    """Raises Refused where the beam of a step was given in this fraction already: in any session, plan or order."""
    if plan.purpose != "patient" or step.kind != "irradiate":
        return
    marks = marks_of(plan, step)
    for each in beams_of_patient(connection, order_id, fraction, plan.course):
        if marks.same(each.marks):
            raise Refused(
                f"{_told(step, plan, each)} {NEVER[0].upper()}{NEVER[1:]} today. Write {step.id} as not measured, with"
                " the reason, if no value came of it; what the linac still has to give of an interrupted beam is"
                f" measured as its rest (--rest --rest-of {each.session})."
            )


def not_compared(connection: sqlite3.Connection, order_id: str) -> list[str]:
    """Where an order does not say who its patient is, so that beams of other orders are not found: one sentence."""
    row = connection.execute("SELECT patient FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None or patient_key(row["patient"]) is not None:
        return []
    return [
        f"Not checked: beams that other orders gave this patient, since the subject of {order_id} means something"
        " inside its own file alone."
    ]


def _told(step: Step, plan: Plan, given: GivenBeam) -> str:
    by = marks_of(plan, step).same(given.marks)
    return (
        f"{step.id} had its beam in fraction {given.fraction}: {by} of this patient, step {given.step} of session"
        f" {given.session} ({given.order_id}), {given.how}."
    )


def _sessions(connection: sqlite3.Connection, orders: list[str], fraction: int | None) -> Iterator[_Treated]:
    for order_id in orders:
        rows = connection.execute(
            "SELECT id, plan_version, fraction FROM session WHERE order_id = ?1 AND (?2 IS NULL OR fraction = ?2)",
            (order_id, fraction),
        ).fetchall()
        for row in rows:
            plan = get_plan(connection, order_id, row["plan_version"])
            yield _Treated(row["id"], order_id, row["fraction"], plan)


LEFT_OUT = "which was written as not measured: whether beam was given is not known, and counts as given"


def _beams_of(connection: sqlite3.Connection, of: _Treated) -> Iterator[GivenBeam]:
    none_given = {s.step for s in beam_statements(connection, of.id, "no-beam")}
    skipped = {r["step"] for r in connection.execute("SELECT step FROM not_measured WHERE session = ?", (of.id,))}
    back = {p.point for p in placements(connection, of.id) if p.removed_at is not None}
    unknown = _without_attempt(connection, of.id)
    written = {each.step: f"entered from form {each.form}" for each in in_force(connection, of.id).values()}
    for step in of.plan.step:
        how = None
        if step.kind == "irradiate" and step.id not in none_given:
            own = attempts(connection, of.id, step.id)
            how = next((said for a in own if (said := _given(connection, of, step, a, own))), None)
            how = how or written.get(step.id) or (LEFT_OUT if step.id in skipped else unknown.get(step.id))
        elif step.kind == "place" and step.id not in none_given and back & set(step.points):
            how = "during which elements lay on the patient"
        if how:
            yield GivenBeam(of.id, of.order_id, of.fraction, step.id, how, marks_of(of.plan, step))


def _given(
    connection: sqlite3.Connection, of: _Treated, step: Step, attempt: Attempt, own: list[Attempt]
) -> str | None:
    """Why an attempt counts as given, None where no beam was asked for or none was given in it."""
    if attempt.abandoned is not None:
        if attempt.beam_given:
            return f"given up ({attempt.abandoned.rstrip('.')})"
        return shown_by_signal(connection, of.id, attempt)
    if not attempt.begun:
        return None
    open_on = {a.instrument for a in own if a.begun and a.abandoned is None}
    if not attempt.ended and set(of.plan.inputs(step)) - open_on:
        return None  # it has not begun on every instrument: no beam was asked for
    return f"begun at {attempt.requested_at}"


def may_have_given(connection: sqlite3.Connection, session_id: str, attempt: Attempt) -> bool:
    """Whether some of a beam may have been given in an attempt: that none was is believed with the signal alone."""
    if not attempt.begun or attempt.abandoned is None or attempt.beam_given:
        return attempt.begun
    return attempt.kind == "irradiate" and shown_by_signal(connection, session_id, attempt) is not None


def shown_by_signal(connection: sqlite3.Connection, session_id: str, attempt: Attempt) -> str | None:
    """What contradicts that no beam was given in an attempt: its own readings; None where they agree."""
    readings = [r.body for r in measurement(connection, attempt.measurement).readings]
    if any("overload" in (body.get("flags") or ()) for body in readings):
        return f"in which {attempt.instrument} was overloaded, although it was said that no beam was given"
    try:
        seen = beam_seen(readings, without_beam(connection, session_id, attempt.instrument))
    except Invalid:
        return None
    said = {(p.measurement, p.begin_s): p.counts for p in every_part_said(connection, session_id)}
    parts = [p for p in seen.parts if said.get((attempt.measurement, p.begin_s), True)]
    if not parts:
        return None
    nc, seconds = added(p.nc for p in parts), added(p.duration_s for p in parts)
    return (
        f"in which {attempt.instrument} collected {nc:.4g} nC in {seconds:.1f} s, although it was said that no beam was"
        " given"
    )


def without_beam(connection: sqlite3.Connection, session_id: str, instrument: str) -> Still:
    """What the last background of a session on an instrument showed; nothing where there is none."""
    done = [a for a in attempts(connection, session_id) if (a.kind, a.instrument) == ("background", instrument)]
    for attempt in reversed([a for a in done if a.ended and a.abandoned is None]):
        try:
            return still([r.body for r in measurement(connection, attempt.measurement).readings])
        except Invalid:
            continue
    return Still()


def _without_attempt(connection: sqlite3.Connection, session_id: str) -> dict[str, str]:
    """Steps of a session that a begin marker in a stream names, and the store has no attempt of; how that is known."""
    found = {}
    for stream, entry in entries.unknown_markers(connection):
        body = entries.decoded(stream, entry)
        if body.get("session") == session_id and body.get("mark") == "begin":
            found[str(body.get("step"))] = (
                f"as its begin marker in stream {stream} at {entry.seq} tells, of which the store, restored from a"
                " backup, knows no attempt"
            )
    return found
