"""What a stream's chain was at a seq, where something was taken back or replaced since.

A claim of loss that is withdrawn begins another life of the chain: from there on it is made anew. A stand-in that was
passed before its original came is what the chain holds; it lies in `stand_ins`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from acquire.store.entries import Entry, micros
from acquire.store.links import Range, chained, first_link, of_entry, ranges_of, walk
from acquire.store.sealing import Seal, hash_of
from acquire.store.streams import Stream

HIGHEST_SEAL = 2**62


class StandIn(NamedTuple):
    """A row of `stand_ins` of one stream."""

    seq: int
    replaced_at: str
    body: bytes
    reason: str | None
    received_at: str
    received: int | None = None

    @property
    def link(self) -> bytes:
        """Its link in the chain, where it was passed."""
        at, number = micros(self.received_at), self.received
        passed = Entry(self.seq, "withheld", "refused", self.reason, self.body, received_us=at)
        return of_entry(passed if number is None else passed._replace(received=number, numbered=True))

    @property
    def hash(self) -> str:
        """SHA-256 of the row: when it was replaced, its reason, when it was received, and its body."""
        numbered = [] if self.received is None else [self.received]
        return hash_of(self.seq, self.replaced_at, self.reason, self.received_at, *numbered, self.body)


def seals_of(connection: sqlite3.Connection, stream: Stream) -> list[Seal]:
    """The seals of a stream, oldest first."""
    rows = connection.execute("SELECT * FROM seal WHERE stream = ? ORDER BY n", (stream.number,))
    return [Seal(*row) for row in rows]


def stand_ins_of(connection: sqlite3.Connection, stream: Stream) -> list[StandIn]:
    """The stand-ins of a stream that gave way to their originals."""
    rows = connection.execute(
        "SELECT seq, replaced_at, body, reason, received_at, received FROM stand_ins WHERE stream = ?"
        " ORDER BY seq, replaced_at",
        (stream.number,),
    )
    return [StandIn(*row) for row in rows]


def instead(stand_ins: Sequence[StandIn], seals: Sequence[Seal], before: int = HIGHEST_SEAL) -> dict[int, bytes]:
    """Links of the stand-ins that the chain had passed when their originals came, as of the seal with this number.

    What lies above the watermark of a withdrawal was passed again after it. Before an original came its stand-in was
    the entry: an earlier life of the chain passed that.
    """
    found: dict[int, bytes] = {}
    links = {each.seq: each.link for each in stand_ins}
    for seal in seals:
        if seal.what == "original" and seal.seq is not None and seal.seq in links:
            if seal.n >= before or (seal.through is not None and seal.seq <= seal.through):
                found[seal.seq] = links[seal.seq]
        elif seal.what == "withdrawn" and seal.n < before:
            found = {seq: link for seq, link in found.items() if seq <= (seal.through or 0)}
    return found


def valid(ranges: Sequence[Range], before: int = HIGHEST_SEAL) -> list[Range]:
    """The ranges that were not withdrawn as of the seal with this number. One that was claimed after it lies in what
    was withdrawn at it, or begins with it, and the walk goes by the first of two."""
    return [each for each in ranges if each.withdrawn is None or each.withdrawn >= before]


def chain_at(connection: sqlite3.Connection, stream: Stream, through: int) -> bytes:
    """The chain up to a seq, made anew from the rows as they are."""
    ranges = [each for each in ranges_of(connection, stream) if each.withdrawn is None]
    passed = instead(stand_ins_of(connection, stream), seals_of(connection, stream))
    links = walk(connection, stream, ranges, 1, through, passed)
    return chained(first_link(stream), (each.link or b"" for each in links))
