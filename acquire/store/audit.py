"""The audit trail: append-only, each entry sealed with the SHA-256 of the one before it and of the rows made with it.

Rows that people make are written by `keep` and by nothing else: row and audit entry go in together, and the entry names
each row by table and key with the SHA-256 of its canonical form (acquire.store.canonical_rows). So the trail shows that
a row was changed, added or taken out, and the chain that an entry was. Entries taken off the end together with their
rows, and a chain made anew from its beginning, show against an anchor alone (acquire.store.anchors).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acquire.canonical import canonical, utc_now
from acquire.store.canonical_rows import Key, readable, shape
from acquire.store.record_tables import PEOPLE

FIRST = "0" * 64
Entry = Mapping[str, Any]  # an entry's columns, its texts as text
_SAID = ("n", "at", "who", "what", "subject", "old", "new", "reason", "previous")


@dataclass(frozen=True, slots=True)
class Row:
    """A row to be made: a table, and its columns by name. A number that is the whole key may be left to the table."""

    table: str
    values: Mapping[str, object]


def row(table: str, **values: object) -> Row:
    """A row to be made, its columns as keywords."""
    return Row(table, values)


def keep(
    connection: sqlite3.Connection,
    who: str,
    what: str,
    subject: str,
    *,
    rows: Sequence[Row] = (),
    old: str | None = None,
    new: str | None = None,
    reason: str | None = None,
) -> list[Key]:
    """Make rows and the audit entry that tells of them, inside the caller's transaction; returns the rows' keys.

    Raises sqlite3.ProgrammingError outside of a transaction: then one could be there without the other.
    """
    if not connection.in_transaction:
        raise sqlite3.ProgrammingError("rows and their audit entry are written inside one transaction")
    made = [_insert(connection, each) for each in rows]
    append(connection, who, what, subject, made, old=old, new=new, reason=reason)
    return [key for _, key, _ in made]


Sealed = tuple[str, Key, str]  # table, key, SHA-256 of the canonical row


def append(
    connection: sqlite3.Connection,
    who: str,
    what: str,
    subject: str,
    rows: Iterable[Sealed],
    *,
    old: str | None = None,
    new: str | None = None,
    reason: str | None = None,
) -> None:
    """Write the entry of rows that are there already; `keep` writes both."""
    last, previous = head(connection)
    entry: dict[str, Any] = {
        "n": last + 1, "at": utc_now(), "who": who, "what": what, "subject": subject, "old": old, "new": new,
        "reason": reason, "previous": previous, "rows": canonical(list(rows)).decode(),
    }  # fmt: skip
    entry["hash"] = seal(entry)
    connection.execute(_insertion("audit", entry), [*entry.values()])


def head(connection: sqlite3.Connection) -> tuple[int, str]:
    """Number and hash of the newest entry; (0, sixty-four zeros) when there is none."""
    last = connection.execute("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    return (int(last["n"]), str(last["hash"])) if last else (0, FIRST)


def walk(connection: sqlite3.Connection) -> Iterator[tuple[Entry, list[str]]]:
    """Every entry in order, each with one sentence for each thing that does not hold of it."""
    shaped = shape(connection, "audit")
    previous, expected = FIRST, 1
    for fetched in connection.execute(f"{shaped.select} ORDER BY n"):
        entry = {name: readable(fetched[name]) for name, _ in shaped.columns}
        yield entry, list(_wrong(fetched, entry, previous, expected))
        previous, expected = entry["hash"], entry["n"] + 1


def verify(connection: sqlite3.Connection) -> list[str]:
    """Walk the chain from its beginning; one sentence for each thing that does not hold."""
    return [sentence for _, wrong in walk(connection) for sentence in wrong]


def seal(entry: Entry) -> str:
    """The hash of an entry, in hexadecimal.

    Entries of releases before schema 13 name no rows and say nothing of them.
    """
    said = {name: entry[name] for name in _SAID}
    if entry["rows"] is not None:
        said["rows"] = entry["rows"]
    return hashlib.sha256(canonical(said)).hexdigest()


def _wrong(fetched: sqlite3.Row, entry: Entry, previous: str, expected: int) -> Iterator[str]:
    n = entry["n"]
    if n != expected:
        yield f"Audit entry {expected} is missing; the next one is {n}."
    if entry["previous"] != previous:
        yield f"Audit entry {n} does not follow the one before it: one of the two was recomputed or put in."
    as_said = all(entry[name].encode() == fetched[name] for name in entry if isinstance(entry[name], str))
    if not as_said or seal(entry) != entry["hash"]:
        yield f"Audit entry {n} was changed after it was written."


def _insert(connection: sqlite3.Connection, new: Row) -> Sealed:
    """The row is read back: what is sealed is what the table holds."""
    if new.table not in PEOPLE:
        raise ValueError(f"{new.table} is no table of what people make")
    of = shape(connection, new.table)
    made = f"{_insertion(new.table, new.values)} RETURNING {', '.join(of.key)}"
    (key,) = connection.execute(made, [*new.values.values()]).fetchall()
    found = connection.execute(of.by_key, tuple(key)).fetchone()
    return new.table, of.key_of(found), of.digest(found)


def _insertion(table: str, values: Mapping[str, object]) -> str:
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
