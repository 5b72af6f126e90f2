"""The invariants of docs/noloss.md section 8, checked on the two database files: one home for every campaign.

`emitted` is the test's own list of what was appended, the only truth that neither end can have made up.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.packing import unpacked
from acquire.store.attribution import measurement
from acquire.store.entries import counts, lost_between
from acquire.store.tails import completeness

Key = tuple[str, int]


@dataclass(frozen=True)
class Emitted:
    """The test's own truth about one entry."""

    stream: str
    seq: int
    body: bytes
    truth: str | None = None  # the measurement that was open when it was appended
    marker: bool = False
    original: bytes | None = None  # of a stand-in: what it stands for


@contextmanager
def opened(path: Path) -> Any:
    """A database of another process or thread as it is at this moment: what is written meanwhile shows in none of the
    questions, or a row that came between two of them would look as if it were missing."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield db


def check_invariants(
    spool: sqlite3.Connection,
    store: sqlite3.Connection,
    emitted: Iterable[Emitted],
    *,
    excused: Collection[Key] = (),
    put_back: bool = False,
) -> None:
    """Invariants 1 to 7, of a spool that was opened before the store, which is then never behind what the spool says.
    `excused` are losses that section 7 does not promise to prevent; `put_back` says that a store file was put back by
    hand and the source may not have noticed yet."""
    listed = list(emitted)
    rows = {(r["stream"], r["seq"]): r for r in store.execute("SELECT * FROM entry")}
    _conservation(spool, store, listed, rows, excused)
    _nothing_twice(rows, listed)
    _watermarks(spool, store, rows, put_back)
    _counted(store, rows)
    _attribution(store, listed)
    _completeness(spool, store, listed, excused)
    (epoch,) = store.execute("SELECT epoch FROM identity").fetchone()
    if spool.execute("SELECT epoch FROM meta").fetchone() == (epoch,) and not put_back:
        _originals(spool, rows, [e for e in listed if (e.stream, e.seq) not in excused])


def _counted(store: sqlite3.Connection, rows: Mapping[Key, sqlite3.Row]) -> None:
    """What `acquire store stats` says, without walking the entries, is what a walk finds."""
    told = Counter(counts(store))
    there = Counter(row["status"] for row in rows.values())
    gone = (lost_between(store, r["stream"], 1, 2**62) for r in store.execute("SELECT stream FROM stream"))
    there["lost"] = sum(each.last - each.first + 1 for of_stream in gone for each in of_stream)
    assert told == there, f"{dict(told)} are told, {dict(there)} are there"


def check_settled(spool: sqlite3.Connection, store: sqlite3.Connection) -> None:
    """Invariant 9: every spool stream is confirmed to its head, in the store's epoch."""
    (epoch,) = store.execute("SELECT epoch FROM identity").fetchone()
    through = {r["stream"]: r["through"] for r in store.execute("SELECT stream, through FROM stream")}
    for stream, head, confirmed, told in spool.execute("SELECT stream, head, through, epoch FROM stream"):
        assert (confirmed, told) == (head, epoch), f"stream {stream}: {confirmed} of {head} confirmed"
        assert head == 0 or through[stream] >= head


def _held(spool: sqlite3.Connection) -> dict[Key, bytes]:
    sql = "SELECT s.stream, e.seq, e.body FROM entry e JOIN stream s ON s.number = e.stream"
    return {(stream, seq): unpacked(bytes(body)) for stream, seq, body in spool.execute(sql)}


def _conservation(
    spool: sqlite3.Connection,
    store: sqlite3.Connection,
    emitted: list[Emitted],
    rows: dict[Key, sqlite3.Row],
    excused: Collection[Key],
) -> None:
    conflicts = {(r["stream"], r["seq"], bytes(r["body"])) for r in store.execute("SELECT * FROM conflict")}
    held = _held(spool)
    for e in emitted:
        key = (e.stream, e.seq)
        in_store = key in rows and bytes(rows[key]["body"]) in (e.body, e.original)
        kept = in_store or held.get(key) == e.body or (*key, e.body) in conflicts
        assert kept or key in excused, f"entry {e.seq} of {e.stream} is nowhere"
    known = {(e.stream, e.seq) for e in emitted}
    for key in rows:
        assert key in known, f"{key} was never emitted"


def _nothing_twice(rows: dict[Key, sqlite3.Row], emitted: list[Emitted]) -> None:
    """Every body of a test is unique, so one in two places is one reading stored twice."""
    unique = len({e.body for e in emitted}) == len(emitted)
    bodies = [bytes(r["body"]) for r in rows.values() if r["status"] == "stored"]
    assert not unique or len(set(bodies)) == len(bodies), "a reading is stored twice"


def _originals(spool: sqlite3.Connection, rows: dict[Key, sqlite3.Row], emitted: list[Emitted]) -> None:
    """An original is in the spool until the store has had it for long; what the spool believes sent is an entry."""
    held = {
        (stream, seq): (bytes(body), sent)
        for stream, seq, body, sent in spool.execute(
            "SELECT s.stream, w.seq, w.body, w.sent_at FROM withheld w JOIN stream s ON s.number = w.stream"
        )
    }
    for e in emitted:
        key = (e.stream, e.seq)
        in_store = key in rows and bytes(rows[key]["body"]) == e.original
        body, sent = held.get(key, (None, None))
        if e.original is not None and sent is not None:
            assert in_store, f"the original of entry {e.seq} is believed sent and is not in the store"
        if e.original is not None and body is None:
            assert in_store, f"the original of entry {e.seq} is nowhere"


def _watermarks(
    spool: sqlite3.Connection, store: sqlite3.Connection, rows: dict[Key, sqlite3.Row], put_back: bool
) -> None:
    (epoch,) = store.execute("SELECT epoch FROM identity").fetchone()
    (record,) = store.execute("SELECT store FROM identity").fetchone()
    (paired,) = spool.execute("SELECT store FROM meta").fetchone()
    through = {}
    for r in store.execute("SELECT stream, through FROM stream"):
        through[r["stream"]] = r["through"]
        lost = set()
        for gone in lost_between(store, r["stream"], 1, r["through"] + 1):
            lost |= set(range(gone.first, gone.last + 1))
        present = sum((r["stream"], seq) in rows or seq in lost for seq in range(1, r["through"] + 1))
        assert present == r["through"], "a row below the watermark is missing"
        beyond = (r["stream"], r["through"] + 1) in rows or r["through"] + 1 in lost
        assert not beyond, "the watermark stands still"
    for stream, confirmed, told, head in spool.execute("SELECT stream, through, epoch, head FROM stream"):
        assert 0 <= confirmed <= head
        if told == epoch and paired == record and not put_back:
            assert confirmed <= through.get(stream, 0), "the spool believes more than the store has"


def _attribution(store: sqlite3.Connection, emitted: list[Emitted]) -> None:
    truth = {(e.stream, e.seq): e.truth for e in emitted}
    through = {r["stream"]: r["through"] for r in store.execute("SELECT stream, through FROM stream")}
    for each in {e.truth for e in emitted if e.truth}:
        for r in measurement(store, each).readings:
            assert truth[r.stream, r.seq] == each, "a reading is attached to a measurement it was not taken in"
            assert r.seq <= through[r.stream], "a reading is attached beyond the watermark"


def _completeness(
    spool: sqlite3.Connection, store: sqlite3.Connection, emitted: list[Emitted], excused: Collection[Key]
) -> None:
    counts: dict[str, int] = {}
    for e in emitted:
        counts[e.stream] = counts.get(e.stream, 0) + 1
    heads = dict(spool.execute("SELECT stream, head FROM stream").fetchall())
    unsure = {stream for stream, _ in excused}
    for r in store.execute("SELECT * FROM stream"):
        if completeness(store, r["stream"]) == "complete" and r["stream"] not in unsure:
            assert counts.get(r["stream"], 0) == r["final"], "a stream is called complete and is not"
            assert heads.get(r["stream"], 0) <= r["final"]
