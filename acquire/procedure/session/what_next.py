"""Why a session has no results yet, and what comes next: for whoever asks in mid-session and would see nothing."""

from __future__ import annotations

import sqlite3

from acquire.procedure.session.progress import next_step
from acquire.procedure.session.session import Session, SessionState


def no_results_yet(connection: sqlite3.Connection, session: Session) -> str:
    """One or two sentences; of a session whose points have no stored result."""
    match session.state:
        case SessionState.CANCELLED:
            return f"Session {session.id} was cancelled{_reason(connection, session)}; it has no results."
        case SessionState.MEASURED | SessionState.CALCULATED:
            return (
                f"Session {session.id} is closed and its results are not calculated yet: acquire results {session.id}"
                " --calculate --by ROLE."
            )
        case SessionState.PLANNED:
            return (
                f"Session {session.id} has no results: it waits for its time-out (acquire session time-out), and"
                " results are calculated once it is closed."
            )
    turn = next_step(connection, session)
    next_one = (
        "everything is settled; close it (acquire session close)"
        if turn is None
        else f"step {turn.step.id} ({turn.step.kind}) is {'running' if turn.progress == 'running' else 'next'}"
    )
    return (
        f"Session {session.id} is {session.state}: results are calculated once it is closed. Now {next_one}; acquire"
        f" session status {session.id} tells the rest."
    )


def _reason(connection: sqlite3.Connection, session: Session) -> str:
    row = connection.execute(
        "SELECT reason FROM session_state WHERE session = ? ORDER BY n DESC LIMIT 1", (session.id,)
    ).fetchone()
    return f" ({row['reason'].rstrip('.')})" if row["reason"] else ""
