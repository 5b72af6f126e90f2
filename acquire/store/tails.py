"""Streams whose tail nobody knows: shown as such, and ended by a person's word where the source will not come back.

docs/noloss.md rule 4.9 and section 6, "spool lost".
"""

from __future__ import annotations

import sqlite3

from acquire.canonical import utc_now

DECLARED = "declared"
DECLARED_LOST = "its stream was declared ended"
SILENT_S = 60.0
READY_ENDS = ("closed", "link-lost", "crash", "spool-full")


class NotDeclared(Exception):
    """The stream was left as it is: one plain sentence."""


def completeness(connection: sqlite3.Connection, stream: str) -> str:
    """Rule 4.9: "complete", "damaged", "incomplete", "open", "unknown tail" or "declared ended"."""
    row = connection.execute(
        "SELECT *, (julianday('now') - julianday(last_heard)) * 86400.0 > ?2 AS silent,"
        " EXISTS (SELECT 1 FROM entry e WHERE e.stream = s.stream AND e.status = 'lost') OR"
        " EXISTS (SELECT 1 FROM conflict c WHERE c.stream = s.stream) AS doubtful"
        " FROM stream s WHERE stream = ?1",
        (stream, SILENT_S),
    ).fetchone()
    if row["ended"] == DECLARED:
        return "declared ended"
    if row["ended"] is None:
        return "unknown tail" if row["silent"] else "open"
    if row["doubtful"]:
        return "damaged"
    whole = row["ended"] in READY_ENDS and row["final"] == row["head"] == row["through"]
    return "complete" if whole else "incomplete"


def declare_ended(connection: sqlite3.Connection, stream: str) -> dict[str, object]:
    """Inside the caller's transaction: end a stream whose source is lost (docs/noloss.md section 6). What is missing
    below its head is `lost`.

    Raises NotDeclared when there is no such stream, it has ended, or it was heard within the last minute.
    """
    row = connection.execute("SELECT * FROM stream WHERE stream = ?", (stream,)).fetchone()
    if row is None:
        raise NotDeclared(f"There is no stream {stream} in this store.")
    if row["ended"] is not None:
        raise NotDeclared(f"Stream {stream} has ended already: {row['ended']}.")
    if completeness(connection, stream) == "open":
        raise NotDeclared(f"Stream {stream} was heard less than {SILENT_S:.0f} s ago; its source is not lost.")
    before = connection.total_changes
    connection.execute(
        "WITH RECURSIVE n(seq) AS (SELECT ?2 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?3)"
        " INSERT INTO entry SELECT ?1, seq, 'lost', 'lost', ?5, x'', x'', NULL, NULL, ?4"
        " FROM n WHERE seq <= ?3 ON CONFLICT (stream, seq) DO NOTHING",
        (stream, row["through"] + 1, row["head"], utc_now(), DECLARED_LOST),
    )
    lost = connection.total_changes - before
    connection.execute("UPDATE stream SET through = head, ended = ?, final = head WHERE stream = ?", (DECLARED, stream))
    return {"stream": stream, "instrument": row["instrument"], "through": row["head"], "lost": lost}


def withdraw(connection: sqlite3.Connection, stream: str, oldest: int, through: int) -> int:
    """The source of a stream declared ended is there after all: what it still holds is not lost. Returns through.

    It has not been told of the declaration, since this is done before it is answered.
    """
    mine = (stream, DECLARED_LOST, oldest)
    where = "stream = ? AND status = 'lost' AND reason = ? AND seq >= ?"
    (first,) = connection.execute(f"SELECT min(seq) FROM entry WHERE {where}", mine).fetchone()
    connection.execute(f"DELETE FROM entry WHERE {where}", mine)
    return through if first is None else int(first) - 1
