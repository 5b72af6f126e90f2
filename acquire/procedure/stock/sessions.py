"""Calibration sessions as the store has them: which there are, what they gave, how far they are."""

from __future__ import annotations

import sqlite3

from acquire.errors import Refused


def get_calibration(connection: sqlite3.Connection, calibration: str) -> sqlite3.Row:
    """The row of a calibration session. Raises Refused when there is none."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM element_calibration WHERE id = ?", (calibration,)
    ).fetchone()
    if row is None:
        raise Refused(f"There is no calibration {calibration} (acquire calibration list).")
    return row


def list_calibrations(connection: sqlite3.Connection) -> list[str]:
    """Ids of all calibration sessions, oldest first."""
    return [row["id"] for row in connection.execute("SELECT id FROM element_calibration ORDER BY audit_entry")]


def newest(connection: sqlite3.Connection, calibration: str) -> sqlite3.Row | None:
    """The newest version of what a calibration gave; None before it was computed."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM element_calibration_result WHERE calibration = ? ORDER BY version DESC LIMIT 1", (calibration,)
    ).fetchone()
    return row


def state_of(connection: sqlite3.Connection, calibration: str) -> str:
    """ "begun", "computed", "confirmed", "rejected" or "withdrawn"."""
    row = connection.execute(
        "SELECT mark FROM element_calibration_mark WHERE calibration = ? ORDER BY n DESC LIMIT 1", (calibration,)
    ).fetchone()
    if row is not None:
        return str(row["mark"])
    return "begun" if newest(connection, calibration) is None else "computed"


def newest_version(connection: sqlite3.Connection, calibration: str) -> int:
    last = newest(connection, calibration)
    return 0 if last is None else int(last["version"])
