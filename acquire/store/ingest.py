"""The store's side of the no-loss protocol: one transaction, then the answers (docs/noloss.md, section 4).

Everything here is synchronous and runs on the store's one writer thread. Nothing is overwritten and nothing is dropped
without a row that says so. The streams of a transaction are read once and written once, and all its entries are
inserted together, so that many messages of one reading each cost little more than one message of many.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from acquire.canonical import utc_now
from acquire.store import entries, streams
from acquire.store.alarms import raise_alarm
from acquire.store.believed import Heard, Unread, heard, not_its_own
from acquire.store.compare import insert_rows
from acquire.store.database import transaction
from acquire.store.derived import leave
from acquire.store.entries import Row
from acquire.store.hearing import hear
from acquire.store.judge import Place, judge_all
from acquire.store.links import first_link, of_entry
from acquire.store.lost import NO_LONGER_HELD, claim, found, seal_claims
from acquire.store.passing import MARKER, pass_over
from acquire.store.sealing import Sealing, facts_of_end, hash_of
from acquire.store.streams import Life, Stream
from acquire.store.unreadable import keep_unreadable


class Watermark(NamedTuple):
    """ "Committed through N", to be published after the commit."""

    instrument: str
    stream: str
    through: int
    store: str
    epoch: str
    query: str


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """ "Committed through N" for the streams of a host's batches under one question, in one message."""

    host: str
    store: str
    epoch: str
    query: str
    through: dict[str, int]  # by stream


class Moved(NamedTuple):
    """A watermark that moved, and whether no marker can be among what it passed."""

    before: int
    after: int
    no_marker: bool


@dataclass(slots=True)
class Ingested:
    """What one transaction did."""

    answers: list[Watermark] = field(default_factory=list)
    batches: list[BatchAnswer] = field(default_factory=list)
    onlookers: list[Watermark] = field(default_factory=list)  # of streams in batches: nobody waits for these
    unreadable: int = 0
    moved: dict[str, Moved] = field(default_factory=dict)  # by stream
    originals: dict[str, int] = field(
        default_factory=dict
    )  # stream: lowest seq whose stand-in gave way to its original


def ingest(connection: sqlite3.Connection, site: str, messages: Iterable[tuple[str, bytes]]) -> Ingested:
    """Put messages (topic, payload) into the store in one transaction and return the answers owed (rules 4.1 to 4.7).

    Raises sqlite3.Error for what is not an entry's fault (disk full, lock, damaged file): nothing is written then, no
    answer is owed, and the same messages may be given again.
    """
    unread = Unread()
    parts = heard(site, messages, unread)
    with transaction(connection):
        taking = _Taking(connection, site, streams.life(connection), unread)
        taking.known = streams.at_hand(connection, (one.part.stream for one in parts))
        for one in parts:
            taking.take(one)
        done = taking.done()
        left = streams.left(connection, taking.known)
    leave(connection, left)
    return done


def ingest_one_by_one(connection: sqlite3.Connection, site: str, messages: Iterable[tuple[str, bytes]]) -> Ingested:
    """As ingest, each message in a transaction of its own: one that cannot be digested is kept unread (rule 7)."""
    done = Ingested()
    for topic, payload in messages:
        try:
            one = ingest(connection, site, [(topic, payload)])
        except sqlite3.Error:
            raise
        except Exception as error:  # whatever it is, the source would send it for ever
            with transaction(connection):
                keep_unreadable(connection, topic, payload, f"not digestible: {error!r}"[:300])
            done.unreadable += 1
            continue
        done.answers += one.answers
        done.batches += one.batches
        done.onlookers += one.onlookers
        done.unreadable += one.unreadable
        done.moved |= one.moved
        done.originals |= one.originals
    return done


@dataclass(slots=True)
class _Touched:
    """A stream of this transaction, and what came of it."""

    stream: Stream
    before: int
    end: tuple[object, ...]
    oldest: int = 1
    rows: list[Row] = field(default_factory=list)
    above: int | None = None  # a head above which the tail is unknown (restored, receded)


@dataclass(slots=True)
class _Taking:
    """One transaction."""

    connection: sqlite3.Connection
    site: str
    life: Life
    unread: Unread
    known: dict[str, Stream] = field(default_factory=dict)
    touched: dict[str, _Touched] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    asked: dict[tuple[str, str], Heard] = field(default_factory=dict)
    batched: dict[tuple[str, str, str], dict[str, Heard]] = field(default_factory=dict)  # (host, source, ask): streams
    originals: dict[str, int] = field(default_factory=dict)
    now: str = field(default_factory=utc_now)
    receipt: int = 0
    sealing: Sealing = field(init=False)

    def __post_init__(self) -> None:
        self.sealing = Sealing(self.connection, self.life, self.now)
        self.receipt = entries.next_receipt(self.connection)

    def take(self, one: Heard) -> None:
        """Rules 1 to 5 for one part, up to what needs all entries to be there."""
        part, stream = one.part, self.known.get(one.part.stream)
        why = not_its_own(one, stream)
        if stream is None and why is None:
            why = self._too_many(one.instrument or "")
        if why is not None:
            self.unread.kept.append((one.topic, one.payload, why))
            return
        if stream is None:
            stream = self._new(one)
        rows = judge_all(one.said, Place(stream.stream, stream.number, self.receipt))
        if len(rows) < len(part.readings):
            self._damaged(stream, len(part.readings) - len(rows))
        end = _end(stream)
        hear(self.connection, self.sealing, stream, one, self.life, self.now)
        touched = self.touched.get(stream.stream)
        if touched is None:
            touched = self.touched[stream.stream] = _Touched(stream, stream.through, end)
        touched.oldest = max(touched.oldest, part.oldest)
        touched.rows += rows
        if part.ended in ("restored", "receded"):
            touched.above = part.head
        self.rows += rows
        if one.instrument is None:
            self.batched.setdefault((one.host or "", one.source, one.query), {})[stream.stream] = one
        else:
            self.asked[stream.stream, one.query] = one

    def _too_many(self, instrument: str) -> str | None:
        why = streams.too_many(self.connection, instrument)
        if why is not None:
            text = f"No new stream of {instrument} is taken: there are too many. Its readings stay in its spool."
            raise_alarm(self.connection, "too many streams", instrument, text)
        return why

    def _new(self, one: Heard) -> Stream:
        name = one.instrument or ""
        stream = Stream(0, one.part.stream, one.source, self.site, name, one.host, first_heard=self.now)
        stream.chain = first_link(stream)
        streams.add(self.connection, stream)
        self.sealing.add("begun", stream, host=one.host)
        self.known[stream.stream] = stream
        return stream

    def _damaged(self, stream: Stream, count: int) -> None:
        text = f"{count} entries of stream {stream.stream} came with altered bytes; its source sends them again."
        raise_alarm(self.connection, "damaged on the way", stream.instrument, text)

    def done(self) -> Ingested:
        """Insert all entries, move the watermarks, write the streams; what is to be answered."""
        done = Ingested(unreadable=self.unread.keep(self.connection))
        exactly = self._insert(done)
        us = entries.micros(self.now)
        for touched in self.touched.values():
            self._mark_lost(touched)
            known = touched.rows if exactly and not touched.stream.claims else []
            no_marker = pass_over(self.connection, touched.stream, known, us)
            self._seal(touched)
            if touched.stream.through > touched.before:
                done.moved[touched.stream.stream] = Moved(touched.before, touched.stream.through, no_marker)
        self.sealing.keep()
        streams.keep(self.connection, [touched.stream for touched in self.touched.values()])
        done.answers = [self._answer(one) for one in self.asked.values()]
        for (host, _, query), of in self.batched.items():
            through = {stream: self.known[stream].through for stream in of}
            done.batches.append(BatchAnswer(host, self.life.store, self.life.epoch, query, through))
            done.onlookers += [self._answer(one) for stream, one in of.items() if stream in done.moved]
        return done

    def _insert(self, done: Ingested) -> bool:
        """Whether every entry that came is new, and there exactly as it came."""
        if not self.rows:
            return True
        new, exactly = insert_rows(self.connection, self.sealing, self.rows, self.known, done.originals)
        if new:
            entries.note_receipt(self.connection, self.receipt, self.now)
        for touched in self.touched.values():
            if touched.stream.claims and touched.rows:
                self._seal_found(touched)
        return exactly

    def _seal_found(self, touched: _Touched) -> None:
        """What was lost and came after all is no link of the chain, which has passed it; it has a seal of its own."""
        seqs = [row.seq for row in touched.rows]
        stream = touched.stream
        for seq in found(self.connection, stream, min(seqs), max(seqs), self.receipt):
            entry = entries.entry_at(self.connection, stream.stream, seq)
            if entry is not None:
                self.sealing.add("found", stream, seq, entry=hash_of(of_entry(entry)))

    def _mark_lost(self, touched: _Touched) -> None:
        """Rule 5: what the source no longer holds, and what lies above a head whose tail is unknown."""
        stream, made = touched.stream, []
        last = touched.oldest - 1
        if stream.through < last:
            made = claim(self.connection, stream, stream.through + 1, last, NO_LONGER_HELD, self.now)
        if touched.above is not None and max(touched.above, stream.through) < stream.head:
            made += claim(self.connection, stream, touched.above + 1, stream.head, NO_LONGER_HELD, self.now)
        if made:
            seal_claims(self.sealing, stream, made)
            text = f"Entries of stream {stream.stream} are lost: the source no longer holds them."
            raise_alarm(self.connection, "lost", stream.stream, text)

    def _seal(self, touched: _Touched) -> None:
        """At every marker, when the stream has ended or speaks again, and where the last seal is far enough away."""
        stream = touched.stream
        if _end(stream) != touched.end:
            self.sealing.add("end", stream, **facts_of_end(stream))
        elif self.sealing.is_due(stream) or MARKER in [row[2] for row in touched.rows]:
            self.sealing.add("passed", stream)

    def _answer(self, one: Heard) -> Watermark:
        stream = self.known[one.part.stream]
        return Watermark(stream.instrument, stream.stream, stream.through, self.life.store, self.life.epoch, one.query)


def _end(stream: Stream) -> tuple[object, ...]:
    return (stream.ended, stream.why, stream.final, stream.head if stream.ended is not None else None)
