"""The rest of an interrupted beam: what the linac still has to give is a part of the same irradiation, never more beam.

Two people say so with a reason before it is measured; the parts are then one irradiation, and their charges are summed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.documents.plan import Step
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beam_statements import statement_row
from acquire.procedure.session.session import Session, SessionState
from acquire.store import audit


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a beam was interrupted, and who confirms that what comes is its rest."""

    reason: str
    confirmed_by: str


def may_measure(session: Session, step: Step) -> None:
    """Raises Refused for a step without markers, before the time-out, and in a session that is over."""
    if not step.has_markers:
        raise Refused(f"Step {step.id} ({step.kind}) has no markers; it is done by placing, removing or reading.")
    if session.state is SessionState.PLANNED:
        raise Refused(f"Session {session.id} has had no time-out; no marker is set before it.")
    if session.state not in (SessionState.READY, SessionState.MEASURING):
        raise Refused(f"Session {session.id} is {session.state}; nothing can be measured in it any more.")


def may_begin(connection: sqlite3.Connection, session: Session, step: Step, rest: Rest, who: str) -> None:
    """Raises Refused unless two people say, with a reason, that a beam of this session was interrupted in this step."""
    two_people("The rest of an interrupted beam is measured", who, rest.confirmed_by, rest.reason)
    may_measure(session, step)
    if step.kind != "irradiate":
        raise Refused(f"Step {step.id} is of kind '{step.kind}'; only a beam has a rest.")
    own = attempts(connection, session.id, step.id)
    if not any(a.begun and (a.beam_given or a.abandoned is None) for a in own):
        raise Refused(f"No beam of {step.id} was begun in session {session.id}: there is no rest of it.")
    if any(a.begun and not a.ended and a.abandoned is None for a in attempts(connection, session.id)):
        raise Refused(f"End what is running first; then the rest of {step.id} is measured.")
    skipped = "SELECT 1 FROM not_measured WHERE session = ? AND step = ?"
    if connection.execute(skipped, (session.id, step.id)).fetchone():
        raise Refused(f"Step {step.id} was written as not measured; its rest gives no dose.")


def row_of(session_id: str, step: Step, rest: Rest | None, who: str) -> Callable[[str], Sequence[audit.Row]]:
    """The statement that is made with the attempt, from its measurement id."""
    if rest is None:
        return lambda _: ()
    said = rest
    return lambda measurement: [
        statement_row(session_id, "rest", step.id, measurement, who, said.confirmed_by, said.reason)
    ]
