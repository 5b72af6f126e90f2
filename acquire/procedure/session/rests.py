"""The rest of an interrupted beam: what the linac still has to give is a part of the same irradiation, never more beam.

Two people say so with a reason before it is measured, in the session in which the beam began or in another one of the
same patient and fraction: another room, another plan or order. Of one session the charges are summed, of several the
doses, each part with its own detector, factors and leakage.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.documents.plan import Step
from acquire.procedure.session import input_stops
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.beam_statements import statement_row
from acquire.procedure.session.beams_given import may_have_given
from acquire.procedure.session.rest_elsewhere import beam_in, same_fraction
from acquire.procedure.session.session import Session, SessionState
from acquire.store import audit


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a beam was interrupted, and who confirms that what comes is its rest; of: the session in which it began."""

    reason: str
    confirmed_by: str
    of: str | None = None


def may_measure(session: Session, step: Step) -> None:
    """Raises Refused for a step without markers, before the time-out, and in a session that is over."""
    if not step.has_markers:
        raise Refused(f"Step {step.id} ({step.kind}) has no markers; it is done by placing, removing or reading.")
    if session.state is SessionState.PLANNED:
        raise Refused(f"Session {session.id} has had no time-out; no marker is set before it.")
    if session.state not in (SessionState.READY, SessionState.MEASURING):
        raise Refused(f"Session {session.id} is {session.state}; nothing can be measured in it any more.")


def may_begin(connection: sqlite3.Connection, session: Session, step: Step, rest: Rest, who: str) -> str | None:
    """Raises Refused unless two people say, with a reason, that a beam was interrupted whose rest is this step's.

    Returns the step in which it began, where that was in another session.
    """
    two_people("The rest of an interrupted beam is measured", who, rest.confirmed_by, rest.reason)
    may_measure(session, step)
    if step.kind != "irradiate":
        raise Refused(f"Step {step.id} is of kind '{step.kind}'; only a beam has a rest.")
    elsewhere = rest.of is not None and rest.of != session.id
    began = _began_elsewhere(connection, session, step, rest.of or "") if elsewhere else None
    own = attempts(connection, session.id, step.id)
    if began is None and not any(may_have_given(connection, session.id, a) for a in own):
        raise Refused(
            f"No beam of {step.id} was begun in session {session.id}: there is no rest of it. Where it began in another"
            " session, say which (--rest-of SESSION)."
        )
    if any(a.begun and not a.ended and a.abandoned is None for a in attempts(connection, session.id)):
        raise Refused(f"End what is running first; then the rest of {step.id} is measured.")
    skipped = "SELECT 1 FROM not_measured WHERE session = ? AND step = ?"
    if connection.execute(skipped, (session.id, step.id)).fetchone():
        raise Refused(f"Step {step.id} was written as not measured; its rest gives no dose.")
    if began is not None:
        input_stops.must_hold(connection, session, step)
    return began


def row_of(
    session_id: str, step: Step, rest: Rest | None, who: str, began: str | None = None
) -> Callable[[str], Sequence[audit.Row]]:
    """The statement that is made with the attempt, from its measurement id."""
    if rest is None:
        return lambda _: ()
    said, of = rest, (rest.of or "", began) if began is not None else None
    return lambda measurement: [
        statement_row(session_id, "rest", step.id, measurement, who, said.confirmed_by, said.reason, of)
    ]


def _began_elsewhere(connection: sqlite3.Connection, session: Session, step: Step, began_in: str) -> str:
    """The step of the other session in which the beam began. Raises Refused."""
    if attempts(connection, session.id, step.id):
        raise Refused(f"{step.id} was begun in session {session.id} already: its rest is measured without --rest-of.")
    first = same_fraction(connection, session.order_id, session.plan, session.fraction, began_in)
    found = beam_in(connection, began_in, first, session.plan, step)
    if found is None:
        raise Refused(f"No beam of {step.id} was begun in session {began_in}: there is no rest of it.")
    if running := next((a for a in attempts(connection, began_in, found) if _is_running(a)), None):
        raise Refused(f"{running.step} of session {began_in} is running still; end it there first.")
    return found


def _is_running(attempt: Attempt) -> bool:
    return attempt.begun and not attempt.ended and attempt.abandoned is None
