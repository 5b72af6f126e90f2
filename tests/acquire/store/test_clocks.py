"""The store's clock decides nothing: who was heard, who is silent and what came first is counted (docs/noloss.md)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from every_stream import give, reading

from acquire.store import clock, streams
from acquire.store.attribution import outstanding, readings_of_element
from acquire.store.database import connect, identity
from acquire.store.tails import NotDeclared, completeness, declare_ended

CLOCKS = {"a day ahead": "2099-02-04T09:12:00.000000Z", "set back by years": "2001-02-03T09:12:00.000000Z"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "store.db", create=True)) as connection:
        connection.execute("UPDATE identity SET start = 1")
        yield connection


def starts(store: sqlite3.Connection) -> None:
    store.execute("UPDATE identity SET start = start + 1, started_at = '2050-01-01T00:00:00.000000Z'")


def set_clock(monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    for module in ("ingest", "compare", "originals", "tails", "sealing", "alarms"):
        monkeypatch.setattr(f"acquire.store.{module}.utc_now", lambda: at)


@pytest.mark.parametrize("then", CLOCKS)
@pytest.mark.parametrize("now", CLOCKS)
def test_a_session_waits_for_who_was_not_heard_since_the_start_whatever_the_clock_says(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, then: str, now: str
) -> None:
    """With a clock a day ahead that was set right, 404 readings that waited were closed over."""
    _, epoch = identity(store)
    set_clock(monkeypatch, CLOCKS[then])
    give(store, "s-1", 1, [reading(1)], epoch=epoch)
    assert outstanding(store, ["e-s-1"], []) == []
    starts(store)
    set_clock(monkeypatch, CLOCKS[now])
    assert "has not been heard since the store started" in outstanding(store, ["e-s-1"], [])[0]
    give(store, "s-1", 2, [reading(2)], epoch=epoch, older=1)
    assert "still holds 1 earlier stream(s)" in outstanding(store, ["e-s-1"], [])[0]
    give(store, "s-1", 3, [reading(3)], epoch=epoch)
    assert outstanding(store, ["e-s-1"], []) == [], "a clock set back does not make closing impossible"


@pytest.mark.parametrize("step", CLOCKS)
def test_the_newest_stream_is_the_one_heard_last(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from acquire.store.ingest import ingest  # noqa: PLC0415

    _, epoch = identity(store)
    give(store, "s-1", 1, [reading(1)], epoch=epoch, older=0)
    set_clock(monkeypatch, CLOCKS[step])
    said = (
        b'{"schema":"readings/1","stream":"s-2","first_seq":1,"source":"of-s-1","head":0,"oldest":1,"ended":null,'
        b'"ask":"a","epoch":"%b","older":1,"readings":[]}' % epoch.encode()
    )
    ingest(store, "clinic", [("dosimetry/v1/clinic/e-s-1/readings", said)])
    newest = streams.newest_of(store, "e-s-1")
    assert newest is not None
    assert newest.stream == "s-2"
    assert "still holds 1 earlier" in outstanding(store, ["e-s-1"], [])[0]


@pytest.mark.parametrize("step", CLOCKS)
def test_silence_is_told_by_the_monotonic_clock_and_another_boot_is_silent(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    set_clock(monkeypatch, CLOCKS[step])
    give(store, "s-1", 1, [reading(1)])
    assert completeness(store, "s-1") == "open"
    with pytest.raises(NotDeclared, match="less than 60 s ago"):
        declare_ended(store, "s-1")
    now = clock.monotonic_s()
    for later, said in ((59.0, "open"), (61.0, "unknown tail")):
        monkeypatch.setattr(clock, "monotonic_s", lambda later=later: now + later)
        assert completeness(store, "s-1") == said
    monkeypatch.setattr(clock, "monotonic_s", lambda: now)
    monkeypatch.setattr(clock, "boot", lambda: "another boot")
    assert completeness(store, "s-1") == "unknown tail"


def test_readings_of_an_element_come_in_the_order_they_were_received(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, CLOCKS["a day ahead"])
    give(store, "s-2", 1, [reading(1, element="T-1")])
    set_clock(monkeypatch, CLOCKS["set back by years"])
    give(store, "s-1", 1, [reading(2, element="T-1")])
    assert [r.stream for r in readings_of_element(store, "T-1")] == ["s-2", "s-1"]


@pytest.mark.parametrize("step", CLOCKS)
def test_two_sources_are_seen_whatever_the_clock_says(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from acquire.store.ingest import ingest  # noqa: PLC0415

    _, epoch = identity(store)
    give(store, "s-1", 1, [reading(1)], epoch=epoch)
    set_clock(monkeypatch, CLOCKS[step])
    said = (
        b'{"schema":"readings/1","stream":"s-2","first_seq":1,"source":"other","head":0,"oldest":1,"ended":null,'
        b'"ask":"a","epoch":"%b","older":0,"readings":[]}' % epoch.encode()
    )
    ingest(store, "clinic", [("dosimetry/v1/clinic/e-s-1/readings", said)])
    assert [what for (what,) in store.execute("SELECT what FROM alarm")] == ["two sources"]
