"""Attempts at steps as the store has them: what was asked for, which markers were set, and what was in force then."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from acquire.canonical import canonical, parse, utc_now
from acquire.errors import Refused
from acquire.procedure.documents.plan import Step
from acquire.procedure.session.framing import InForce
from acquire.store import audit
from acquire.store.database import transaction
from drivers.model import Framing


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one step. `in_force` is None until it has begun, and for those of an earlier release."""

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
    in_force: InForce | None


def attempts(connection: sqlite3.Connection, session_id: str, step: str | None = None) -> list[Attempt]:
    """Attempts of a session (or of one step), oldest first."""
    rows = connection.execute(
        "SELECT * FROM attempt WHERE session = ?1 AND (?2 IS NULL OR step = ?2)"
        " ORDER BY audit_entry NULLS FIRST, requested_at, measurement",
        (session_id, step),
    ).fetchall()
    return [_attempt(connection, row) for row in rows]


def request(
    connection: sqlite3.Connection,
    session_id: str,
    step: Step,
    who: str,
    instrument: str | None = None,
    beside: Callable[[str], Sequence[audit.Row]] = lambda _: (),
) -> Attempt:
    """The attempt to begin on an instrument (the step's): one that was asked for and has not begun yet, or a new one.

    `beside`: rows that are made with a new one, from its measurement id.
    """
    instrument = instrument or step.instrument or ""
    own = [a for a in attempts(connection, session_id, step.id) if a.instrument == instrument]
    waiting = [a for a in own if not a.begun and a.abandoned is None]
    if waiting:
        return waiting[0]
    new = str(uuid4())
    asked = audit.row(
        "attempt", measurement=new, session=session_id, step=step.id, kind=step.kind, instrument=instrument,
        requested_at=utc_now(), who=who,
    )  # fmt: skip
    with transaction(connection):
        rows = [asked, *beside(new)]
        audit.keep(connection, who, "attempt requested", session_id, rows=rows, new=step.id)
    return next(a for a in attempts(connection, session_id, step.id) if a.measurement == new)


def mark(
    connection: sqlite3.Connection,
    attempt: Attempt,
    mark: str,
    answer: Mapping[str, Any],
    who: str,
    force: InForce | None = None,
    beside: Sequence[audit.Row] = (),
) -> None:
    """Believe a marker only where the answer names its place in a stream; inside the caller's transaction.

    `force`: what was in force when the attempt began, written down with it; `beside`: further rows of it.
    Raises Refused where no place is named.
    """
    stream, seq = answer.get("stream"), answer.get("seq")
    if not isinstance(stream, str) or not isinstance(seq, int):
        raise Refused(
            f"{attempt.instrument} did not say where its marker is; {attempt.step} has not {mark}. Ask again."
        )
    marked = audit.row(
        "attempt_mark", measurement=attempt.measurement, mark=mark, stream=stream, seq=seq, at=utc_now(), who=who
    )
    rows = [marked, *([] if force is None else [_row_of(attempt, force)]), *beside]
    audit.keep(connection, who, mark, attempt.measurement, rows=rows, new=f"{attempt.step} in {stream} at {seq}")


def _row_of(attempt: Attempt, force: InForce) -> audit.Row:
    return audit.row(
        "attempt_in_force", measurement=attempt.measurement, model=force.model, serial=force.serial,
        measures=force.measures, integrates=force.integrates, framing=canonical(force.plain()["framing"]),
        channel=force.channel,
    )  # fmt: skip


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
        in_force=_in_force(connection, row["measurement"]),
    )


def _in_force(connection: sqlite3.Connection, measurement: str) -> InForce | None:
    row = connection.execute("SELECT * FROM attempt_in_force WHERE measurement = ?", (measurement,)).fetchone()
    if row is None:
        return None
    framing = Framing(**{place: tuple(names) for place, names in parse(row["framing"]).items()})
    return InForce(row["model"], row["serial"], row["measures"], row["integrates"], framing, row["channel"])
