"""An entry whose key is taken, and one that the database refuses by itself (docs/noloss.md rules 4.2 and 4.3)."""

from __future__ import annotations

import sqlite3

import pytest
from test_attribution import begin, end, reading, stand_in
from test_hearing import of
from test_taking import S, T, alarms, give, message, store

from acquire.canonical import digest, utc_now
from acquire.checksum import checksum, seed
from acquire.store import entries
from acquire.store.compare import insert_rows
from acquire.store.database import transaction
from acquire.store.entries import KIND, Row
from acquire.store.sealing import Sealing
from acquire.store.seals import verify_streams

__all__ = ["store"]

M = "0b7c2a52-6b0e-4b0e-8d0e-0d8f7f3f0a01"


def conflicts(store: sqlite3.Connection) -> list[tuple[int, bytes]]:
    rows = store.execute("SELECT seq, body, digest, settled FROM conflicts ORDER BY seq, received_at").fetchall()
    assert all(row["digest"] == digest(row["body"]) and row["settled"] is None for row in rows)
    return [(row["seq"], row["body"]) for row in rows]


def seals(store: sqlite3.Connection, what: str) -> list[int]:
    return [seq for (seq,) in store.execute("SELECT seq FROM seal WHERE what = ? ORDER BY n", (what,))]


def body(store: sqlite3.Connection, seq: int) -> bytes:
    entry = entries.entry_at(store, S, seq)
    assert entry is not None
    return entry.body


# --- the same again -------------------------------------------------------------------------------------------------


def test_the_same_content_again_changes_nothing(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1), reading(2)]))
    given = store.execute("SELECT * FROM entries").fetchall()
    give(store, message(S, 1, [reading(1), reading(2)]))
    assert store.execute("SELECT * FROM entries").fetchall() == given
    assert (conflicts(store), alarms(store)) == ([], [])


def test_what_waited_and_comes_again_with_what_was_missing_keeps_when_it_was_received(
    store: sqlite3.Connection,
) -> None:
    give(store, message(S, 3, [reading(3), reading(4)]))
    give(store, message(S, 1, [reading(n) for n in range(1, 5)]))
    assert [n for (n,) in store.execute("SELECT received FROM entries ORDER BY seq")] == [2, 2, 1, 1]
    assert list(verify_streams(store)) == []


# --- other contents -------------------------------------------------------------------------------------------------


def test_another_content_is_kept_sealed_once_and_told_every_time(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1), reading(2)]))
    for _ in range(2):
        give(store, message(S, 2, [reading(8), reading(3)]))
    give(store, message(S, 2, [reading(9)], head=3))
    assert body(store, 2) == reading(2), "nothing is overwritten"
    assert conflicts(store) == [(2, reading(8)), (2, reading(9))]
    assert seals(store, "conflict") == [2, 2]
    assert alarms(store) == [("conflict", S, f"Entry 2 of stream {S} came with two contents.")]
    assert store.execute("SELECT count FROM alarm").fetchone()[0] == 3
    assert list(verify_streams(store)) == []


def test_two_contents_in_one_transaction_are_a_conflict(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1)]), message(S, 1, [reading(2)]), message(T, 1, [reading(3)]))
    assert (body(store, 1), conflicts(store)) == (reading(1), [(1, reading(2))])
    assert list(verify_streams(store)) == []


def test_another_content_than_a_stand_in_stands_for_is_kept_and_no_conflict_to_be_told_of(
    store: sqlite3.Connection,
) -> None:
    give(store, message(S, 1, [stand_in(reading(1))]))
    give(store, message(S, 1, [reading(8)]))
    assert body(store, 1) == stand_in(reading(1))
    assert (conflicts(store), seals(store, "conflict"), alarms(store)) == ([(1, reading(8))], [1], [])


def test_a_reading_that_names_a_digest_gives_way_to_nothing(store: sqlite3.Connection) -> None:
    named = reading(1, note="looks like a stand-in", sha256=digest(reading(2)).hex())
    give(store, message(S, 1, [named]))
    give(store, message(S, 1, [reading(2)]))
    assert (body(store, 1), conflicts(store)) == (named, [(1, reading(2))])
    assert [what for what, _, _ in alarms(store)] == ["conflict"]


def test_a_stand_in_where_its_original_or_another_is_changes_nothing(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1)]))
    give(store, message(S, 1, [stand_in(reading(1))]))
    give(store, message(S, 1, [stand_in(reading(2))]))
    assert (body(store, 1), conflicts(store), seals(store, "conflict"), alarms(store)) == (reading(1), [], [], [])


# --- originals ------------------------------------------------------------------------------------------------------


def test_originals_take_the_place_of_their_stand_ins_and_say_when_they_came(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [stand_in(reading(n)) for n in (1, 2, 3)]))
    done = give(
        store, message(S, 3, [reading(3)]), message(S, 2, [reading(2)], head=3), message(S, 2, [reading(2)], head=3)
    )
    assert (body(store, 2), body(store, 3), done.originals) == (reading(2), reading(3), {S: 2})
    assert [n for (n,) in store.execute("SELECT received FROM entries ORDER BY seq")] == [1, 2, 2]
    assert store.execute("SELECT count(*) FROM received").fetchone()[0] == 2
    assert (seals(store, "original"), conflicts(store), alarms(store)) == ([2, 3], [], [])
    assert list(verify_streams(store)) == []


def test_it_is_counted_what_is_new(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1), stand_in(reading(2)), stand_in(reading(3))]))
    stream, originals = of(store), {S: 9}

    def row(seq: int, content: bytes) -> Row:
        check = checksum(seed(S), seq, content)
        return Row(stream.number, seq, KIND["scalar"], 0, None, content, check, None, None, 7)

    def insert(*rows: Row) -> tuple[int, bool]:
        with transaction(store):
            return insert_rows(store, Sealing(store, at=utc_now()), list(rows), {S: stream}, originals)

    assert insert(row(1, reading(1))) == (0, False)
    assert insert(row(4, reading(4)), row(5, reading(5))) == (2, True)
    assert insert(row(5, reading(5)), row(2, reading(2)), row(6, reading(6)), row(3, reading(3))) == (3, False)
    assert originals == {S: 2}


# --- what the database refuses --------------------------------------------------------------------------------------


@pytest.fixture
def fussy(store: sqlite3.Connection) -> sqlite3.Connection:
    """A store that refuses what is of element T-13."""
    store.execute(
        "CREATE TRIGGER fussy BEFORE INSERT ON entries WHEN NEW.element = 'T-13' OR NEW.measurement IS NOT NULL"
        f" BEGIN SELECT RAISE(ABORT, 'not this one{'!' * 300}'); END"
    )
    return store


def test_what_the_database_refuses_by_itself_is_refused_with_its_body_and_the_others_are_stored(
    fussy: sqlite3.Connection,
) -> None:
    bodies = [reading(1), reading(2, element="T-13"), reading(3, element="T-1"), begin(M), end(M)]
    done = give(fussy, message(S, 1, bodies))
    assert done.answers[0].through == 5
    found = list(entries.between(fussy, S, 1, 9))
    assert [(e.body, e.status, e.kind) for e in found] == [
        (bodies[0], "stored", "scalar"), (bodies[1], "refused", "invalid"), (bodies[2], "stored", "scalar"),
        (bodies[3], "refused", "invalid"), (bodies[4], "refused", "invalid"),
    ]  # fmt: skip
    assert [(e.element, e.measurement) for e in found] == [(None, None)] * 2 + [("T-1", None)] + [(None, None)] * 2
    reason = str(found[1].reason)
    assert reason.startswith("the database refused it: not this one!")
    assert len(reason) == 300
    assert list(verify_streams(fussy)) == []
    give(fussy, message(S, 1, bodies))
    assert (conflicts(fussy), list(entries.between(fussy, S, 1, 9))) == ([], found)
