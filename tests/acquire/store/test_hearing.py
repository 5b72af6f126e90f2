"""What a message says of its stream beside the entries (docs/noloss.md rules 4.4, 4.12 and section 9.8)."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from test_attribution import reading
from test_taking import S, T, batch, give, lost, message, store

from acquire.store import clock, entries, streams
from acquire.store.database import identity
from acquire.store.streams import Stream
from acquire.store.tails import declare_ended

__all__ = ["store"]

OTHER = "2f1e4c1e-63d5-4f0c-9a53-0d6a4e1c7a11"


def of(store: sqlite3.Connection, stream: str = S) -> Stream:
    found = streams.named(store, stream)
    assert found is not None
    return found


def said(store: sqlite3.Connection, stream: str, epoch: str | None, **more: Any) -> None:
    """A question of a stream of e-1."""
    give(store, message(stream, 1, [], epoch=epoch, **more))


def two_sources(store: sqlite3.Connection) -> list[tuple[str, str, int]]:
    rows = store.execute("SELECT subject, message, count FROM alarm WHERE what = 'two sources'")
    return [tuple(row) for row in rows]


def hosts_sealed(store: sqlite3.Connection) -> list[Any]:
    rows = store.execute("SELECT detail FROM seal WHERE what IN ('begun', 'host') ORDER BY n")
    return [json.loads(detail)["host"] for (detail,) in rows]


ALARM = ("e-1", "Two sources send readings for e-1.")


# --- head and end (4.4) ---------------------------------------------------------------------------------------------


def test_an_end_is_kept_once_heard_and_the_head_only_grows(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1)], head=3))
    assert (of(store).head, of(store).ended, of(store).final, of(store).why) == (3, None, None, None)
    give(store, message(S, 2, [], head=2, ended="closed", why="The switch was turned."))
    assert (of(store).head, of(store).ended, of(store).final, of(store).why) == (
        3,
        "closed",
        2,
        "The switch was turned.",
    )
    give(store, message(S, 2, [], head=4, ended="crash", why="Another."))
    give(store, message(S, 2, [], head=1))
    assert (of(store).head, of(store).ended, of(store).final, of(store).why) == (
        4,
        "closed",
        2,
        "The switch was turned.",
    )


def test_of_the_sentence_with_an_end_300_characters_are_kept_and_none_that_writes_a_line(
    store: sqlite3.Connection,
) -> None:
    give(store, message(S, 1, [], ended="link-lost", why="\n" + "y" * 400))
    assert of(store).why == "�" + "y" * 299
    give(store, message(T, 1, [], ended="link-lost", why=""))
    assert of(store, T).why is None


# --- a declared end is taken back (section 9.8) ---------------------------------------------------------------------


def test_a_source_that_comes_back_takes_the_declaration_back_and_what_it_holds_is_stored(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(store, message(S, 1, [reading(1)], head=5))
    monkeypatch.setattr(clock, "boot", lambda: "another boot")
    store.execute("BEGIN IMMEDIATE")
    declare_ended(store, S)
    store.execute("COMMIT")
    assert (of(store).ended, of(store).final, of(store).through, lost(store)) == ("declared", 5, 5, [(2, 5)])
    done = give(store, message(S, 6, [reading(6)], oldest=3))
    assert done.answers[0].through == 2, "the first is stored, the second is gone, the others are on their way"
    assert (of(store).ended, of(store).final, of(store).why) == (None, None, None)
    done = give(store, message(S, 3, [reading(n) for n in (3, 4, 5)], oldest=3, head=6, ended="closed"))
    assert (done.answers[0].through, of(store).ended, of(store).final) == (6, "closed", 6)
    assert entries.counts(store) == {"stored": 5, "lost": 1}


# --- where its source sends batches ---------------------------------------------------------------------------------


def test_a_source_that_moves_to_another_host_is_believed_there_and_the_move_is_sealed(
    store: sqlite3.Connection,
) -> None:
    give(store, message(S, 1, [reading(1)], host="room-1"))
    give(store, message(S, 2, [reading(2)], host="room-1"))
    assert hosts_sealed(store) == ["room-1"]
    assert give(store, batch((S, 3, [reading(3)]))).batches == [], "host h has not been named"
    give(store, message(S, 3, [reading(3)], host="h"))
    assert (hosts_sealed(store), of(store).host) == (["room-1", "h"], "h")
    assert give(store, batch((S, 4, [reading(4)]))).batches[0].through == {S: 4}
    assert hosts_sealed(store) == ["room-1", "h"]


# --- when, and who waits (4.9, 4.10) --------------------------------------------------------------------------------


def test_a_message_says_which_epoch_its_source_knows_and_what_waits(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, epoch = identity(store)
    store.execute("UPDATE identity SET start = 3")
    monkeypatch.setattr(clock, "monotonic_s", lambda: 1000.0)
    monkeypatch.setattr(clock, "boot", lambda: "this boot")
    said(store, S, epoch, older=2)
    said(store, T, None)
    one, other = of(store), of(store, T)
    assert (one.ready_epoch, one.older, one.heard_start) == (epoch, 2, 3)
    assert (one.heard_boot, one.heard_s) == ("this boot", 1000.0)
    assert (other.ready_epoch, other.older) == (None, 0)
    assert one.last_heard.endswith("Z")
    assert other.heard > one.heard, "the one heard last has the higher count"


# --- two sources of one instrument (4.12) ---------------------------------------------------------------------------


def test_a_second_source_is_told_once_and_not_again_with_each_message(store: sqlite3.Connection) -> None:
    _, epoch = identity(store)
    said(store, S, epoch)
    said(store, T, epoch, source=OTHER)
    for _ in range(3):
        said(store, S, epoch)
        said(store, T, epoch, source=OTHER)
    assert two_sources(store) == [(*ALARM, 1)]


def test_a_second_source_is_told_when_it_learns_the_epoch(store: sqlite3.Connection) -> None:
    _, epoch = identity(store)
    said(store, S, epoch)
    said(store, T, None, source=OTHER)
    assert two_sources(store) == [], "it may have spoken before a restore"
    said(store, T, epoch, source=OTHER)
    assert two_sources(store) == [(*ALARM, 1)]


def test_a_second_source_is_told_when_it_is_heard_again_after_a_silence(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, epoch = identity(store)
    now = clock.monotonic_s()
    said(store, S, epoch)
    monkeypatch.setattr(clock, "monotonic_s", lambda: now + 100.0)
    said(store, T, epoch, source=OTHER)
    assert two_sources(store) == [], "the first has been silent for more than a minute"
    said(store, S, epoch)
    assert two_sources(store) == [(*ALARM, 1)]


def test_an_end_or_another_stream_of_the_same_source_is_no_second_source(store: sqlite3.Connection) -> None:
    _, epoch = identity(store)
    said(store, S, epoch)
    said(store, T, epoch)
    assert two_sources(store) == [], "a source may have several streams of an instrument"
    ended = "6b1f3c46-0a6b-5a35-a7a9-3a3f1d51a7c0"
    said(store, ended, epoch, source=OTHER, ended="closed")
    assert two_sources(store) == [], "a stream that has ended sends no more readings"
