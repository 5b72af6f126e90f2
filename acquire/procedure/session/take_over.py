"""Who took a session over in its middle, from whom and why; each step names its person anyway."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.people import same_person
from acquire.procedure.session.session import Session, SessionState
from acquire.store import audit
from acquire.store.database import transaction


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Who took a session over from whom, and why."""

    from_whom: str
    reason: str
    who: str
    at: str


def take_over(connection: sqlite3.Connection, session: Session, who: str, reason: str) -> TakenOver:
    """Somebody goes on with a session. Raises Refused without a reason, for whoever has it, where it is over."""
    if session.state in (SessionState.CALCULATED, SessionState.CANCELLED):
        raise Refused(f"Session {session.id} is {session.state}; there is nothing to take over.")
    before = taken_over(connection, session.id)
    has_it = before[-1].who if before else session.started_by
    if same_person(has_it, who):
        raise Refused(f"{has_it} has session {session.id} already.")
    if not reason.strip():
        raise Refused("Say why the session is taken over.")
    found = TakenOver(has_it, reason, who, utc_now())
    made = audit.row("taken_over", session=session.id, **asdict(found))
    with transaction(connection):
        audit.keep(connection, who, "taken over", session.id, rows=[made], new=f"from {has_it}", reason=reason)
    return found


def taken_over(connection: sqlite3.Connection, session_id: str) -> list[TakenOver]:
    """Who took a session over, oldest first."""
    rows = connection.execute(
        "SELECT from_whom, reason, who, at FROM taken_over WHERE session = ? ORDER BY n", (session_id,)
    )
    return [TakenOver(**dict(row)) for row in rows]
