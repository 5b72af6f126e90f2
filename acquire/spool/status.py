"""What a spool holds, read from its file beside a running service or without one; changes nothing.

What the tables hold is said in docs/noloss.md, section 1.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from acquire.checking import last_check
from acquire.spool import aside, originals
from acquire.spool.disk_budget import DEFAULT_LIMIT, DiskBudget
from acquire.spool.journal import SpoolError

_STREAMS = """
SELECT s.instrument, s.stream, s.head, s.oldest, s.ended, {why} AS why,
       CASE WHEN s.epoch = m.epoch THEN s.through ELSE 0 END AS through
FROM stream s JOIN meta m ORDER BY s.number
"""


def status(path: Path, *, limit: int = DEFAULT_LIMIT) -> dict[str, Any]:
    """Identity, size and `limit` in bytes, what waits for confirmation, and alarms. Raises SpoolError."""
    if not path.exists():
        raise SpoolError(f"there is no spool at {path}; `acquire run` makes one.")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            found = {"path": str(path), "running": is_running(path), "checked": last_check(path)}
            return {**found, **_identity(db), **_content(db, path, limit)}
    except sqlite3.DatabaseError as error:
        raise SpoolError(f"{path} cannot be read as a spool: {error}. `acquire spool salvage` may help.") from error


def unconfirmed(db: sqlite3.Connection) -> list[sqlite3.Row]:
    """Streams with entries that the store has not confirmed in this epoch: number, through, and how many entries."""
    return db.execute(
        "SELECT number, through, head - max(through, oldest - 1) AS entries FROM (SELECT s.number, s.head, s.oldest,"
        " CASE WHEN s.epoch = m.epoch THEN s.through ELSE 0 END AS through FROM stream s JOIN meta m)"
        " WHERE head > max(through, oldest - 1) ORDER BY number"
    ).fetchall()


def is_running(path: Path) -> bool:
    """Whether a service uses this spool now."""
    lock = path.with_name(path.name + ".lock")
    if not lock.exists():
        return False
    with lock.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _identity(db: sqlite3.Connection) -> dict[str, Any]:
    row = db.execute("SELECT * FROM meta").fetchone()
    return {key: row[key] for key in ("source", "store", "epoch", "uptime_s")}


def _content(db: sqlite3.Connection, path: Path, limit: int) -> dict[str, Any]:
    why = "s.why" if originals.known(db) else "NULL"  # a file of an older program has neither
    streams = [dict(row) for row in db.execute(_STREAMS.format(why=why))]
    waiting = [s for s in streams if s["through"] < s["head"]]
    return {
        "used_bytes": DiskBudget(path).used(db),
        "limit_bytes": limit,
        "streams": len(streams),
        "entries": sum(s["head"] - s["oldest"] + 1 for s in streams),
        "unconfirmed": sum(s["head"] - max(s["through"], s["oldest"] - 1) for s in waiting),
        "waiting": waiting,
        "withheld": originals.listed(db),
        "aside": _aside(db),
        "alarms": _alarms(db),
    }


def _aside(db: sqlite3.Connection) -> list[dict[str, Any]]:
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'aside'").fetchone() is None:
        return []
    (epoch,) = db.execute("SELECT epoch FROM meta").fetchone()
    return [dict(row) for row in aside.listed(db, epoch)]


def _alarms(db: sqlite3.Connection) -> list[dict[str, Any]]:
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alarm'").fetchone() is None:  # an older program's file
        return []
    return [
        dict(row) for row in db.execute("SELECT what, subject, message, count, last_at FROM alarm ORDER BY last_at")
    ]
