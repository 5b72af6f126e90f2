"""Running the steps of a plan on real instruments: every attempt is a measurement between two markers in a stream.

A step has begun only when the instrument's answer names the stream and seq of its marker; until then the same
measurement id is asked for again. Nobody is ever asked for more beam.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import uuid4

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure import audit
from acquire.procedure.elements import readout
from acquire.procedure.inventory import Instrument
from acquire.procedure.placed import placements
from acquire.procedure.plan import Step
from acquire.procedure.session import Session, SessionState, get_session, move, state_of
from acquire.store.database import transaction

Progress = Literal["waiting", "running", "done", "not measured"]


class Bench(Protocol):
    """Whoever can ask instruments: over MQTT in the service, directly in tests."""

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask and wait for the answer; raises when refused or not answered.

        `begin` and `end` take {"measurement", "session", "step"} and answer {"stream", "seq"}; `begin` takes also
        "allows": the commands that the step needs before its end.
        """


During = Callable[[Step], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one step."""

    measurement: str
    session: str
    step: str
    kind: str
    instrument: str
    requested_at: str
    begun: bool
    ended: bool
    abandoned: str | None
    beam_given: bool | None


@dataclass(frozen=True, slots=True)
class StepStatus:
    """How far a step is, with what is missing in words."""

    step: Step
    progress: Progress
    missing: tuple[str, ...] = ()
    reason: str | None = None


def attempts(connection: sqlite3.Connection, session_id: str, step: str | None = None) -> list[Attempt]:
    """Attempts of a session (or of one step), oldest first."""
    rows = connection.execute(
        "SELECT * FROM attempt WHERE session = ?1 AND (?2 IS NULL OR step = ?2) ORDER BY requested_at, rowid",
        (session_id, step),
    ).fetchall()
    return [_attempt(connection, row) for row in rows]


def _attempt(connection: sqlite3.Connection, row: sqlite3.Row) -> Attempt:
    marks = {
        m["mark"]: m
        for m in connection.execute("SELECT * FROM attempt_mark WHERE measurement = ?", (row["measurement"],))
    }
    given = marks.get("abandoned")
    return Attempt(
        measurement=row["measurement"],
        session=row["session"],
        step=row["step"],
        kind=row["kind"],
        instrument=row["instrument"],
        requested_at=row["requested_at"],
        begun="begun" in marks,
        ended="ended" in marks,
        abandoned=given["reason"] if given else None,
        beam_given=bool(given["beam_given"]) if given else None,
    )


def progress(connection: sqlite3.Connection, session: Session) -> list[StepStatus]:
    """Every step of the plan with how far it is, in order."""
    skipped = {
        row["step"]: row["reason"]
        for row in connection.execute("SELECT step, reason FROM not_measured WHERE session = ?", (session.id,))
    }
    return [
        StepStatus(s, "not measured", reason=skipped[s.id]) if s.id in skipped else _status(connection, session, s)
        for s in session.plan.step
    ]


def _status(connection: sqlite3.Connection, session: Session, step: Step) -> StepStatus:
    if step.has_markers:
        own = [a for a in attempts(connection, session.id, step.id) if a.abandoned is None]
        if any(a.ended for a in own):
            return StepStatus(step, "done")
        return StepStatus(step, "running" if any(a.begun for a in own) else "waiting")
    missing = tuple(_missing(connection, session, step))
    return StepStatus(step, "waiting" if missing else "done", missing)


def _missing(connection: sqlite3.Connection, session: Session, step: Step) -> list[str]:
    """What a step without markers still waits for, one sentence each."""
    found = {(p.point, p.dosimeter): p for p in placements(connection, session.id) if p.point in step.points}
    if step.kind == "place":
        wanted = [(p, e) for p in step.points for e in session.plan.point_named(p).elements]
        corrected = {p.point for p in found.values() if p.replaces is not None}
        return [f"{e} is not placed at {p}." for p, e in wanted if (p, e) not in found and p not in corrected]
    if step.kind == "remove":
        return [f"{p.dosimeter} has not come back from {p.point}." for p in found.values() if p.removed_at is None]
    missing = []
    for placement in found.values():
        element = session.inventory.element_named(placement.dosimeter)
        batch = session.plan.batch_of(element.reader)
        if element.reader == step.instrument and readout(connection, element, placement, batch).used is None:
            missing.append(f"{placement.dosimeter} of {placement.point} has not been read.")
    return missing


def next_step(connection: sqlite3.Connection, session: Session) -> StepStatus | None:
    """The first step that is not settled, or None."""
    return next((s for s in progress(connection, session) if s.progress in ("waiting", "running")), None)


async def begin_step(connection: sqlite3.Connection, bench: Bench, session_id: str, step_id: str, who: str) -> Attempt:
    """Begin a step with markers. Asked again before it has begun, it uses the same measurement id.

    Raises Refused when it is not this step's turn, before the time-out, or when it would mean more beam on a patient.
    """
    session = get_session(connection, session_id)
    step = session.plan.step_named(step_id)
    _may_begin(connection, session, step)
    attempt = _requested(connection, session, step, who)
    instrument = session.inventory.instrument_named(attempt.instrument)
    integrating = step.integrates
    for name in instrument.before if integrating else ():
        await bench.command(instrument.id, name, {})
    answer = await bench.command(instrument.id, "begin", _marker(attempt) | _allowed(instrument, step))
    with transaction(connection):
        _mark(connection, attempt, "begun", answer, who)
        if state_of(connection, session_id) is SessionState.READY:
            move(connection, session_id, SessionState.MEASURING, who)
    for name in instrument.start if integrating else ():
        await bench.command(instrument.id, name, {})
    return attempts(connection, session_id, step_id)[-1]


async def end_step(connection: sqlite3.Connection, bench: Bench, session_id: str, step_id: str, who: str) -> Attempt:
    """End the running attempt of a step. Raises Refused when none is running."""
    session = get_session(connection, session_id)
    attempt = _running(connection, session_id, step_id)
    instrument = session.inventory.instrument_named(attempt.instrument)
    for name in instrument.stop if session.plan.step_named(step_id).integrates else ():
        await bench.command(instrument.id, name, {})
    answer = await bench.command(instrument.id, "end", _marker(attempt))
    with transaction(connection):
        _mark(connection, attempt, "ended", answer, who)
    return attempts(connection, session_id, step_id)[-1]


async def run_step(
    connection: sqlite3.Connection, bench: Bench, session_id: str, step_id: str, who: str, during: During
) -> Attempt:
    """Begin, let `during` happen (the beam, the background time), end. A zero step sends the instrument's own zero."""
    attempt = await begin_step(connection, bench, session_id, step_id, who)
    session = get_session(connection, session_id)
    step = session.plan.step_named(step_id)
    if step.kind == "zero":
        for name in session.inventory.instrument_named(attempt.instrument).zero:
            await bench.command(attempt.instrument, name, {})
    await during(step)
    return await end_step(connection, bench, session_id, step_id, who)


async def abandon_step(
    connection: sqlite3.Connection,
    session_id: str,
    step_id: str,
    who: str,
    reason: str,
    *,
    beam_given: bool,
    bench: Bench | None = None,
) -> None:
    """Give the running attempt up, with the reason; its readings stay. `beam_given` decides whether it may be repeated.

    With a bench the end marker is set first. Raises Refused when no attempt is open.
    """
    attempt = _running(connection, session_id, step_id, begun=False)
    if bench is not None and attempt.begun:
        await end_step(connection, bench, session_id, step_id, who)
    with transaction(connection):
        connection.execute(
            "INSERT INTO attempt_mark (measurement, mark, at, who, reason, beam_given) VALUES (?, ?, ?, ?, ?, ?)",
            (attempt.measurement, "abandoned", utc_now(), who, reason, int(beam_given)),
        )
        audit.append(connection, who, "attempt abandoned", attempt.measurement, new=step_id, reason=reason)


def not_measured(connection: sqlite3.Connection, session_id: str, step_id: str, who: str, reason: str) -> None:
    """A complete, honest step: not measured, and why. Raises Refused without a reason or while the step is running."""
    session = get_session(connection, session_id)
    status = next(s for s in progress(connection, session) if s.step is session.plan.step_named(step_id))
    if not reason.strip():
        raise Refused("Say why it was not measured.")
    if status.progress != "waiting":
        raise Refused(f"Step {step_id} is {status.progress}; only a waiting step can be left out.")
    with transaction(connection):
        row = (session_id, step_id, reason, utc_now(), who)
        connection.execute("INSERT INTO not_measured VALUES (?, ?, ?, ?, ?)", row)
        audit.append(connection, who, "not measured", session_id, new=step_id, reason=reason)


def _may_begin(connection: sqlite3.Connection, session: Session, step: Step) -> None:
    if not step.has_markers:
        raise Refused(f"Step {step.id} ({step.kind}) has no markers; it is done by placing, removing or reading.")
    if session.state is SessionState.PLANNED:
        raise Refused(f"Session {session.id} has had no time-out; no marker is set before it.")
    if session.state not in (SessionState.READY, SessionState.MEASURING):
        raise Refused(f"Session {session.id} is {session.state}; nothing can be measured in it any more.")
    turn = next_step(connection, session)
    if _beam_was_given(connection, session, step):
        raise Refused(
            f"{step.id} had its beam in fraction {session.fraction}; a repeat on a patient is the next planned"
            " fraction, never more beam today. Write it as not measured, with the reason, if no value came of it."
        )
    if turn is not None and turn.step.id == step.id and turn.progress == "running":
        raise Refused(f"{step.id} is running already; end it or abandon it.")
    if turn is None or turn.step.id != step.id:
        raise Refused(f"It is not the turn of {step.id}; next is {turn.step.id if turn else 'nothing'}.")


def _beam_was_given(connection: sqlite3.Connection, session: Session, step: Step) -> bool:
    if session.plan.purpose != "patient" or step.kind != "irradiate":
        return False
    own = attempts(connection, session.id, step.id)
    return any(a.begun and (a.abandoned is None or a.beam_given) for a in own)


def _requested(connection: sqlite3.Connection, session: Session, step: Step, who: str) -> Attempt:
    """The attempt to begin: one that was asked for and has not begun yet, or a new one."""
    waiting = [a for a in attempts(connection, session.id, step.id) if not a.begun and a.abandoned is None]
    if waiting:
        return waiting[0]
    measurement = str(uuid4())
    with transaction(connection):
        row = (measurement, session.id, step.id, step.kind, step.instrument, utc_now(), who)
        connection.execute("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return attempts(connection, session.id, step.id)[-1]


def _running(connection: sqlite3.Connection, session_id: str, step_id: str, *, begun: bool = True) -> Attempt:
    own = [a for a in attempts(connection, session_id, step_id) if not a.ended and a.abandoned is None]
    if not own or (begun and not own[-1].begun):
        raise Refused(f"No attempt of {step_id} is running in session {session_id}.")
    return own[-1]


def _marker(attempt: Attempt) -> dict[str, Any]:
    return {"measurement": attempt.measurement, "session": attempt.session, "step": attempt.step}


def _allowed(instrument: Instrument, step: Step) -> dict[str, Any]:
    """What the step itself will ask of the instrument before its end; anything else is refused there until then."""
    names = (*instrument.start, *instrument.stop) if step.integrates else instrument.zero if step.kind == "zero" else ()
    return {"allows": list(dict.fromkeys(names))} if names else {}


def _mark(connection: sqlite3.Connection, attempt: Attempt, mark: str, answer: Mapping[str, Any], who: str) -> None:
    """Believe a marker only where the answer names its place in a stream."""
    stream, seq = answer.get("stream"), answer.get("seq")
    if not isinstance(stream, str) or not isinstance(seq, int):
        raise Refused(
            f"{attempt.instrument} did not say where its marker is; {attempt.step} has not {mark}. Ask again."
        )
    connection.execute(
        "INSERT INTO attempt_mark (measurement, mark, stream, seq, at, who) VALUES (?, ?, ?, ?, ?, ?)",
        (attempt.measurement, mark, stream, seq, utc_now(), who),
    )
    audit.append(connection, who, mark, attempt.measurement, new=f"{attempt.step} in {stream} at {seq}")
