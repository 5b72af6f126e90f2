"""A withheld original that came after all takes the place of its stand-in (docs/noloss.md rule 4.2).

The stand-in says the SHA-256 of the original, so nothing else can take its place; it is kept in the table `stand_ins`.
"""

from __future__ import annotations

import sqlite3

import msgspec

from acquire.canonical import digest, parse, utc_now
from acquire.store import entries
from acquire.store.entries import Entry, Row
from acquire.store.links import of_entry, of_row
from acquire.store.lives import StandIn
from acquire.store.sealing import Sealing, hash_of
from acquire.store.streams import Stream


def stands_for(stand_in: bytes, digest: bytes) -> bool:
    """Whether this stand-in (canonical JSON) is the one of the original with this SHA-256."""
    try:
        said = parse(stand_in)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(said, dict) and said.get("sha256") == digest.hex()


def take_original(connection: sqlite3.Connection, sealing: Sealing, stream: Stream, row: Row, stand_in: Entry) -> Entry:
    """Inside the transaction that got it (rule 4.2): the stand-in is put aside, its original is the entry.

    An older program kept such an original as a conflict; it is none any more. What was told of the stream from this seq
    on is told again.
    """
    now, key = utc_now(), (row.stream, row.seq)
    number = stand_in.received if stand_in.numbered else None
    kept = StandIn(row.seq, now, stand_in.body, stand_in.reason, stand_in.received_at, number)
    connection.execute("INSERT INTO stand_ins VALUES (?, ?, ?, ?, ?, ?, ?)", (row.stream, *kept))
    entries.put_in_place(connection, row)
    found = entries.entry_at(connection, stream.stream, row.seq)
    assert found is not None
    detail = {"stand_in": kept.hash, "was": hash_of(of_entry(stand_in))}
    entry = hash_of(of_row(row, entries.micros(sealing.at)))
    n = sealing.add("original", stream, row.seq, entry=entry, **detail)
    connection.execute(
        "UPDATE conflicts SET settled = ? WHERE stream = ? AND seq = ? AND digest = ?", (n, *key, digest(row.body))
    )
    connection.execute("UPDATE told SET through = min(through, ?2 - 1) WHERE subject = ?1", (stream.stream, row.seq))
    return found
