"""A withheld original that came after all takes the place of its stand-in (docs/noloss.md rule 4.2).

The stand-in says the SHA-256 of the original, so nothing else can take its place; it is kept in the table `stand_in`.
"""

from __future__ import annotations

import sqlite3

import msgspec

from acquire.canonical import parse
from acquire.rows import insert_rows
from acquire.store.judge import Row


def stands_for(stand_in: bytes, digest: bytes) -> bool:
    """Whether this stand-in (canonical JSON) is the one of the original with this SHA-256."""
    try:
        said = parse(stand_in)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(said, dict) and said.get("sha256") == digest.hex()


def take_original(connection: sqlite3.Connection, row: Row) -> None:
    """Inside the transaction that got it (rule 4.2): the stand-in is put aside, its original is the entry.

    An older program kept such an original as a conflict; it is none any more. What was told of the stream from this seq
    on is told again.
    """
    key = (row.stream, row.seq)
    connection.execute(
        "INSERT INTO stand_in SELECT stream, seq, body, digest, reason, received_at, ?3 FROM entry"
        " WHERE stream = ?1 AND seq = ?2 ON CONFLICT DO NOTHING",
        (*key, row.received_at),
    )
    connection.execute("DELETE FROM entry WHERE stream = ? AND seq = ?", key)
    insert_rows(connection, "entry", [row])
    connection.execute("DELETE FROM conflict WHERE stream = ? AND seq = ? AND digest = ?", (*key, row.digest))
    connection.execute("UPDATE told SET through = min(through, ?2 - 1) WHERE subject = ?1", key)
