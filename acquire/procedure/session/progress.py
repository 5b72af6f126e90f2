"""How far a session is: every step of its plan, what it still waits for, and which is next."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from acquire.procedure.documents.plan import CHARGES, INTEGRATING, Step
from acquire.procedure.readouts.elements import not_read, readout
from acquire.procedure.readouts.placed import placements
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.session import Session
from acquire.procedure.session.transcribed import Transcription, in_force
from acquire.store.attribution import has_reading

Progress = Literal["waiting", "running", "done", "not measured"]


@dataclass(frozen=True, slots=True)
class StepStatus:
    """How far a step is, with what is missing in words; `reason`: why it was not measured, or what one waits for that
    is running."""

    step: Step
    progress: Progress
    missing: tuple[str, ...] = ()
    reason: str | None = None


def progress(connection: sqlite3.Connection, session: Session) -> list[StepStatus]:
    """Every step of the plan with how far it is, in order."""
    skipped = {
        row["step"]: row["reason"]
        for row in connection.execute("SELECT step, reason FROM not_measured WHERE session = ?", (session.id,))
    }
    return [
        StepStatus(s, "not measured", reason=skipped[s.id])
        if s.id in skipped
        else _status(connection, session, s, skipped)
        for s in session.plan.step
    ]


def _status(connection: sqlite3.Connection, session: Session, step: Step, skipped: Mapping[str, str]) -> StepStatus:
    if step.has_markers:
        if written := [each for point, each in in_force(connection, session.id).items() if point in step.measured]:
            return _transcribed(step, written)
        own = [a for a in attempts(connection, session.id, step.id) if a.abandoned is None]
        on = set(session.plan.inputs(step))
        if any(a.begun and not a.ended for a in own):
            if on <= {a.instrument for a in own if a.begun}:
                return StepStatus(step, "running", reason=unread(connection, own))
            return StepStatus(step, "waiting")
        return StepStatus(step, "done" if own and on <= {a.instrument for a in own if a.ended} else "waiting")
    missing = tuple(_missing(connection, session, step, skipped))
    if missing or step.kind == "place" or any(p.point in step.points for p in placements(connection, session.id)):
        return StepStatus(step, "waiting" if missing else "done", missing)
    why = " ".join(reason for s in session.plan.step if (reason := skipped.get(s.id)) and _places(s, step.points))
    return StepStatus(step, "not measured", reason=f"Nothing was placed. {why}".strip())


def unread(connection: sqlite3.Connection, begun: Sequence[Attempt]) -> str | None:
    """Which instruments have given no reading since a step of theirs that collects began; None where each has."""
    running = [a for a in begun if a.begun and not a.ended and a.kind in INTEGRATING]
    silent = [a for a in running if not has_reading(connection, a.measurement)]
    if not silent:
        return None
    beam = ": wait with the beam" if any(a.kind in CHARGES for a in silent) else ""
    return f"No reading of {' and '.join(a.instrument for a in silent)} has come since it began{beam}."


def _transcribed(step: Step, written: Sequence[Transcription]) -> StepStatus:
    """A beam that was entered from a form is done when every point of it is; the next one need not wait for more."""
    there = {each.point for each in written}
    missing = [f"{p} is not entered from the form (acquire downtime enter)." for p in step.measured if p not in there]
    said = " ".join(f"{each.says}." for each in written)
    return StepStatus(step, "waiting" if missing else "done", tuple(missing), said)


def _missing(connection: sqlite3.Connection, session: Session, step: Step, skipped: Mapping[str, str]) -> list[str]:
    """What a step without markers still waits for, one sentence each."""
    found = {(p.point, p.dosimeter): p for p in placements(connection, session.id) if p.point in step.points}
    corrected = {p.point for p in found.values() if p.replaces is not None}
    left_out = {p for s in session.plan.step if s.id in skipped and s.kind == "place" for p in s.points}
    wanted = [(p, e) for p in step.points for e in session.plan.point_named(p).elements if p not in left_out]
    missing = [
        f"{e} is not placed at {p}."
        for p, e in wanted
        if (p, e) not in found and p not in corrected and _concerns(session, step, e)
    ]
    if step.kind == "remove":
        missing += [f"{p.dosimeter} has not come back from {p.point}." for p in found.values() if p.removed_at is None]
    if step.kind == "read-out":
        for placement in found.values():
            element = session.inventory.element_named(placement.dosimeter)
            batch = session.plan.batch_of(element.reader)
            if (
                element.reader == step.instrument
                and (of := readout(connection, element, placement, batch)).used is None
            ):
                missing.append(not_read(of, placement))
    return missing


def _concerns(session: Session, step: Step, element: str) -> bool:
    """Whether a step has to do with an element of its points: its reader reads no others."""
    return step.kind != "read-out" or session.inventory.element_named(element).reader == step.instrument


def _places(step: Step, points: Sequence[str]) -> bool:
    return step.kind == "place" and not set(points).isdisjoint(step.points)


def next_step(connection: sqlite3.Connection, session: Session) -> StepStatus | None:
    """The first step that is not settled, or None."""
    return next((s for s in progress(connection, session) if s.progress in ("waiting", "running")), None)
