"""Holding the streams against their seals: what an instrument said, and what was made of it, is what was sealed.

A change of any row shows in the chain of its stream or in a seal of its own; a change of a seal in the chain of seals.
A chain of seals that was made anew from its beginning shows only against an anchor that was kept elsewhere
(acquire/store/anchors.py). What lies above a watermark is not passed yet, and no part of the record before it is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from acquire.canonical import digest
from acquire.store import entries, streams
from acquire.store.audit import FIRST
from acquire.store.links import Range, chained, first_link, hash_of_range, of_entry, ranges_of, walk
from acquire.store.lives import HIGHEST_SEAL, StandIn, instead, seals_of, stand_ins_of, valid
from acquire.store.sealing import Seal, before_the_first, facts_of_end, hash_of
from acquire.store.streams import Stream

Window = tuple[int, int]  # a run of seqs, its first and its last


def head(connection: sqlite3.Connection) -> tuple[int, str]:
    """Number and hash of the newest seal; (0, sixty-four zeros) where there is none."""
    row = connection.execute("SELECT n, hash FROM seal ORDER BY n DESC LIMIT 1").fetchone()
    return (int(row[0]), str(row[1])) if row is not None else (0, FIRST)


def verify_streams(
    connection: sqlite3.Connection,
    of: Collection[str] | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, number: None,
    within: Mapping[str, Sequence[Window]] | None = None,
) -> Iterator[str]:
    """One sentence for each thing that does not hold. `of`: ids of streams, to verify no more than these; None: all.

    `within`: no more than these runs of seqs of a stream, from the seal below each to the one above it; a stream that
    it does not name is verified whole. Of some the cost is in proportion to them; of all, the chain of seals and what
    belongs to no stream is looked at as well. `progress` is told how many entries are behind a stream that was
    verified, of how many.
    """
    if of is None:
        yield from _identity(connection)
        yield from _of_no_stream(connection)
    seen: set[str] = set()
    found = streams.every(connection) if of is None else list(streams.known(connection, of).values())
    done, number = 0, sum(stream.through for stream in found)
    for stream in found:
        progress("entries", done, number)
        done += stream.through
        seen.add(stream.stream)
        try:
            windows = (within or {}).get(stream.stream)
            yield from _Stream(connection, stream, windows).verify(whole=of is None)
        except (ValueError, TypeError, KeyError) as error:
            yield f"Stream {stream.stream} holds what no program wrote: {error}."
    for missing in sorted(set(of or ()) - seen):
        yield f"Stream {missing} is not in the store."
    if of is None:
        yield from _receipts_of_nothing(connection)


# --- the chain of seals -----------------------------------------------------------------------------------------------


def _identity(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT store, epoch FROM identity").fetchall()
    if len(rows) != 1:
        yield f"The store has {len(rows)} identities (table identity); one was made."
        return
    yield from _chain(connection, rows[0]["store"])
    sealed = connection.execute(
        "SELECT detail FROM seal WHERE what = 'store' OR what = 'epoch' ORDER BY n DESC LIMIT 1"
    ).fetchone()
    if sealed is not None and _detail(sealed[0]).get("epoch") != rows[0]["epoch"]:
        yield "The store's epoch is not the one that was sealed (table identity)."


def _chain(connection: sqlite3.Connection, store: str) -> Iterator[str]:
    previous, expected = before_the_first(store), 1
    for row in connection.execute("SELECT * FROM seal ORDER BY n"):
        seal = Seal(*row)
        if seal.n != expected:
            yield f"Seal {expected} is missing; the next one is {seal.n}."
        if seal.previous != previous:
            what = "the store's id was changed, or the seal was" if seal.n == 1 else "one of the two was"
            yield f"Seal {seal.n} does not follow what is before it: {what} put in or recomputed."
        if seal.made != seal.hash:
            yield f"Seal {seal.n} was changed after it was written."
        previous, expected = seal.hash, seal.n + 1


def _of_no_stream(connection: sqlite3.Connection) -> Iterator[str]:
    for table in ("entries", "lost", "conflicts", "stand_ins", "seal"):
        for (number,) in connection.execute(
            f"SELECT DISTINCT stream FROM {table} WHERE stream IS NOT NULL EXCEPT SELECT number FROM streams"
        ):
            yield f"Rows of {table} are of a stream {number} that is not there: it was deleted, or they were added."


def _receipts_of_nothing(connection: sqlite3.Connection) -> Iterator[str]:
    """Times of receipt of no entry that is there, but for those of stand-ins that gave way."""
    replaced = {at for (at,) in connection.execute("SELECT received_at FROM stand_ins WHERE received IS NULL")}
    for number, at in connection.execute(
        "SELECT number, at FROM received WHERE number NOT IN (SELECT received FROM entries)"
        " AND number NOT IN (SELECT received FROM stand_ins WHERE received IS NOT NULL) ORDER BY number"
    ):
        if entries.utc_text(at) not in replaced:
            yield f"Receipt {number} is of no entry: it was added, or its entries were deleted (table received)."


def _detail(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# --- one stream -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Stream:
    """One stream, held against its seals."""

    connection: sqlite3.Connection
    stream: Stream
    windows: Sequence[Window] | None = None  # None: all of it
    seals: list[Seal] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    stand_ins: list[StandIn] = field(default_factory=list)

    def verify(self, *, whole: bool) -> Iterator[str]:
        """Its chain in each of its lives, its facts, and what has seals of its own."""
        self.seals = seals_of(self.connection, self.stream)
        self.ranges = ranges_of(self.connection, self.stream)
        self.stand_ins = stand_ins_of(self.connection, self.stream)
        if not whole:
            yield from self._own_seals()
        yield from self._facts()
        yield from self._lives()
        yield from self._claims()
        yield from self._conflicts()
        yield from self._replaced()
        yield from self._above()
        yield from self._damaged()

    def _named(self, sentence: str) -> str:
        return f"Stream {self.stream.stream} of {self.stream.instrument}: {sentence}"

    def _own_seals(self) -> Iterator[str]:
        for seal in self.seals:
            follows = self.connection.execute("SELECT previous FROM seal WHERE n = ?", (seal.n + 1,)).fetchone()
            if seal.made != seal.hash or (follows is not None and follows[0] != seal.hash):
                yield self._named(f"seal {seal.n} was changed after it was written.")

    def _facts(self) -> Iterator[str]:
        begun = [s for s in self.seals if s.what == "begun"]
        if len(begun) != 1:
            yield self._named("it was never sealed as begun: it was added, or its seals were taken out.")
            return
        if begun[0].chain != first_link(self.stream):
            yield self._named("its id, source, site, instrument or first time is not what was sealed (table streams).")
        hosts = [_detail(s.detail).get("host") for s in self.seals if s.what in ("begun", "host")]
        if hosts[-1] != self.stream.host:
            yield self._named("its host is not the one that was sealed (table streams).")
        ends = [_detail(s.detail) for s in self.seals if s.what == "end"]
        if (ends[-1] if ends else {"ended": None}) != facts_of_end(self.stream):
            yield self._named("how it ended is not what was sealed (table streams).")

    def _lives(self) -> Iterator[str]:
        """The chain at every seal and at the watermark. Seals before a withdrawal are of an earlier life."""
        if self.windows is not None:
            yield from self._in_windows(self.windows)
            return
        for begin, before in pairwise([*self._turns(), HIGHEST_SEAL]):
            mine = [s for s in self.seals if begin <= s.n < before]
            points = [(s.through, s.chain, f"seal {s.n}") for s in mine if s.through is not None]
            if before == HIGHEST_SEAL:
                points.append((self.stream.through, self.stream.chain, "its watermark"))
            yield from self._life(valid(self.ranges, before), instead(self.stand_ins, self.seals, before), points)

    def _turns(self) -> list[int]:
        """The seals with which a life of its chain begins: after the first one those of withdrawals."""
        return [0, *(s.n for s in self.seals if s.what == "withdrawn")]

    def _in_windows(self, windows: Sequence[Window]) -> Iterator[str]:
        """Of its present life: from the seal below a run of seqs to the one above; a seal is held by its own chain."""
        begun = self._turns()[-1]
        mine = [s for s in self.seals if s.n >= begun and s.through is not None]
        points = sorted((s.through or 0, s.n, s.chain) for s in mine)
        for first, last in windows:
            below = [(through, chain) for through, _, chain in points if through < first]
            at, chain = below[-1] if below else (0, first_link(self.stream))
            above = [(through, chain, f"seal {n}") for through, n, chain in points if through >= first]
            enough = next((n for n, point in enumerate(above) if point[0] >= last), len(above))
            asked = above[: enough + 1]
            if enough == len(above):
                asked.append((self.stream.through, self.stream.chain, "its watermark"))
            passed = instead(self.stand_ins, self.seals)
            yield from self._life(valid(self.ranges), passed, asked, at, chain)

    def _life(
        self,
        ranges: list[Range],
        passed: dict[int, bytes],
        points: list[tuple[int, bytes | None, str]],
        at: int = 0,
        chain: bytes | None = None,
    ) -> Iterator[str]:
        """The chain at these points; begun after `at`, where it is `chain`, or else at its beginning."""
        last = max((through for through, _, _ in points), default=at)
        links = walk(self.connection, self.stream, ranges, at + 1, last, passed)
        chain = chain or first_link(self.stream)
        for through, sealed, whose in points:
            while at < through:
                link = next(links)  # as far as the last point there is one for every seq
                if link.link is None:
                    yield self._named(f"entry {at + 1} is not there, and {whose} is above it.")
                    return
                chain, at = chained(chain, [link.link]), link.last
            if (at, chain) != (through, sealed):
                yield self._named(f"what {whose} says of entries 1 to {through} is not what is there.")
                return

    def _claims(self) -> Iterator[str]:
        sealed = {
            _detail(s.detail).get("number"): _detail(s.detail).get("range") for s in self.seals if s.what == "lost"
        }
        taken_back = {n: s.n for s in self.seals if s.what == "withdrawn" for n in _detail(s.detail).get("ranges", ())}
        for each in self.ranges:
            if sealed.pop(each.number, None) != hash_of_range(each) or taken_back.get(each.number) != each.withdrawn:
                yield self._named(f"what is said to be lost from {each.first} on was changed or added (table lost).")
        for number in sealed:
            yield self._named(f"range {number} of what is lost was taken out (table lost).")
        if self.stream.claims < len(self.ranges):
            yield self._named("how many ranges of it are lost was changed (table streams).")

    def _conflicts(self) -> Iterator[str]:
        sealed = {_detail(s.detail).get("row"): s.seq for s in self.seals if s.what == "conflict"}
        settling = {s.n: s.seq for s in self.seals if s.what == "original"}
        for seq, content, body, at, settled in self.connection.execute(
            "SELECT seq, digest, body, received_at, settled FROM conflicts WHERE stream = ?", (self.stream.number,)
        ):
            entry = entries.entry_at(self.connection, self.stream.stream, seq)
            is_entry = entry is not None and digest(entry.body) == digest(body)
            held = sealed.pop(hash_of(seq, content.hex(), at, body), None) == seq and digest(body) == content
            if not held or is_entry != (settled is not None) or (settled is not None and settling.get(settled) != seq):
                yield self._named(f"another content of entry {seq} was changed or added (table conflicts).")
        for seq in sealed.values():
            yield self._named(f"another content of entry {seq} was taken out (table conflicts).")

    def _replaced(self) -> Iterator[str]:
        """What was found after it was lost, and originals that came after their stand-ins."""
        last = {s.seq: s for s in self.seals if s.what in ("found", "original")}
        for seq, seal in last.items():
            entry = entries.entry_at(self.connection, self.stream.stream, seq or 0)
            if entry is None or hash_of(of_entry(entry)) != _detail(seal.detail).get("entry"):
                yield self._named(f"entry {seq} is not the one that came later (seal {seal.n}; table entries).")
        sealed = [_detail(s.detail).get("stand_in") for s in self.seals if s.what == "original"]
        for each in self.stand_ins:
            if each.hash in sealed:
                sealed.remove(each.hash)
            else:
                yield self._named(f"the stand-in of entry {each.seq} was changed or added (table stand_ins).")
        for _ in sealed:
            yield self._named("a stand-in whose original came was taken out (table stand_ins).")
        for each_range in (r for r in self.ranges if r.withdrawn is None):
            for entry in entries.between(self.connection, self.stream.stream, each_range.first, each_range.last):
                if entry.seq not in last:
                    yield self._named(f"entry {entry.seq} was added where it is lost (table entries).")

    def _above(self) -> Iterator[str]:
        """No message has an entry above its head. One above the watermark is held once the watermark passes it."""
        above = self.connection.execute(
            "SELECT seq FROM entries WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1",
            (self.stream.number, max(self.stream.head, self.stream.through)),
        )
        for (seq,) in above:
            yield self._named(f"entry {seq} was added above its head, {self.stream.head} (table entries).")

    def _damaged(self) -> Iterator[str]:
        for first, last in self.windows or [(1, entries.HIGHEST)]:
            for entry in entries.between(self.connection, self.stream.stream, first, last):
                if entry.status == "damaged":
                    yield f"Entry {entry.seq} of stream {self.stream.stream} was changed after it was stored."
