"""Alarms the store has raised: one row for what and subject, counted when it happens again."""

from __future__ import annotations

import sqlite3

from acquire.canonical import utc_now


def raise_alarm(connection: sqlite3.Connection, what: str, subject: str, message: str) -> None:
    """Note an alarm inside the transaction that found its cause."""
    now = utc_now()
    connection.execute(
        "INSERT INTO alarm (raised_at, what, subject, message, last_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (what, subject) DO UPDATE SET count = count + 1, message = excluded.message,"
        " last_at = excluded.last_at",
        (now, what, subject, message, now),
    )
