"""Entries whose key was taken: the same again, what was lost and is found, an original, or a conflict (rule 4.2)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple

from acquire.canonical import digest, utc_now
from acquire.store import entries
from acquire.store.alarms import raise_alarm
from acquire.store.entries import KIND, KINDS, REFUSED, Entry, Row
from acquire.store.originals import stands_for, take_original
from acquire.store.sealing import Sealing, hash_of
from acquire.store.streams import Stream

# What the database may refuse because of the entry itself.
ENTRYS_OWN = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, UnicodeError, OverflowError)
WITHHELD = KIND["withheld"]


class Inserted(NamedTuple):
    """How many entries are new, and whether every row given is one of them, as it was given."""

    new: int
    exactly: bool


def insert_rows(
    connection: sqlite3.Connection,
    sealing: Sealing,
    rows: list[Row],
    known: Mapping[str, Stream],
    originals: dict[str, int],
) -> Inserted:
    """Insert what is new; look closer only where a key was already taken.

    `originals` is told the lowest seq of each stream whose stand-in gave way to its original.
    """
    before, as_given = connection.total_changes, True
    try:
        entries.insert(connection, rows)
    except ENTRYS_OWN:  # those before it are in; inserting them again changes nothing
        rows, as_given = [_insert_alone(connection, row) for row in rows], False
    new = connection.total_changes - before
    if new == len(rows):
        return Inserted(new, as_given)
    by_number = {stream.number: stream for stream in known.values()}
    for number, of_stream in groupby(sorted(rows, key=_key), key=_number):
        new += _compare_all(connection, sealing, by_number[number], list(of_stream), originals)
    return Inserted(new, False)


def _key(row: Row) -> tuple[int, int]:
    return row.stream, row.seq


def _number(row: Row) -> int:
    return row.stream


def _insert_alone(connection: sqlite3.Connection, row: Row) -> Row:
    """Rule 3: an entry that the database refuses by itself is refused, with its body; the others are not."""
    try:
        entries.insert(connection, [row])
    except ENTRYS_OWN as error:
        why = f"the database refused it: {error}"[:300]
        row = row._replace(kind=KIND["invalid"], status=REFUSED, reason=why, element=None, measurement=None)
        entries.insert(connection, [row])
    return row


def _compare_all(
    connection: sqlite3.Connection, sealing: Sealing, stream: Stream, rows: list[Row], originals: dict[str, int]
) -> int:
    """How many were originals of stand-ins that were there."""
    held = {entry.seq: entry for entry in entries.between(connection, stream.stream, rows[0].seq, rows[-1].seq)}
    count = 0
    for row in rows:
        if held[row.seq].body != row.body:
            taken = _compare(connection, sealing, stream, row, held[row.seq])
            if taken is not None:
                held[row.seq] = taken
                originals[stream.stream] = min(row.seq, originals.get(stream.stream, row.seq))
                count += 1
    return count


def _compare(connection: sqlite3.Connection, sealing: Sealing, stream: Stream, row: Row, held: Entry) -> Entry | None:
    """Rule 2 for a key that was taken, by this insert or an earlier one, with another content.

    Returns the entry where it is the original of the stand-in that was there.
    """
    if held.kind == KINDS[WITHHELD] and stands_for(held.body, digest(row.body)):
        return take_original(connection, sealing, stream, row, held)
    if row.kind == WITHHELD:  # the stand-in of an original that is here: nothing to keep
        return None
    content, now = digest(row.body), utc_now()
    new = connection.execute(
        "INSERT INTO conflicts VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
        (row.stream, row.seq, content, row.body, now),
    ).rowcount
    if new:
        sealing.add("conflict", stream, row.seq, row=hash_of(row.seq, content.hex(), now, row.body))
    if held.kind != KINDS[WITHHELD]:
        text = f"Entry {row.seq} of stream {stream.stream} came with two contents."
        raise_alarm(connection, "conflict", stream.stream, text)
    return None
