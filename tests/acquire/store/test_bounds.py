"""Nobody fills the disk with what costs nothing to say: streams, alarms, and what is counted instead of kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from acquire.store import alarms, entries, streams
from acquire.store.alarms import raise_alarm
from acquire.store.database import connect
from acquire.store.ingest import Ingested, ingest


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "store.db", create=True)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        yield connection


def say(store: sqlite3.Connection, stream: str, instrument: str = "e-1", **more: Any) -> Ingested:
    said = {"schema": "readings/1", "stream": stream, "first_seq": 1, "source": "a", "head": 0, "oldest": 1,
            "ended": None, "ask": "q", "epoch": None, "older": 0, "readings": []} | more  # fmt: skip
    return ingest(store, "clinic", [(f"dosimetry/v1/clinic/{instrument}/readings", json.dumps(said).encode())])


READING = {
    "kind": "scalar",
    "quantity": "charge",
    "unit": "C",
    "value": 1.0,
    "monotonic_s": 1.0,
    "time": "2027-02-03T09:12:00.000000Z",
    "raw": "1",
}


def test_an_instrument_has_so_many_streams_and_no_more_and_the_others_go_on(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_OF_INSTRUMENT", 5)
    for n in range(5):
        assert [a.through for a in say(store, f"s-{n}").answers] == [0]
    refused = say(store, "s-5", head=1, readings=[READING])
    assert (refused.answers, refused.unreadable) == ([], 1), "no answer: its source keeps what it has"
    assert [a.through for a in say(store, "s-4", head=1, readings=[READING]).answers] == [1], "what is there goes on"
    assert [a.through for a in say(store, "o-1", instrument="e-2").answers] == [0], "and so do other instruments"
    assert len(streams.every(store)) == 6
    found = dict(store.execute("SELECT what, subject FROM alarm").fetchall())
    assert found["too many streams"] == "e-1"
    monkeypatch.setattr(streams, "MOST_OF_INSTRUMENT", 6)
    assert [a.through for a in say(store, "s-5", head=1, readings=[READING]).answers] == [1], "sent again, it is taken"


def test_a_store_has_so_many_streams_whatever_the_instruments_are_called(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST", 20)
    for n in range(30):
        say(store, f"s-{n}", instrument=f"e-{n}")
    assert len(streams.every(store)) == 20
    assert store.execute("SELECT sum(count) FROM unreadable").fetchone()[0] == 10


def test_alarms_are_bounded_and_no_count_is_lost(store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "MOST_OF_KIND", 10)
    monkeypatch.setattr(alarms, "MOST", 25)
    for kind in ("lost", "conflict", "other"):
        for n in range(100):
            raise_alarm(store, kind, f"s-{n}", "A sentence.")
    raise_alarm(store, "lost", "s-3", "Another sentence.")
    rows, total = store.execute("SELECT count(*), sum(count) FROM alarm").fetchone()
    assert (rows <= 26, total) == (True, 301)
    assert store.execute("SELECT count FROM alarm WHERE what = 'lost' AND subject = 'more'").fetchone()[0] == 90
    assert store.execute("SELECT message FROM alarm WHERE subject = 's-3'").fetchone()[0] == "Another sentence."


def test_a_flood_of_streams_that_lose_raises_a_bounded_number_of_alarms(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "MOST_OF_KIND", 10)
    for n in range(50):
        say(store, f"s-{n}", head=10**6, oldest=10**6, first_seq=10**6, readings=[READING])
    assert store.execute("SELECT count(*), sum(count) FROM alarm").fetchone()[:] == (11, 50)
    assert entries.counts(store) == {"stored": 50, "lost": 50 * (10**6 - 1)}
