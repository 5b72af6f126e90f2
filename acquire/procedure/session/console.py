"""Brachytherapy: what the treatment console showed, as a person entered it."""

from __future__ import annotations

import sqlite3

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.moment import has_happened
from acquire.procedure.records.selection import ConsoleTime
from acquire.store import audit
from acquire.store.database import transaction


def enter_console_time(
    connection: sqlite3.Connection, session_id: str, who: str, *, total_s: float, treated_at: str
) -> None:
    """What the console showed: total dwell time in s, and when (ISO 8601 with its offset). The newest entry counts.

    Raises Refused for a time that is not above 0, a moment without offset, or one in the future.
    """
    has_happened(treated_at)
    if not 0 < total_s < 86400:
        raise Refused(f"{total_s} s is no total dwell time; give it in seconds.")
    shown = audit.row("console_time", session=session_id, total_s=total_s, treated_at=treated_at, who=who, at=utc_now())
    with transaction(connection):
        audit.keep(connection, who, "console time", session_id, rows=[shown], new=f"{total_s:g} s at {treated_at}")


def console_time(connection: sqlite3.Connection, session_id: str) -> ConsoleTime | None:
    """The newest entry, None where there is none."""
    row = connection.execute(
        "SELECT total_s, treated_at FROM console_time WHERE session = ? ORDER BY n DESC LIMIT 1", (session_id,)
    ).fetchone()
    return ConsoleTime(total_s=row["total_s"], treated_at=row["treated_at"]) if row else None
