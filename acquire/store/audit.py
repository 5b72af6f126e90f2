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

from acquire.canonical import canonical, parse, utc_now
from acquire.printable import must_be_seen
from acquire.store.canonical_rows import Key, readable, shape
from acquire.store.made import last_received
from acquire.store.present import must_be_here
from acquire.store.record_tables import PEOPLE

FIRST = "0" * 64
ON_UPGRADE = "sealed on upgrade"
Entry = Mapping[str, Any]  # an entry's columns, its texts as text
_SAID = ("n", "at", "who", "what", "subject", "old", "new", "reason", "previous")
_COLUMNS = (*_SAID, "rows", "hash")


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

    Raises sqlite3.ProgrammingError outside of a transaction: then one could be there without the other; Refused for a
    text in which a character is hidden (what a person states is what others read), and, where the store has accounts,
    for a person or a second person who did not show who they are.
    """
    must_be_seen(who=who, what=what, subject=subject, old_value=old, new_value=new, reason=reason)
    second = (each.values.get("confirmed_by") for each in rows)
    must_be_here(connection, [who, *(str(each) for each in second if each is not None)])
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
    previous, expected = FIRST, 1
    for entry, is_text in _entries(connection):
        n, hash_ = entry["n"], entry["hash"]
        if n == expected and entry["previous"] == previous and is_text and seal(entry) == hash_:
            yield entry, []
        else:
            yield entry, list(_wrong(entry, previous, expected, is_text=is_text))
        previous, expected = hash_, n + 1


def _entries(connection: sqlite3.Connection) -> Iterator[tuple[Entry, bool]]:
    """Each entry, and whether what should be text is; a text that is none is made readable.

    Python reads texts at once, but gives up at one that is no UTF-8, which no program writes: from there on bytes.
    """
    after = -(2**63)
    cursor = connection.cursor()
    cursor.row_factory = None
    try:
        for row in cursor.execute(f"SELECT {', '.join(_COLUMNS)} FROM audit ORDER BY n"):
            yield dict(zip(_COLUMNS, row, strict=True)), True
            after = row[0]
    except sqlite3.OperationalError:
        shaped = shape(connection, "audit")
        for fetched in connection.execute(f"{shaped.select} WHERE n > ? ORDER BY n", (after,)):
            entry = {name: readable(fetched[name]) for name in _COLUMNS}
            yield entry, all(v.encode() == fetched[k] for k, v in entry.items() if isinstance(v, str))


def entries_of_rows(connection: sqlite3.Connection, subjects: Iterable[str]) -> dict[tuple[str, Key], int]:
    """The number of the entry with which each row was made, by table and key, among the entries about some subjects.

    The numbers order what people did, and no clock does. Of what releases before schema 13 wrote there is none: its
    rows were sealed together, when the store was upgraded.
    """
    written = "SELECT n, rows FROM audit WHERE subject = ? AND rows NOT NULL AND what <> ?"
    found: dict[tuple[str, Key], int] = {}
    for subject in subjects:
        for n, rows in connection.execute(written, (subject, ON_UPGRADE)):
            found |= {(table, tuple(key)): int(n) for table, key, _ in parse(rows.encode())}
    return found


def verify(connection: sqlite3.Connection) -> list[str]:
    """Walk the chain from its beginning; one sentence for each thing that does not hold."""
    return [sentence for _, wrong in walk(connection) for sentence in wrong]


def seal(entry: Entry) -> str:
    """The hash of an entry, in hexadecimal.

    Entries of releases before schema 13 name no rows and say nothing of them.
    """
    said = {**entry}
    said.pop("hash", None)
    if said["rows"] is None:
        del said["rows"]
    return hashlib.sha256(canonical(said)).hexdigest()


def _wrong(entry: Entry, previous: str, expected: int, *, is_text: bool) -> Iterator[str]:
    n = entry["n"]
    if n != expected:
        yield f"Audit entry {expected} is missing; the next one is {n}."
    if entry["previous"] != previous:
        yield f"Audit entry {n} does not follow the one before it: one of the two was recomputed or put in."
    if not is_text or seal(entry) != entry["hash"]:
        yield f"Audit entry {n} was changed after it was written."


def _insert(connection: sqlite3.Connection, new: Row) -> Sealed:
    """The row is read back: what is sealed is what the table holds. It says after which receipt of readings it is made,
    unless the caller does (a correction is of when the first one was made), and the entry that tells of it, where that
    orders the table's rows.
    """
    if new.table not in PEOPLE:
        raise ValueError(f"{new.table} is no table of what people make")
    of, values = shape(connection, new.table), {"made_after": last_received(connection), **new.values}
    if ("audit_entry", "INTEGER") in of.columns:
        values["audit_entry"] = head(connection)[0] + 1
    made = f"{_insertion(new.table, values)} RETURNING {', '.join(of.key)}"
    (key,) = connection.execute(made, [*values.values()]).fetchall()
    found = connection.execute(of.by_key, tuple(key)).fetchone()
    return new.table, of.key_of(found), of.digest(found)


def _insertion(table: str, values: Mapping[str, object]) -> str:
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
