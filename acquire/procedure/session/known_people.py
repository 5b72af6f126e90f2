"""Whether everybody who made a session is known: nothing can be signed or charged where a name was only typed."""

from __future__ import annotations

import sqlite3

from acquire.procedure.session.session import Session
from acquire.store import audit


def not_known(connection: sqlite3.Connection, session: Session) -> str | None:
    """Why nobody can say who made this session and its plan, in a sentence; None where all of them had logged in.

    From the first account on nothing is written without a log-in, so that what came after it, by the audit trail, is by
    people who are known.
    """
    first = connection.execute("SELECT min(audit_entry) FROM account").fetchone()[0]
    if first is None:
        return "People were not authenticated: this store has no accounts, and every name in it was typed."
    made = audit.entries_of_rows(connection, [session.id, session.order_id])
    of = {"the session": ("session", (session.id,)), "its plan": ("plan", (session.order_id, session.plan.version))}
    typed = [name for name, key in of.items() if made.get(key, 0) < first]
    if not typed:
        return None
    return f"People were not authenticated: {' and '.join(typed)} came in before the store had accounts."
