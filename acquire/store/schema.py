"""Whether the file is the one this program made: its tables, triggers and indexes, and what SQLite itself finds.

A trigger that was dropped let rows be changed; an index that was emptied hides rows from whoever asks through it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache

from acquire.store.database import migrate

MOST_FAULTS = 20
_COMMENT = re.compile(r"--[^\n]*")

Made = Mapping[tuple[str, str, str], str]  # (table, type, name): SQL without comments and blanks


def verify_schema(connection: sqlite3.Connection) -> Iterator[str]:
    """Held against a new, empty store of this program: what is missing, what is otherwise, what is there besides."""
    wanted, found = _new(), _made(connection)
    for (table, kind, name), sql in wanted.items():
        if (table, kind, name) not in found:
            lets = "; its rows could be changed or taken out since" if kind == "trigger" else ""
            yield f"The {kind} {name} of table {table} was dropped{lets}."
        elif found[table, kind, name] != sql:
            yield f"The {kind} {name} of table {table} is not as this program makes it: it was replaced."
    for table, kind, name in found.keys() - wanted.keys():
        yield f"The {kind} {name} of table {table} is none of this program: it was added."


def verify_file(connection: sqlite3.Connection, tables: Iterable[str] | None = None) -> Iterator[str]:
    """SQLite's integrity check with its indexes, of the whole file or of some tables."""
    asked = ["PRAGMA integrity_check"] if tables is None else [f'PRAGMA integrity_check("{each}")' for each in tables]
    found = 0
    for each in asked:
        for (said,) in connection.execute(each):
            if said != "ok" and (found := found + 1) <= MOST_FAULTS:
                yield f"The store's file does not pass SQLite's own check: {said.strip().replace(chr(10), ', ')}."


INDEXES = (  # of entries: which ones each knows, and what finds one in it
    ("entries_measurement", "measurement", "i.measurement = e.measurement"),
    ("entries_element", "element", "i.element = e.element"),
    ("entries_of_elements", "element", "i.element IS NOT NULL AND i.received = e.received"),
)
LOOKED_THROUGH = 50_000  # entries of a stream: a longer one is an electrometer's, and has no elements to look for


def verify_indexes(connection: sqlite3.Connection, of: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[str]:
    """Whether the indexes know every entry of some streams that they must know: those of markers and of elements.

    Of a long stream no more than these runs of seqs are looked at.
    The entries are walked by their key (the + keeps SQLite from asking the index of itself).
    """
    for index, column, finds in INDEXES:
        asked = (
            f"SELECT seq FROM entries e WHERE stream = (SELECT number FROM streams NOT INDEXED WHERE stream = ?)"
            f" AND +{column} IS NOT NULL AND seq BETWEEN ? AND ?"
            f" AND NOT EXISTS (SELECT 1 FROM entries i INDEXED BY {index}"
            f" WHERE {finds} AND i.rowid = e.rowid) ORDER BY seq LIMIT 1"
        )
        for stream, first, last in _looked_at(connection, of):
            for (seq,) in connection.execute(asked, (stream, first, last)):
                yield f"The index {index} does not know entry {seq} of stream {stream}: it was emptied."


def _looked_at(
    connection: sqlite3.Connection, of: Mapping[str, Sequence[tuple[int, int]]]
) -> Iterator[tuple[str, int, int]]:
    for stream, windows in of.items():
        row = connection.execute("SELECT through FROM streams WHERE stream = ?", (stream,)).fetchone()
        whole = row is not None and row[0] <= LOOKED_THROUGH
        yield from ((stream, *each) for each in ([(0, LOOKED_THROUGH)] if whole else windows))


@cache
def _new() -> Made:
    """Made once: it is the same while a program runs, and takes as long as verifying all else of a small store."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        empty.row_factory = sqlite3.Row
        migrate(empty)
        return _made(empty)


def _made(connection: sqlite3.Connection) -> Made:
    """Without what SQLite makes by itself (statistics, indexes of keys)."""
    rows = connection.execute(
        "SELECT tbl_name, type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return {
        (row["tbl_name"], row["type"], row["name"]): "".join(_COMMENT.sub("", row["sql"] or "").split()) for row in rows
    }
