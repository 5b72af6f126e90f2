"""The links of a stream's chain: what the watermark passed, in order, each in one spelling.

chain' = SHA-256(chain || link). A link is the canonical JSON of [seq, kind, status, reason, element, measurement, time
of receipt, its number], followed by the body as it is (unpacked); releases before schema 15 left out the number. Of a
range that is lost it is that of [first, last, reason, at], alone. The first value says whose stream it is.
docs/adr/0014-store-rows-and-seals.md.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from acquire.canonical import canonical
from acquire.store.entries import KIND, STATUSES, Entry, Row, between
from acquire.store.streams import Stream


class Range(NamedTuple):
    """A row of `lost`."""

    number: int
    first: int
    last: int
    reason: str
    at: str
    withdrawn: int | None


def first_link(stream: Stream) -> bytes:
    """The chain of a stream of which nothing has been passed."""
    said = ["stream", stream.stream, stream.source, stream.site, stream.instrument, stream.first_heard]
    return hashlib.sha256(canonical(said)).digest()


def of_row(row: Row, received_us: int) -> bytes:
    """The link of an entry as it is inserted."""
    _, seq, kind, status, reason, body, _, element, measurement, number = row
    if reason is None and element is None and measurement is None:  # nearly every one, in canonical JSON
        return b"[%d,%d,%d,null,null,null,%d,%d]%b" % (seq, kind, status, received_us, number, body)
    return canonical([seq, kind, status, reason, element, measurement, received_us, number]) + body


def of_entry(entry: Entry) -> bytes:
    """The link of an entry as it was read. One that is damaged has none that fits."""
    status = STATUSES.index(entry.status) if entry.status in STATUSES else -1
    said = [entry.seq, KIND[entry.kind], status, entry.reason, entry.element, entry.measurement, entry.received_us]
    return canonical([*said, entry.received] if entry.numbered else said) + entry.body


def of_range(lost: Range) -> bytes:
    """The link of what is lost."""
    return canonical([lost.first, lost.last, lost.reason, lost.at])


def hash_of_range(lost: Range) -> str:
    """SHA-256 of what its row said when it was claimed."""
    return hashlib.sha256(canonical([lost.number]) + of_range(lost)).hexdigest()


def chained(chain: bytes, links: Iterable[bytes]) -> bytes:
    """The chain, further by these links."""
    for link in links:
        chain = hashlib.sha256(chain + link).digest()
    return chain


def ranges_of(connection: sqlite3.Connection, stream: Stream, above: int = 0) -> list[Range]:
    """What was ever said to be lost of a stream beyond a seq, in the order in which it was said."""
    rows = connection.execute(
        "SELECT number, first, last, reason, at, withdrawn FROM lost WHERE stream = ? AND first > ? ORDER BY number",
        (stream.number, above),
    )
    return [Range(*row) for row in rows]


class Link(NamedTuple):
    """A link, with the seqs it covers; `link` is None where neither an entry nor a range is there."""

    first: int
    last: int
    link: bytes | None


def walk(
    connection: sqlite3.Connection,
    stream: Stream,
    ranges: Iterable[Range],
    first: int,
    last: int,
    instead: Mapping[int, bytes] | None = None,
) -> Iterator[Link]:
    """The links from seq `first` to `last`: a range is one, and an entry inside it none; `instead` has the links of
    stand-ins that were passed before their originals came."""
    at, instead = first, instead or {}
    pending = iter(_outermost(each for each in ranges if first <= each.first <= last))
    lost = next(pending, None)
    for entry in between(connection, stream.stream, first, last):
        while lost is not None and lost.first <= entry.seq and lost.first == at:
            yield Link(lost.first, lost.last, of_range(lost))
            at, lost = lost.last + 1, next(pending, None)
        if entry.seq < at:
            continue
        if entry.seq > at:
            yield Link(at, entry.seq - 1, None)
        yield Link(entry.seq, entry.seq, instead.get(entry.seq) or of_entry(entry))
        at = entry.seq + 1
    while lost is not None and lost.first == at:
        yield Link(lost.first, lost.last, of_range(lost))
        at, lost = lost.last + 1, next(pending, None)
    if at <= last:
        yield Link(at, last, None)


def _outermost(ranges: Iterable[Range]) -> Iterator[Range]:
    """In order; without those that lie in another or begin with one: they were claimed after it was withdrawn."""
    end = 0
    for each in sorted(ranges, key=lambda each: (each.first, each.number)):
        if each.first > end:
            yield each
            end = each.last
