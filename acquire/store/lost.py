"""What is gone: claimed as ranges, whatever their length, so that nobody fills the disk with a claim (rule 4.5).

A range covers only seqs that were absent when it was claimed. An entry that comes after all lies inside it and counts;
a range is never deleted, only withdrawn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from acquire.store.entries import absent
from acquire.store.links import Range, hash_of_range
from acquire.store.lives import chain_at
from acquire.store.sealing import Sealing
from acquire.store.streams import Stream

NO_LONGER_HELD = "no longer held by the source"


def claim(connection: sqlite3.Connection, stream: Stream, first: int, last: int, reason: str, now: str) -> list[Range]:
    """Note as lost what is absent within first..last of a stream, and not lost already; the ranges that were made."""
    made = []
    for here, there in absent(connection, stream.number, first, last):
        for begin, end in _not_claimed(connection, stream.number, here, there):
            number = connection.execute(
                "INSERT INTO lost (stream, first, last, reason, at) VALUES (?, ?, ?, ?, ?)",
                (stream.number, begin, end, reason, now),
            ).lastrowid
            stream.claims += 1
            made.append(Range(int(number or 0), begin, end, reason, now, None))
    return made


def seal_claims(sealing: Sealing, stream: Stream, made: Iterable[Range]) -> None:
    """A seal for each range."""
    for each in made:
        sealing.add("lost", stream, each.first, number=each.number, range=hash_of_range(each))


def found(connection: sqlite3.Connection, stream: Stream, first: int, last: int, received: int) -> list[int]:
    """The seqs within first..last that came now, into a range that was lost."""
    rows = connection.execute(
        "SELECT e.seq FROM lost l JOIN entries e ON e.stream = l.stream AND e.seq BETWEEN l.first AND l.last"
        " WHERE l.stream = ? AND l.withdrawn IS NULL AND l.first <= ? AND l.last >= ? AND e.seq BETWEEN ? AND ?"
        " AND e.received = ? ORDER BY e.seq",
        (stream.number, last, first, first, last, received),
    )
    return [seq for (seq,) in rows]


def _not_claimed(connection: sqlite3.Connection, number: int, first: int, last: int) -> Iterable[tuple[int, int]]:
    begin, found = first, []
    for here, there in connection.execute(
        "SELECT first, last FROM lost WHERE stream = ? AND withdrawn IS NULL AND first <= ? AND last >= ?"
        " ORDER BY first",
        (number, last, first),
    ):
        if here > begin:
            found.append((begin, here - 1))
        begin = max(begin, there + 1)
    return [*found, (begin, last)] if begin <= last else found


def beyond(connection: sqlite3.Connection, stream: Stream) -> int:
    """How far the watermark of a stream may move over entries and ranges without a gap (rule 4.6)."""
    through = stream.through
    while True:
        moved = _over_entries(connection, stream.number, _over_range(connection, stream.number, through))
        if moved == through:
            return through
        through = moved


def _over_range(connection: sqlite3.Connection, number: int, through: int) -> int:
    row = connection.execute(
        "SELECT last FROM lost WHERE stream = ?1 AND withdrawn IS NULL AND first <= ?2 + 1 AND last > ?2"
        " ORDER BY first DESC LIMIT 1",
        (number, through),
    ).fetchone()
    return through if row is None else int(row[0])


def _over_entries(connection: sqlite3.Connection, number: int, through: int) -> int:
    there = connection.execute("SELECT 1 FROM entries WHERE stream = ? AND seq = ?", (number, through + 1)).fetchone()
    if there is None:
        return through
    (last,) = connection.execute(
        "SELECT min(e.seq) FROM entries e WHERE e.stream = ?1 AND e.seq > ?2 AND NOT EXISTS"
        " (SELECT 1 FROM entries f WHERE f.stream = ?1 AND f.seq = e.seq + 1)",
        (number, through),
    ).fetchone()
    return int(last)


def withdraw(
    connection: sqlite3.Connection, sealing: Sealing, stream: Stream, reason: str, oldest: int, now: str
) -> None:
    """Take back claims made for `reason` from seq `oldest` on; watermark and chain go back to where the first began."""
    mine = connection.execute(
        "SELECT number, first FROM lost WHERE stream = ? AND reason = ? AND withdrawn IS NULL AND last >= ?"
        " ORDER BY first",
        (stream.number, reason, oldest),
    ).fetchall()
    if not mine:
        return
    numbers = [number for number, _ in mine]
    _mark(connection, numbers, -1)
    kept = claim(connection, stream, mine[0][1], oldest - 1, reason, now)
    stream.through = min(stream.through, max(oldest, mine[0][1]) - 1)
    stream.chain = chain_at(connection, stream, stream.through)
    _mark(connection, numbers, sealing.add("withdrawn", stream, ranges=numbers))
    seal_claims(sealing, stream, kept)


def _mark(connection: sqlite3.Connection, numbers: Iterable[int], withdrawn: int) -> None:
    for number in numbers:
        connection.execute("UPDATE lost SET withdrawn = ? WHERE number = ?", (withdrawn, number))
