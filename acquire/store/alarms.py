"""Alarms the store has raised: one row for what and subject, counted when it happens again, and a bound for the rows.

Subjects are streams, instruments and topics, which whoever may write on the bus can make up. So one kind of alarm has
so many rows and the table so many, and what comes on top is counted in one row: under the subject "more" of its kind,
or as "more alarms". No count is lost.
"""

from __future__ import annotations

import sqlite3

from acquire.canonical import utc_now

MOST, MOST_OF_KIND = 5000, 1000  # rows
MORE = "more"


def raise_alarm(connection: sqlite3.Connection, what: str, subject: str, message: str) -> None:
    """Note an alarm inside the transaction that found its cause."""
    now = utc_now()
    what, subject = _place(connection, what, subject)
    connection.execute(
        "INSERT INTO alarm (raised_at, what, subject, message, last_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (what, subject) DO UPDATE SET count = count + 1, message = excluded.message,"
        " last_at = excluded.last_at",
        (now, what, subject, message, now),
    )


def raised(connection: sqlite3.Connection) -> dict[str, int]:
    """How often each kind of alarm was raised since the store was made."""
    return dict(connection.execute("SELECT what, sum(count) FROM alarm GROUP BY what").fetchall())


def _place(connection: sqlite3.Connection, what: str, subject: str) -> tuple[str, str]:
    """The key of its row: its own where there is room or it was there before."""
    here = connection.execute("SELECT 1 FROM alarm WHERE what = ? AND subject = ?", (what, subject)).fetchone()
    if here is not None:
        return what, subject
    (of_kind,) = connection.execute("SELECT count(*) FROM alarm WHERE what = ?", (what,)).fetchone()
    (of_all,) = connection.execute("SELECT count(*) FROM alarm").fetchone()
    if of_all >= MOST:
        return "more alarms", MORE
    return (what, subject) if of_kind < MOST_OF_KIND else (what, MORE)
