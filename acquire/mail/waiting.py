"""How long a notice has waited: by the machine's monotonic clock, over restarts of the service too.

The time of day counts only for what passed while the machine was off, and never backwards: a clock that is set can make
a stand-in be told early, and never late by more than a minute.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

WRITTEN_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Now:
    """The boot of the machine, its monotonic clock in s, and the time of day (UTC)."""

    boot: str
    boot_s: float
    at: datetime


def waited_s(connection: sqlite3.Connection, notice: int, now: Now) -> float:
    """Seconds since the service first saw a notice, inside the caller's transaction; written down now and then."""
    row = connection.execute("SELECT * FROM notice_waiting WHERE notice = ?", (notice,)).fetchone()
    if row is None:
        _write(connection, notice, 0.0, now)
        return 0.0
    passed = _passed_s(row, now)
    total = float(row["waited_s"]) + passed
    if passed >= WRITTEN_EVERY_S or row["boot"] != now.boot:
        _write(connection, notice, total, now)
    return total


def _passed_s(row: sqlite3.Row, now: Now) -> float:
    if row["boot"] == now.boot:
        return max(0.0, now.boot_s - float(row["boot_s"]))
    return max(0.0, (now.at - datetime.fromisoformat(row["at"])).total_seconds())


def _write(connection: sqlite3.Connection, notice: int, total_s: float, now: Now) -> None:
    connection.execute(
        "INSERT INTO notice_waiting VALUES (?, ?, ?, ?, ?) ON CONFLICT (notice) DO UPDATE SET"
        " waited_s = excluded.waited_s, boot = excluded.boot, boot_s = excluded.boot_s, at = excluded.at",
        (notice, total_s, now.boot, now.boot_s, now.at.isoformat()),
    )
