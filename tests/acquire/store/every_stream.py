"""A store with rows of every kind that the streams have, two at least of each."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from acquire.canonical import canonical, digest
from acquire.store.ingest import ingest
from acquire.store.tails import declare_ended

MEASUREMENT = "1d2c7a52-3a0f-4d53-9a77-2ec4f0a0a7b1"


def reading(n: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "scalar", "quantity": "charge", "unit": "C", "value": n * 1e-9, "monotonic_s": float(n),
        "time": "2027-02-03T09:12:00.000000Z", "raw": f"+{n:07d}",
    } | more  # fmt: skip


def mark(what: str) -> dict[str, Any]:
    return {
        "kind": "marker",
        "mark": what,
        "measurement": MEASUREMENT,
        "session": "S-1",
        "step": "1",
        "time": "2027-02-03T09:12:00.000000Z",
    }


def give(store: sqlite3.Connection, stream: str, first: int, bodies: list[Any], **more: Any) -> None:
    """A message of a stream, whose instrument is named after it; its head is the last entry."""
    said = {
        "schema": "readings/1", "stream": stream, "first_seq": first, "source": f"of-{stream}", "oldest": 1,
        "head": first + len(bodies) - 1, "ended": None, "ask": "a", "epoch": None, "older": 0, "readings": bodies,
    } | more  # fmt: skip
    done = ingest(store, "clinic", [(f"dosimetry/v1/clinic/e-{stream}/readings", json.dumps(said).encode())])
    assert done.unreadable == 0


def stand_in(of: dict[str, Any]) -> dict[str, Any]:
    body = canonical(of)
    return {"kind": "withheld", "reason": "too large", "bytes": len(body), "sha256": digest(body).hex()}


def filled(store: sqlite3.Connection) -> None:
    """Streams that are measured in, end, lose entries and find them again, conflict, and are declared ended."""
    give(store, "s-1", 1, [mark("begin"), reading(2, element="T-1"), reading(3), mark("end")], host="room-1")
    gap = {"kind": "gap", "reason": "no reply", "count": 1, "from": "a", "to": "b"}
    give(store, "s-1", 5, [gap, reading(6, element="T-2", note="y" * 2000), reading(7)], host="room-2", head=9)
    for n in (1, 2):
        give(store, "s-1", 3, [reading(3, value=n * 0.5)], head=9)
    give(store, "s-2", 1, [reading(1), stand_in(reading(2)), reading(3), stand_in(reading(4)), reading(5)])
    give(store, "s-2", 2, [reading(2)], head=5)
    give(store, "s-2", 8, [stand_in(reading(8))], head=9)  # not passed when its original comes
    for n in (4, 8):
        give(store, "s-2", n, [reading(n)], head=9)
    give(store, "s-2", 6, [reading(6), reading(7)], head=9, ended="link-lost", why="The cable was pulled.")
    give(store, "s-3", 11, [reading(11)], oldest=11)
    give(store, "s-3", 4, [reading(4)], head=11, oldest=4)
    give(store, "s-3", 15, [reading(15)], oldest=15)
    give(store, "s-3", 13, [reading(13)], head=15, oldest=13, ended="closed")
    for stream, oldest in (("s-4", 1), ("s-5", 3)):
        give(store, stream, 1, [reading(1)], head=6)
        store.execute("UPDATE streams SET heard_boot = 'another' WHERE stream = ?", (stream,))
        store.execute("BEGIN IMMEDIATE")
        declare_ended(store, stream)
        store.execute("COMMIT")
        give(store, stream, oldest + 1, [reading(n) for n in range(oldest + 1, 7)], oldest=oldest, head=7)
    give(store, "s-6", 1, [reading(1)], ended="closed")
