"""The rows of entries, and of what is lost: the one place that knows how they lie in their tables.

Streams, kinds and states are small integers, a body over 1 KiB is packed, and every body that is read is held against
the checksum it was stored with: one that does not fit is named as damaged and gives nothing. Why the rows are as they
are, and what each becomes in PostgreSQL: docs/adr/0014-store-rows-and-seals.md.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from acquire.canonical import digest, parse
from acquire.checksum import checksum, seed
from acquire.errors import Refused
from acquire.packing import FIRST, OVER, packed, unpacked
from acquire.rows import insert_rows
from acquire.store.made import BEFORE_NUMBERS, Made, Received, last_received

KINDS = ("scalar", "marker", "glow-curve", "curve", "unparsed", "withheld", "gap", "invalid")
KIND = {name: number for number, name in enumerate(KINDS)}
STATUSES = ("stored", "refused")
STORED, REFUSED = range(2)
HIGHEST = 2**62  # no seq is higher

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONCE = "ON CONFLICT (stream, seq) DO NOTHING"


class Row(NamedTuple):
    """An entry as it is to be stored, in the order of its table; `stream` is the stream's number.

    `body` is canonical unless the entry is refused as invalid; it is packed when it is inserted.
    """

    stream: int
    seq: int
    kind: int
    status: int
    reason: str | None
    body: bytes
    checksum: int
    element: str | None
    measurement: str | None
    received: int


class Entry(NamedTuple):
    """An entry as it is read. `status` is "stored", "refused", "damaged" or, of a range that is gone, "lost"."""

    seq: int
    kind: str
    status: str
    reason: str | None
    body: bytes
    element: str | None = None
    measurement: str | None = None
    received_us: int = 0
    received: int = 0  # the row of `received`, and whether the stream's chain holds that number
    numbered: bool = False

    @property
    def received_at(self) -> str:
        """When the store received it, by the store's clock: UTC, ISO 8601."""
        return utc_text(self.received_us)

    @property
    def receipt(self) -> Received:
        """The same for what is held against rows that people make."""
        return Received(self.received if self.numbered else BEFORE_NUMBERS, self.received_at)

    @property
    def digest(self) -> str:
        """SHA-256 of the body, in hexadecimal."""
        return digest(self.body).hex()


class OfElement(NamedTuple):
    """An entry that names a dosimeter element, with where it came from."""

    stream: str
    instrument: str
    entry: Entry


class Damaged(Refused):
    """A body is not what was stored: nothing is calculated from it."""

    def __init__(self, stream: str, seq: int) -> None:
        super().__init__(f"Entry {seq} of stream {stream} is damaged: its bytes are not those that were stored.")


def micros(at: str) -> int:
    """µs since 1970 of a moment in ISO 8601 with its offset."""
    return (datetime.fromisoformat(at) - _EPOCH) // timedelta(microseconds=1)


def utc_text(us: int) -> str:
    """The moment so many µs after 1970 began: UTC, ISO 8601 with microseconds and a Z."""
    return (_EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Insert what is new; a key that is taken is left as it is. Raises sqlite3.Error."""
    kept = [row if len(row[5]) <= OVER and row[5][:1] != FIRST else _packed_row(row) for row in rows]
    insert_rows(connection, "entries", kept, _ONCE)


def _packed_row(row: Row) -> Row:
    return row._replace(body=packed(row.body))


def put_in_place(connection: sqlite3.Connection, row: Row) -> None:
    """The row, instead of the one under its key."""
    connection.execute("DELETE FROM entries WHERE stream = ? AND seq = ?", (row.stream, row.seq))
    insert(connection, [row])


def next_receipt(connection: sqlite3.Connection) -> int:
    """The number that the next row of `received` is to have."""
    return last_received(connection) + 1


def note_receipt(connection: sqlite3.Connection, number: int, at: str) -> None:
    """This transaction brought entries, at this moment of the store's clock."""
    connection.execute("INSERT INTO received VALUES (?, ?, 1)", (number, micros(at)))


_READ = (
    "SELECT e.seq, e.kind, e.status, e.reason, e.body, e.checksum, e.element, e.measurement, coalesce(r.at, 0),"
    " e.received, r.numbered"
    " FROM entries e LEFT JOIN received r ON r.number = e.received"
)


def _entry(row: tuple[Any, ...], of: int) -> Entry:
    """`of` is the seed of its stream."""
    seq, kind, status, reason, kept, expected, element, measurement, at, received, numbered = row
    try:
        body = unpacked(kept)
        fits = checksum(of, seq, body) == expected
    except zlib.error:
        body, fits = kept, False
    told = STATUSES[status] if fits and 0 <= status < len(STATUSES) else "damaged"
    name = KINDS[kind] if 0 <= kind < len(KINDS) else "invalid"
    return Entry(seq, name, told, reason, body, element, measurement, at, received, numbered == 1)


def between(connection: sqlite3.Connection, stream: str, first: int, last: int) -> Iterator[Entry]:
    """Entries first..last of a stream in order of seq, as they are there: what is lost is not among them."""
    of = seed(stream)
    where = " WHERE e.stream = (SELECT number FROM streams WHERE stream = ?) AND e.seq BETWEEN ? AND ? ORDER BY e.seq"
    for row in connection.execute(_READ + where, (stream, first, last)):
        yield _entry(tuple(row), of)


def walked(connection: sqlite3.Connection, stream: str, first: int, last: int) -> Iterator[Entry]:
    """As between, and one entry of status "lost" for each run of seqs that is gone; its seq is the first of the run."""
    gone = iter(lost_between(connection, stream, first, last))
    pending = next(gone, None)
    for entry in between(connection, stream, first, last):
        while pending is not None and pending.first < entry.seq:
            yield _lost(pending)
            pending = next(gone, None)
        yield entry
    while pending is not None:
        yield _lost(pending)
        pending = next(gone, None)


class Gone(NamedTuple):
    """A run of seqs that is lost, and whose word that is."""

    first: int
    last: int
    reason: str


def _lost(gone: Gone) -> Entry:
    return Entry(gone.first, "lost", "lost", gone.reason, b"")


def lost_between(connection: sqlite3.Connection, stream: str, first: int, last: int) -> Iterator[Gone]:
    """The runs of seqs within first..last that are gone: claimed lost, not withdrawn, and not found since."""
    ranges = connection.execute(
        "SELECT l.stream, max(l.first, ?2), min(l.last, ?3), l.reason FROM lost l JOIN streams s ON s.number = l.stream"
        " WHERE s.stream = ?1 AND l.withdrawn IS NULL AND l.first <= ?3 AND l.last >= ?2 ORDER BY l.first",
        (stream, first, last),
    ).fetchall()
    for number, begin, end, reason in ranges:
        for here, there in absent(connection, number, begin, end):
            yield Gone(here, there, reason)


def absent(connection: sqlite3.Connection, number: int, first: int, last: int) -> list[tuple[int, int]]:
    """The runs within first..last of a stream (by its number) of which there is no entry, in order."""
    found, begin = [], first
    present = "SELECT seq FROM entries WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq"
    for (seq,) in connection.execute(present, (number, first, last)):
        if seq > begin:
            found.append((begin, seq - 1))
        begin = seq + 1
    return [*found, (begin, last)] if begin <= last else found


def has_lost(connection: sqlite3.Connection, stream: str) -> bool:
    """Whether anything of the stream is gone."""
    return next(lost_between(connection, stream, 1, HIGHEST), None) is not None


def entry_at(connection: sqlite3.Connection, stream: str, seq: int) -> Entry | None:
    """One entry, or None where there is none."""
    return next(between(connection, stream, seq, seq), None)


def body_at(connection: sqlite3.Connection, stream: str, seq: int) -> dict[str, Any]:
    """The decoded body of an entry. Raises Damaged, also where there is none."""
    entry = entry_at(connection, stream, seq)
    if entry is None:
        raise Damaged(stream, seq)
    return decoded(stream, entry)


def decoded(stream: str, entry: Entry) -> dict[str, Any]:
    """The body of an entry of this stream, decoded. Raises Damaged."""
    if entry.status == "damaged":
        raise Damaged(stream, entry.seq)
    body: dict[str, Any] = parse(entry.body)
    return body


def beside(connection: sqlite3.Connection, stream: str, seq: int, *, before: bool, most: int) -> Iterator[Entry]:
    """Stored scalars and markers next to an entry, the nearest first."""
    side = "e.seq < ? ORDER BY e.seq DESC" if before else "e.seq > ? ORDER BY e.seq"
    of = seed(stream)
    where = " WHERE e.stream = (SELECT number FROM streams WHERE stream = ?) AND e.kind IN (0, 1) AND e.status = 0"
    for row in connection.execute(f"{_READ}{where} AND {side} LIMIT ?", (stream, seq, most)):
        yield _entry(tuple(row), of)


def of_element(connection: sqlite3.Connection, element: str) -> Iterator[OfElement]:
    """Confirmed entries that name this element, in the order the store received them."""
    yield from _of_elements(connection, "e.element = ?", element)


def of_elements_since(connection: sqlite3.Connection, made: Made, until: Made | None = None) -> Iterator[OfElement]:
    """Confirmed entries that name any element, in the order the store received them: those that came after a row was
    made, and before another one was (Made.precedes)."""
    which, values = ["e.element IS NOT NULL"], []
    after, before = ("e.received > ? AND r.numbered = 1", "r.at > ?"), ("e.received <= ?", "r.at <= ?")
    for row, (received, at) in ((made, after), (until, before)):
        if row is not None:
            which.append(at if row.after is None else received)
            values.append(micros(row.at) if row.after is None else row.after)
    yield from _of_elements(connection, " AND ".join(which), *values)


def _of_elements(connection: sqlite3.Connection, which: str, *values: str | int) -> Iterator[OfElement]:
    rows = connection.execute(
        "SELECT s.stream, s.instrument, e.seq, e.kind, e.status, e.reason, e.body, e.checksum, e.element,"
        " e.measurement, r.at, e.received, r.numbered"
        " FROM entries e JOIN streams s ON s.number = e.stream JOIN received r ON r.number = e.received"
        f" WHERE {which} AND e.status = 0 AND e.seq <= s.through ORDER BY e.received, e.stream, e.seq",
        values,
    )
    for row in rows:
        yield OfElement(row[0], row[1], _entry(tuple(row)[2:], seed(row[0])))


def of_instrument(
    connection: sqlite3.Connection, instrument: str, stream: str, seq: int, *, before: bool
) -> Iterator[OfElement]:
    """Confirmed entries of an instrument but markers, over its streams, from beside an entry on: the nearest first."""
    (own,) = connection.execute("SELECT number FROM streams WHERE stream = ?", (stream,)).fetchone()
    which, order = ("<=", "DESC") if before else (">=", "ASC")
    streams = connection.execute(
        "SELECT number, stream, through FROM streams WHERE instrument = ?"
        f" AND number {which} ? ORDER BY number {order}",
        (instrument, own),
    ).fetchall()
    for number, name, through in streams:
        first, last = (seq + 1 if number == own and not before else 0), through
        if number == own and before:
            last = min(last, seq - 1)
        where = f" WHERE e.stream = ? AND e.seq BETWEEN ? AND ? AND e.kind <> 1 ORDER BY e.seq {order}"
        for row in connection.execute(_READ + where, (number, first, last)):
            yield OfElement(name, instrument, _entry(tuple(row), seed(name)))


class Mark(NamedTuple):
    """Where a marker of a measurement is."""

    stream: str
    entry: Entry


def markers(connection: sqlite3.Connection, measurement: str) -> Iterator[Mark]:
    """Confirmed markers of a measurement, in the order of their streams and of seq."""
    keys = connection.execute(
        "SELECT s.stream, e.seq FROM entries e JOIN streams s ON s.number = e.stream WHERE e.measurement = ?"
        " AND e.status = 0 AND e.seq <= s.through ORDER BY e.stream, e.seq",
        (measurement,),
    ).fetchall()
    for stream, seq in keys:
        yield from (Mark(stream, entry) for entry in between(connection, stream, seq, seq))


def next_marker(connection: sqlite3.Connection, stream: str, first: int, last: int) -> int | None:
    """The lowest seq of a marker within first..last."""
    (seq,) = connection.execute(
        "SELECT min(seq) FROM entries WHERE stream = (SELECT number FROM streams WHERE stream = ?)"
        " AND seq BETWEEN ? AND ? AND measurement IS NOT NULL",
        (stream, first, last),
    ).fetchone()
    return None if seq is None else int(seq)


def conflicting(connection: sqlite3.Connection, stream: str, first: int, last: int) -> set[int]:
    """Seqs within first..last that came with two contents, neither of them a stand-in."""
    rows = connection.execute(
        "SELECT c.seq FROM conflicts c JOIN streams s ON s.number = c.stream"
        " JOIN entries e ON e.stream = c.stream AND e.seq = c.seq"
        " WHERE s.stream = ? AND c.seq BETWEEN ? AND ? AND c.settled IS NULL AND e.kind <> ?",
        (stream, first, last, KIND["withheld"]),
    )
    return {seq for (seq,) in rows}


def has_conflict(connection: sqlite3.Connection, stream: str) -> bool:
    """Whether anything of the stream came with two contents."""
    return (
        connection.execute(
            "SELECT 1 FROM conflicts WHERE stream = (SELECT number FROM streams WHERE stream = ?) AND settled IS NULL",
            (stream,),
        ).fetchone()
        is not None
    )


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many entries there are of each status, and how many seqs are gone, without walking the entries.

    Up to a stream's watermark every seq is an entry or gone (docs/noloss.md invariant 3).
    """
    (passed,) = connection.execute("SELECT coalesce(sum(through), 0) FROM streams").fetchone()
    (above,) = connection.execute(
        "SELECT count(*) FROM streams s CROSS JOIN entries e ON e.stream = s.number AND e.seq > s.through"
    ).fetchone()
    refused = count_refused(connection)
    gone, gone_passed = _gone(connection)
    found = {"stored": passed - gone_passed + above - refused, "refused": refused, "lost": gone}
    return {status: count for status, count in found.items() if count}


def count_refused(connection: sqlite3.Connection) -> int:
    """How many entries are refused: a walk over their index alone."""
    return int(connection.execute("SELECT count(*) FROM entries WHERE status = 1").fetchone()[0])


def count_lost(connection: sqlite3.Connection) -> int:
    """How many seqs are gone: a walk over what was claimed lost."""
    return _gone(connection)[0]


def _gone(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many seqs are gone, and how many of them lie below their streams' watermarks."""
    gone = passed = 0
    for number, through, first, last in connection.execute(
        "SELECT l.stream, s.through, l.first, l.last FROM lost l JOIN streams s ON s.number = l.stream"
        " WHERE l.withdrawn IS NULL"
    ).fetchall():
        for here, there in absent(connection, number, first, last):
            gone += there - here + 1
            passed += max(0, min(there, through) - here + 1)
    return gone, passed


def count_of(connection: sqlite3.Connection, instrument: str, kinds: Iterable[str] | None, status: str) -> int:
    """How many entries of an instrument are of this status and of these kinds (None: any)."""
    numbers = sorted(KIND[each] for each in (KINDS if kinds is None else kinds))
    (count,) = connection.execute(
        "SELECT count(*) FROM entries e JOIN streams s ON s.number = e.stream WHERE s.instrument = ? AND e.status = ?"
        f" AND e.kind IN ({','.join('?' * len(numbers))})",
        (instrument, STATUSES.index(status), *numbers),
    ).fetchone()
    return int(count)


def entry_count(connection: sqlite3.Connection, of: Mapping[str, Sequence[tuple[int, int]]] | None = None) -> int:
    """How many entries there are; in these runs of seqs of these streams (ids), or all."""
    if of is None:
        return int(connection.execute("SELECT count(*) FROM entries").fetchone()[0])
    within = (
        "SELECT count(*) FROM entries WHERE stream = (SELECT number FROM streams WHERE stream = ?)"
        " AND seq BETWEEN ? AND ?"
    )
    runs = [(stream, first, last) for stream, windows in of.items() for first, last in windows]
    return sum(int(connection.execute(within, each).fetchone()[0]) for each in runs)


def unknown_markers(connection: sqlite3.Connection) -> Iterator[tuple[str, Entry]]:
    """Confirmed markers of measurements that no row of `attempt` tells of, each with its stream: after a restore."""
    keys = connection.execute(
        "SELECT s.stream, e.seq FROM entries e JOIN streams s ON s.number = e.stream"
        " WHERE e.measurement IS NOT NULL AND e.status = 0 AND e.seq <= s.through"
        " AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.measurement = e.measurement) ORDER BY e.stream, e.seq"
    ).fetchall()
    for stream, seq in keys:
        yield from ((stream, entry) for entry in between(connection, stream, seq, seq) if entry.status == "stored")
