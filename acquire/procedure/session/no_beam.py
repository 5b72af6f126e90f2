"""The way back where a beam counts as given that never was: two people say so, and the signal must not contradict."""

from __future__ import annotations

import sqlite3

from acquire.errors import Refused
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beam_statements import statement_row
from acquire.procedure.session.beams_given import shown_by_signal
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.database import transaction


def state_no_beam(
    connection: sqlite3.Connection, session: Session, step_id: str, who: str, confirmed_by: str, reason: str
) -> None:
    """No beam was given in a step, as the linac's own record shows: its port may be irradiated in this fraction.

    Raises Refused for one person twice, no reason, a step that gives no beam, one that is running, or readings that
    show a beam.
    """
    step = session.plan.step_named(step_id)
    row = statement_row(session.id, "no-beam", step.id, step.id, who, confirmed_by, reason)
    if step.kind not in ("irradiate", "place"):
        raise Refused(f"Step {step.id} is of kind '{step.kind}': no beam belongs to it.")
    own = attempts(connection, session.id, step.id)
    if any(a.begun and not a.ended and a.abandoned is None for a in own):
        raise Refused(f"{step.id} is running; end it or abandon it first.")
    if said := next((s for a in own if a.begun and (s := shown_by_signal(connection, session.id, a))), None):
        raise Refused(
            f"The signal does not agree that no beam was given in {step.id}: it has an attempt {said}. Say first what"
            " that was (acquire session assign-parts)."
        )
    with transaction(connection):
        new = f"{step.id}, confirmed by {confirmed_by}"
        audit.keep(connection, who, "no beam given", session.id, rows=[row], new=new, reason=reason)
