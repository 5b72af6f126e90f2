"""One transaction of the store: what moves, what is answered and to whom, what is lost (docs/noloss.md 4.1 to 4.7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
from test_attribution import SOURCE, reading, stand_in

from acquire.bus.names import Topics
from acquire.canonical import canonical
from acquire.checksum import checksum, seed
from acquire.store import ingest as module
from acquire.store import streams
from acquire.store.database import connect, migrate, transaction
from acquire.store.derived import Connection
from acquire.store.ingest import BatchAnswer, Ingested, Watermark, ingest, ingest_one_by_one
from acquire.store.seals import verify_streams
from acquire.store.tails import declare_ended

TOPICS = Topics("clinic")
S, T = (str(uuid5(NAMESPACE_OID, each)) for each in ("s", "t"))
LOST = "are lost: the source no longer holds them."


@pytest.fixture
def store() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None, factory=Connection)) as connection:
        connection.row_factory = sqlite3.Row
        migrate(connection)
        yield connection


def message(stream: str, first: int, bodies: Sequence[bytes], **more: Any) -> tuple[str, bytes]:
    """A readings message of e-1."""
    instrument = more.pop("instrument", "e-1")
    said = {
        "schema": "readings/1", "stream": stream, "first_seq": first, "source": SOURCE, "ended": None, "ask": SOURCE,
        "head": first + len(bodies) - 1, "oldest": 1, "epoch": None, "older": 0, "host": "h",
    } | more  # fmt: skip
    return TOPICS.readings(instrument), canonical(said)[:-1] + b',"readings":[' + b",".join(bodies) + b"]}"


def batch(*parts: tuple[str, int, list[bytes]], ask: str = SOURCE, source: str = SOURCE) -> tuple[str, bytes]:
    """A batch of host h."""
    written = []
    for stream, first, bodies in parts:
        sums = [checksum(seed(stream), seq, body) for seq, body in enumerate(bodies, first)]
        said = {"stream": stream, "first_seq": first, "head": first + len(bodies) - 1, "oldest": 1, "ended": None,
                "older": 0, "checksums": sums}  # fmt: skip
        written.append(canonical(said)[:-1] + b',"readings":[' + b",".join(bodies) + b"]}")
    said = {"schema": "batch/1", "source": source, "ask": ask, "epoch": None}
    return TOPICS.batch("h"), canonical(said)[:-1] + b',"parts":[' + b",".join(written) + b"]}"


def give(store: sqlite3.Connection, *messages: tuple[str, bytes]) -> Ingested:
    return ingest(store, "clinic", messages)


def alarms(store: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in store.execute("SELECT what, subject, message FROM alarm ORDER BY id")]


def lost(store: sqlite3.Connection) -> list[tuple[int, int]]:
    return [tuple(row) for row in store.execute("SELECT first, last FROM lost ORDER BY first")]


# --- watermarks and answers -----------------------------------------------------------------------------------------


def statements(store: sqlite3.Connection, *messages: tuple[str, bytes]) -> list[str]:
    """What is asked of the table of streams while these messages are taken."""
    asked: list[str] = []
    store.set_trace_callback(asked.append)
    give(store, *messages)
    store.set_trace_callback(None)
    return [each for each in asked if "FROM streams" in each]


def test_a_stream_is_not_read_again_while_nobody_else_writes(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "store.db", create=True)) as store:
        give(store, message(S, 1, [reading(1)]))
        assert statements(store, message(S, 2, [reading(2)])) == []
        assert len(statements(store, message(S, 3, [reading(3)]), message(T, 1, [reading(1)], instrument="e-2"))) > 0
        assert statements(store, message(S, 4, [reading(4)]), message(T, 2, [reading(2)], instrument="e-2")) == []


def test_what_another_process_made_of_a_stream_is_seen_at_once(tmp_path: Path) -> None:
    """Declared ended beside the service: what the source says then takes it back, as it does where it was read."""
    path = tmp_path / "store.db"
    with closing(connect(path, create=True)) as store, closing(connect(path)) as other:
        give(store, message(S, 1, [reading(1)], head=3))
        other.execute("UPDATE streams SET heard_s = heard_s - 3600")
        with transaction(other):
            declare_ended(other, S)
        assert lost(store) == [(2, 3)]
        assert statements(store, message(S, 2, [reading(2)], head=3)) != []
        assert tuple(store.execute("SELECT through, ended FROM streams").fetchone()) == (2, None)
        assert list(verify_streams(store)) == []


def test_a_transaction_that_failed_leaves_nothing_of_its_streams(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "store.db", create=True)) as store:
        give(store, message(S, 1, [reading(1)]))
        store.execute(
            "CREATE TEMPORARY TRIGGER broken BEFORE INSERT ON received BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        with pytest.raises(sqlite3.IntegrityError, match="full"):
            give(store, message(S, 2, [reading(2)]))
        store.execute("DROP TRIGGER broken")
        done = give(store, message(S, 2, [reading(2)]))
        assert done.moved == {S: (1, 2, True)}
        assert list(verify_streams(store)) == []


def test_an_answer_says_how_far_which_record_has_which_stream(store: sqlite3.Connection) -> None:
    life = streams.life(store)
    done = give(store, message(S, 1, [reading(1), reading(2)]))
    assert done.answers == [Watermark("e-1", S, 2, life.store, life.epoch, SOURCE)]
    assert done.moved == {S: (0, 2, True)}
    assert (done.originals, done.unreadable, done.batches, done.onlookers) == ({}, 0, [], [])
    done = give(store, message(S, 3, [reading(3)]), message(S, 4, [reading(4)]))
    assert [a.through for a in done.answers] == [4], "one for each stream and ask"
    assert done.moved == {S: (2, 4, True)}


def test_a_question_is_answered_though_nothing_is_new(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1)]))
    receipts = store.execute("SELECT count(*) FROM received").fetchone()[0]
    again = give(store, message(S, 1, [reading(1)]), message(S, 2, [], ask=T), message(T, 1, []))
    assert {(a.stream, a.through, a.query) for a in again.answers} == {(S, 1, SOURCE), (S, 1, T), (T, 0, SOURCE)}
    assert again.moved == {}
    assert store.execute("SELECT count(*) FROM received").fetchone()[0] == receipts


def test_the_watermark_waits_at_a_gap_and_goes_on_over_what_was_there(store: sqlite3.Connection) -> None:
    assert give(store, message(S, 4, [reading(4), reading(5)])).answers[0].through == 0
    assert give(store, message(S, 1, [reading(1)], head=5)).answers[0].through == 1
    done = give(store, message(S, 3, [reading(3)], head=5), message(S, 2, [reading(2)], head=5))
    assert done.answers[0].through == 5
    assert done.moved == {S: (1, 5, False)}


def test_messages_of_one_transaction_may_overtake_each_other(store: sqlite3.Connection) -> None:
    parts = [message(S, first, [reading(first), reading(first + 1)]) for first in (5, 1, 3)]
    assert give(store, *parts).answers[0].through == 6


# --- loss -----------------------------------------------------------------------------------------------------------


def test_what_the_source_no_longer_holds_is_ranges_and_never_rows(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1)]), message(S, 4, [reading(4)]))
    done = give(store, message(S, 10**15, [reading(9)], oldest=10**15))
    assert done.answers[0].through == 10**15
    assert lost(store) == [(2, 3), (5, 10**15 - 1)]
    assert alarms(store) == [("lost", S, f"Entries of stream {S} {LOST}")]
    (count,) = store.execute("SELECT count(*) FROM entries").fetchone()
    assert count == 3, "an entry that lies in it stays what it is"


def test_what_was_confirmed_before_it_was_dropped_is_not_lost(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1), reading(2)]))
    assert give(store, message(S, 3, [reading(3)], oldest=3)).answers[0].through == 3
    assert give(store, message(S, 5, [], oldest=2, head=4)).answers[0].through == 3
    assert lost(store) == []
    assert alarms(store) == []


def test_the_farthest_word_of_a_transaction_counts_whatever_comes_after_it(store: sqlite3.Connection) -> None:
    done = give(store, message(S, 5, [reading(5)], oldest=5), message(S, 2, [reading(2)], oldest=2, head=5))
    assert done.answers[0].through == 5
    assert lost(store) == [(1, 1), (3, 4)]


def test_one_that_is_all_that_is_missing_is_a_range_of_one(store: sqlite3.Connection) -> None:
    assert give(store, message(S, 2, [reading(2)], oldest=2)).answers[0].through == 2
    assert lost(store) == [(1, 1)]


@pytest.mark.parametrize("ended", ["restored", "receded"])
def test_above_an_unknown_tail_what_was_heard_of_is_lost(store: sqlite3.Connection, ended: str) -> None:
    give(store, message(S, 1, [reading(1), reading(2)], head=9))
    give(store, message(S, 6, [reading(6)], head=9))
    done = give(store, message(S, 3, [reading(3)], head=3, ended=ended))
    assert done.answers[0].through == 9
    assert lost(store) == [(4, 5), (7, 9)]
    assert [what for what, _, _ in alarms(store)] == ["lost"]


@pytest.mark.parametrize("ended", ["closed", "crash", "link-lost", "spool-full", None])
def test_above_any_other_head_nothing_is_lost(store: sqlite3.Connection, ended: str | None) -> None:
    give(store, message(S, 1, [reading(1)], head=9))
    assert give(store, message(S, 2, [reading(2)], head=2, ended=ended)).answers[0].through == 2
    assert lost(store) == []


def test_nothing_is_lost_above_an_unknown_tail_that_is_all_there(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1), reading(2), reading(3)]))
    done = give(store, message(S, 3, [], head=2, ended="restored"))
    assert done.answers[0].through == 3
    assert (lost(store), alarms(store)) == ([], [])


# --- damage on the way ----------------------------------------------------------------------------------------------


def test_altered_entries_are_left_out_counted_and_taken_when_they_come_whole(store: sqlite3.Connection) -> None:
    bodies = [reading(n) for n in range(1, 6)]
    sums = [checksum(seed(S), seq, body) for seq, body in enumerate(bodies, 1)]
    altered = [bodies[0], reading(77), reading(78), bodies[3], bodies[4]]
    done = give(store, message(S, 1, altered, checksums=sums))
    assert done.answers[0].through == 1
    text = f"2 entries of stream {S} came with altered bytes; its source sends them again."
    assert alarms(store) == [("damaged on the way", "e-1", text)]
    done = give(store, message(S, 2, bodies[1:3], checksums=sums[1:3], head=5))
    assert done.answers[0].through == 5
    stored = store.execute("SELECT CAST(body AS TEXT) ->> 'value' FROM entries ORDER BY seq").fetchall()
    assert [value for (value,) in stored] == [1.0, 2.0, 3.0, 4.0, 5.0]


# --- originals ------------------------------------------------------------------------------------------------------


def test_originals_that_come_after_all_are_told_by_the_first_of_them(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1), *(stand_in(reading(n)) for n in (2, 3)), reading(4)]))
    done = give(store, message(S, 3, [reading(3)], head=4), message(S, 2, [reading(2)], head=4))
    assert done.originals == {S: 2}
    assert done.moved == {}


# --- batches --------------------------------------------------------------------------------------------------------


def test_batches_are_answered_by_host_and_ask_and_onlookers_of_what_moved(store: sqlite3.Connection) -> None:
    life = streams.life(store)
    give(store, message(S, 1, [reading(1)]), message(T, 1, [reading(1)], instrument="e-2"))
    done = give(
        store, batch((S, 2, [reading(2)]), (T, 1, [reading(1)])), batch((S, 3, [reading(3)]), ask=T),
        batch((T, 2, [])),
    )  # fmt: skip
    assert done.answers == []
    assert done.batches == [
        BatchAnswer("h", life.store, life.epoch, SOURCE, {S: 3, T: 1}),
        BatchAnswer("h", life.store, life.epoch, T, {S: 3}),
    ]
    assert {(one.stream, one.through, one.instrument) for one in done.onlookers} == {(S, 3, "e-1")}


def test_a_part_of_another_source_is_kept_unread_and_not_answered(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1)]))
    done = give(store, batch((S, 2, [reading(2)]), source=T))
    assert (done.batches, done.moved, done.unreadable) == ([], {}, 1)
    (through,) = store.execute("SELECT through FROM streams").fetchone()
    assert through == 1


# --- one by one -----------------------------------------------------------------------------------------------------


def test_a_message_that_cannot_be_digested_holds_up_no_other(
    store: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give(store, message(S, 1, [reading(1)]), message(T, 1, [stand_in(reading(1))], instrument="e-2"))
    judge = module.judge_all

    def fussy(said: Any, place: Any) -> Any:
        rows = judge(said, place)
        if any(b"77" in row.body for row in rows):
            raise ValueError("not this one" + " at all" * 99)
        return rows

    monkeypatch.setattr(module, "judge_all", fussy)
    bad = message(S, 2, [reading(77)])
    with pytest.raises(ValueError, match="not this one"):
        give(store, bad)
    done = ingest_one_by_one(
        store, "clinic",
        [(TOPICS.readings("e-1"), b"noise"), bad, message(T, 1, [reading(1)], instrument="e-2"),
         batch((S, 2, [reading(2)]))],
    )  # fmt: skip
    assert done.unreadable == 2
    assert [(a.stream, a.through) for a in done.answers] == [(T, 1)]
    assert [b.through for b in done.batches] == [{S: 2}]
    assert [one.stream for one in done.onlookers] == [S]
    assert (done.moved, done.originals) == ({S: (1, 2, True)}, {T: 1})
    whys = {row["why"] for row in store.execute("SELECT why FROM unreadable")}
    (why,) = [each for each in whys if each.startswith("not digestible: ValueError('not this one at all")]
    assert len(why) == 200


def test_what_is_no_fault_of_a_message_is_raised_and_nothing_is_written(
    store: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(module.streams, "keep", full)
    for way in (ingest, ingest_one_by_one):
        with pytest.raises(sqlite3.OperationalError):
            way(store, "clinic", [message(S, 1, [reading(1)])])
    for table in ("streams", "entries", "unreadable"):
        assert store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
