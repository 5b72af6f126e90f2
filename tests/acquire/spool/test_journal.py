"""The spool's file by itself: what it takes, refuses, gives back and remembers (docs/noloss.md sections 1 and 3)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest
import structlog

from acquire.canonical import canonical, digest
from acquire.checksum import checksum, seed
from acquire.instruments.entries import marker_body
from acquire.spool import entries, originals
from acquire.spool.entries import BESIDE
from acquire.spool.journal import Journal, MarkerAt, SpoolError, SpoolFull, StreamRow, stand_in
from acquire.spool.pruning import prune

RESERVE = 4096
ONE, TWO = "5f0c0e6a-6a2e-4a34-8d4c-0d1c3c3b2a01", "5f0c0e6a-6a2e-4a34-8d4c-0d1c3c3b2a02"


def body(n: int, size: int = 0) -> bytes:
    return canonical({"kind": "scalar", "raw": f"{n:+08d}" + "x" * size})


def opened(path: Path) -> Journal:
    journal = Journal(path, reserve=RESERVE)
    journal.db.execute("PRAGMA synchronous=OFF")
    return journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(opened(tmp_path / "spool.db")) as journal:
        yield journal


def filled(journal: Journal, count: int = 3) -> StreamRow:
    row = journal.open_stream("e-1")
    journal.append([(row.number, [(body(n), None) for n in range(1, count + 1)])])
    return row


def bodies(journal: Journal, number: int, first: int = 1, most: int = 99, size: int = 10**6) -> list[bytes]:
    return [each.body for each in journal.read(number, first, most, size)]


# --- opening --------------------------------------------------------------------------------------------------------


def test_a_new_file_is_ready_and_names_its_source(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "down" / "spool.db"
    with closing(opened(path)) as journal:
        assert UUID(journal.source)
        assert (journal.store, journal.epoch, journal.uptime_s, journal.moved_aside) == (None, None, 0.0, None)
        assert journal.streams() == []
        assert journal.has_room()
        pragmas = {"journal_mode": "wal", "auto_vacuum": 2, "user_version": 5}
        assert {each: journal.db.execute(f"PRAGMA {each}").fetchone()[0] for each in pragmas} == pragmas
        source = journal.source
    with closing(Journal(path, reserve=RESERVE)) as again:
        assert again.source == source
        assert again.db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL: a commit survives the power"


def test_whoever_asks_second_is_told_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(opened(path)) as first:
        filled(first)
        with pytest.raises(SpoolError, match=r"the spool .*spool\.db is in use by another process; stop that one"):
            Journal(path, reserve=RESERVE)
        assert [each.ended for each in first.streams()] == [None]
    with closing(opened(path)) as again:
        assert [each.ended for each in again.streams()] == ["crash"]


def test_a_file_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(opened(path)) as journal:
        journal.db.execute("PRAGMA user_version = 6")
        row = filled(journal)
    with pytest.raises(SpoolError, match=r"has schema 6, this program knows 5; use a newer one"):
        Journal(path, reserve=RESERVE)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT ended FROM stream WHERE number = ?", (row.number,)).fetchone() == (None,)
        db.execute("PRAGMA user_version = 5")
    with closing(opened(path)) as journal:
        assert bodies(journal, row.number) == [body(1), body(2), body(3)], "the lock was let go"


def test_a_damaged_file_is_moved_aside_and_work_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(opened(path)) as journal:
        source = journal.source
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with closing(opened(path)) as journal:
        assert journal.moved_aside == tmp_path / "spool.damaged-1.db"
        assert journal.moved_aside.stat().st_size == 5016
        assert journal.source != source, "a new file is a new source"


# --- appending ------------------------------------------------------------------------------------------------------


def test_entries_of_several_streams_go_in_together(journal: Journal) -> None:
    one, two = journal.open_stream("e-1"), journal.open_stream("e-2")
    assert (one.number, two.number, one.head, one.oldest, one.through) == (1, 2, 0, 1, 0)
    assert (one.ended, one.end_heard, one.epoch, one.instrument) == (None, 0, None, "e-1")
    done = journal.append([(one.number, [(body(1), None)]), (two.number, [(body(2), None), (body(3), None)])])
    again = journal.append([(two.number, [(body(4), None)]), (one.number, []), (two.number, [(body(5), None)])])
    assert [each.first for each in done] == [1, 1]
    assert [each.first for each in again] == [3, 2, 4], "a stream may come twice in a commit"
    assert done[1].checksums == [checksum(seed(two.stream), n, body(n + 1)) for n in (1, 2)]
    assert [(s.stream, s.head, s.instrument) for s in journal.streams()] == [
        (one.stream, 1, "e-1"),
        (two.stream, 4, "e-2"),
    ]
    assert bodies(journal, two.number) == [body(n) for n in (2, 3, 4, 5)]


def test_a_group_for_a_stream_that_has_ended_takes_all_others_with_it(journal: Journal) -> None:
    one, two = filled(journal), filled(journal)
    journal.end_stream(one.number, "link-lost")
    with pytest.raises(SpoolError, match="for a stream that has ended; it belongs to a new one"):
        journal.append([(two.number, [(body(9), None)]), (one.number, [(body(9), None)])])
    assert journal.append([(two.number, [(body(4), None)])])[0].first == 4, "no seq was used up"
    with pytest.raises(SpoolError, match="for a stream that has ended"):
        journal.withhold(one.number, body(9), "too large")


def test_a_commit_that_fails_uses_no_seq(journal: Journal) -> None:
    row = filled(journal)
    journal.db.execute("CREATE TRIGGER no BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'not now'); END")
    with pytest.raises(SpoolError, match=r"the spool .* cannot be used: not now"):
        journal.append([(row.number, [(body(4), None)])])
    with pytest.raises(SpoolError, match="not now"):
        journal.withhold(row.number, body(4), "too large")
    journal.db.execute("DROP TRIGGER no")
    assert journal.append([(row.number, [(body(4), None)])])[0].first == 4
    assert journal.streams()[0].head == 4


def test_an_end_comes_once_with_its_sentence(journal: Journal) -> None:
    row, other = filled(journal), filled(journal)
    journal.end_stream(row.number, "link-lost", "y" * 400)
    journal.end_stream(row.number, "closed", "later")
    assert [(s.ended, s.why) for s in journal.streams()] == [("link-lost", "y" * 300), (None, None)]
    journal.end_stream(other.number, "closed")
    assert (journal.streams()[1].ended, journal.streams()[1].why) == ("closed", None)


def test_what_is_full_takes_only_the_last_words(journal: Journal) -> None:
    row = filled(journal)
    journal.budget.full = "the test says so"
    with pytest.raises(SpoolFull, match=r"spool full: the test says so\."):
        journal.append([(row.number, [(body(4), None)])])
    with pytest.raises(SpoolFull, match=r"spool full: the test says so\."):
        journal.withhold(row.number, body(4), "too large")
    assert journal.append([(row.number, [(body(4), None)])], urgent=True)[0].first == 4
    assert journal.has_room(), "there is room again, and it is seen when somebody asks"
    journal.append([(row.number, [(body(5), None)])])


def test_a_budget_that_an_entry_would_burst_takes_it_not(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "spool.db", limit=600_000, reserve=RESERVE)) as journal:
        row = journal.open_stream("e-1")
        with pytest.raises(SpoolFull, match="the spool holds its budget"):
            journal.append([(row.number, [(body(n, 50_000), None) for n in range(12)])])
        journal.budget.full = None
        with pytest.raises(SpoolFull, match="the spool holds its budget"):
            journal.withhold(row.number, body(1, 600_000), "large")
        journal.budget.full = None
        journal.append([(row.number, [(body(1, 50_000), None)])])


# --- reading --------------------------------------------------------------------------------------------------------


def test_reading_keeps_to_count_and_size_and_always_gives_one(journal: Journal) -> None:
    row = filled(journal, 6)
    length = len(body(1)) + BESIDE
    assert bodies(journal, row.number, 2, 2) == [body(2), body(3)]
    assert bodies(journal, row.number, 1, 99, 3 * length) == [body(n) for n in (1, 2, 3)]
    assert bodies(journal, row.number, 1, 99, 3 * length - 1) == [body(1), body(2)]
    assert bodies(journal, row.number, 5, 99, 1) == [body(5)]
    assert bodies(journal, row.number, 7) == []
    assert bodies(journal, 99) == []
    journal.confirm([(row.number, 6, False)], "epoch", 1.0)
    assert prune(journal, row.stream, 3) == 4
    assert bodies(journal, row.number, 3) == [], "it does not begin where it was asked to"


def test_a_withheld_original_is_kept_and_its_stand_in_has_its_seq(journal: Journal) -> None:
    row = filled(journal)
    assert journal.withhold(row.number, body(4), "too large") == 4
    assert journal.append([(row.number, [(body(5), None)])])[0].first == 5
    read = journal.read(row.number, 4, 1, 10**6)[0]
    assert read.body == stand_in(body(4), "too large")
    assert read.checksum == checksum(seed(row.stream), 4, read.body)
    original = originals.original_of(journal.db, row.number, 4)
    assert original is not None
    assert (original.body, original.damaged) == (body(4), False)
    said = {"kind": "withheld", "reason": "too large", "bytes": len(body(4)), "sha256": digest(body(4)).hex()}
    assert read.body == canonical(said)
    assert journal.streams()[0].head == 5


def test_an_entry_is_replaced_by_its_stand_in_and_its_neighbours_are_not(journal: Journal) -> None:
    row = filled(journal)
    journal.replace(row.number, 2, "refused")
    assert bodies(journal, row.number) == [body(1), stand_in(body(2), "refused"), body(3)]
    kept = originals.original_of(journal.db, row.number, 2)
    assert kept is not None
    assert kept.body == body(2)


# --- markers --------------------------------------------------------------------------------------------------------


def test_markers_of_a_measurement_are_found_in_their_order(journal: Journal) -> None:
    one, two = filled(journal), journal.open_stream("e-2")

    def mark(number: int, what: str, measurement: str) -> None:
        journal.append([(number, [(marker_body(what, measurement, "S-1", "irradiate"), measurement)])])

    mark(two.number, "begin", TWO)
    mark(one.number, "begin", ONE)
    mark(one.number, "end", ONE)
    journal.end_stream(one.number, "closed")
    assert journal.markers(ONE) == [
        MarkerAt(one.stream, 4, "begin", "closed"),
        MarkerAt(one.stream, 5, "end", "closed"),
    ]
    assert journal.markers(TWO) == [MarkerAt(two.stream, 1, "begin", None)]
    assert journal.markers("none") == []


# --- what the store has said ----------------------------------------------------------------------------------------


def test_confirmations_go_up_and_are_forgotten_with_the_epoch(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(opened(path)) as journal:
        row = filled(journal)
        journal.pair("store")
        assert not journal.new_epoch("first", 5.0)
        journal.confirm([(row.number, 2, False)], "first", 10.0)
        journal.confirm([(row.number, 1, True)], "first", 20.0)
        held = journal.streams()[0]
        assert (held.through, held.end_heard, held.epoch) == (2, 1, "first")
    with closing(opened(path)) as journal:
        assert (journal.store, journal.epoch, journal.uptime_s) == ("store", "first", 20.0)
        assert not journal.new_epoch("first", 25.0), "the same epoch, and the store went back in it"
        held = journal.streams()[0]
        assert (held.through, held.end_heard, held.epoch) == (0, 0, "first")
        assert journal.db.execute("SELECT count(*) FROM confirmed").fetchone() == (0,)
        journal.confirm([(row.number, 2, False)], "first", 30.0)
        journal.pair("another")
        assert (journal.store, journal.epoch, journal.streams()[0].through) == ("another", None, 0)
    with closing(opened(path)) as journal:
        assert (journal.store, journal.epoch) == ("another", None)


def test_a_second_change_of_epoch_within_an_hour_is_two_stores(journal: Journal) -> None:
    assert not journal.new_epoch("a", 10.0), "the first one learned is no change"
    assert not journal.new_epoch("b", 20.0)
    assert not journal.new_epoch("b", 21.0)
    assert journal.new_epoch("c", 20.0 + 3599)
    (until,) = journal.db.execute("SELECT no_pruning_before FROM meta").fetchone()
    assert until == 20.0 + 3599 + 86400.0
    assert not journal.new_epoch("d", 20.0 + 3599 + 3600.0)
    assert journal.db.execute("SELECT no_pruning_before FROM meta").fetchone() == (until,)
    journal.pair("another")
    assert not journal.new_epoch("e", 20.0 + 3599 + 3601.0), "with another store it is a new beginning"


def test_the_newest_confirmation_moves_along_for_an_hour(journal: Journal) -> None:
    row = filled(journal, 9)
    for through, uptime_s in ((1, 0.0), (2, 100.0), (3, 3000.0), (4, 3600.0), (4, 4000.0), (5, 4100.0), (6, 7800.0)):
        journal.confirm([(row.number, through, False)], "epoch", uptime_s)
    kept = journal.db.execute("SELECT through, uptime_s FROM confirmed ORDER BY through").fetchall()
    assert kept == [(1, 0.0), (4, 3600.0), (6, 7800.0)]
    assert journal.uptime_s == 7800.0


def test_alarms_are_counted_and_say_the_last_thing(journal: Journal) -> None:
    journal.alarm("what", "whose", "first")
    journal.alarm("what", "whose", "second")
    journal.alarm("what", "another's", "third")
    rows = journal.db.execute("SELECT what, subject, message, count FROM alarm ORDER BY subject DESC").fetchall()
    assert rows == [("what", "whose", "second", 2), ("what", "another's", "third", 1)]
    assert journal.db.execute("SELECT count(*) FROM alarm WHERE last_at >= raised_at").fetchone() == (2,)


# --- a file that cannot be ------------------------------------------------------------------------------------------


def broken(*_: object) -> None:
    raise sqlite3.OperationalError("the test says so")


def test_where_no_file_can_be_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "spool.db"
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "_make_ready", broken)
        with pytest.raises(SpoolError, match=r"the spool .*spool\.db cannot be used: the test says so\."):
            Journal(path, reserve=RESERVE)
        assert list(tmp_path.iterdir()) == []
        patched.setattr("acquire.spool.file.problem", lambda _: "nothing can be written there")
        with pytest.raises(SpoolError, match=r"there can be no spool at .*spool\.db: nothing can be written there\."):
            Journal(path, reserve=RESERVE)
        assert list(tmp_path.iterdir()) == []
    opened(path).close()
    monkeypatch.setattr(Journal, "_make_ready", broken)
    with pytest.raises(SpoolError, match="cannot be used"):
        Journal(path, reserve=RESERVE)
    assert path.stat().st_size > 0, "a file that was there stays"


def test_a_lock_stays_beside_a_file_that_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "spool.db"
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "_end_all", broken)
        with pytest.raises(sqlite3.OperationalError):
            Journal(path, reserve=RESERVE)
    assert path.exists()
    assert (tmp_path / "spool.db.lock").exists()
    opened(path).close()


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = opened(tmp_path / "spool.db")
    journal.close()
    with pytest.raises(sqlite3.ProgrammingError):
        journal.db.execute("SELECT 1")


def test_a_disk_that_takes_no_more_is_a_full_spool_and_lets_the_reserve_go(journal: Journal) -> None:
    row = filled(journal)
    reserve = journal.path.with_name("spool.db.reserve")
    assert reserve.stat().st_size == RESERVE
    (pages,) = journal.db.execute("PRAGMA page_count").fetchone()
    journal.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SpoolFull, match=r"spool full: the spool's disk takes no more \(database or disk is full\)\."):
        journal.append([(row.number, [(body(n) + os.urandom(3000), None) for n in range(4, 40)])])
    assert not reserve.exists()
    assert journal.db.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,), "a checkpoint would eat the reserve"
    with pytest.raises(SpoolFull, match="takes no more"):
        journal.append([(row.number, [(body(4), None)])])
    assert bodies(journal, row.number) == [body(1), body(2), body(3)]
    journal.db.execute("PRAGMA max_page_count = 1000000")
    assert journal.has_room()
    assert journal.append([(row.number, [(body(4), None)])])[0].first == 4


def test_originals_that_are_wanted_are_told_stream_by_stream(journal: Journal) -> None:
    for _ in range(2):
        row = filled(journal)
        journal.withhold(row.number, body(4), "too large")
    originals.ask(journal.db)
    assert [(s.resend, s.resent) for s in journal.streams()] == [((4,), ()), ((4,), ())]
    with journal.writing() as db:
        originals.confirm(db, 2, 4, 1.0)
    assert [(s.resend, s.resent) for s in journal.streams()] == [((4,), ()), ((), (4,))]


def test_a_damaged_entry_is_told_to_whoever_reads_the_log(journal: Journal) -> None:
    row = filled(journal)
    with journal.writing() as db:
        db.execute("UPDATE entry SET checksum = checksum + 1 WHERE seq = 2")
    with structlog.testing.capture_logs() as said:
        assert [each.damaged for each in journal.read(row.number, 1, 9, 10**6)] == [False, True, False]
    assert [each["event"] for each in said] == [
        f"entry 2 of stream {row.stream} does not fit its checksum: it is kept aside and not sent."
    ]


# --- faults of the disk, and a file that is damaged while it is used ------------------------------------------------


@contextmanager
def refusing() -> Iterator[sqlite3.Connection]:
    raise SpoolFull("spool full: the test says so.")
    yield


def ends(journal: Journal) -> list[tuple[str | None, str | None]]:
    return [(s.ended, s.why) for s in journal.streams()]


def test_an_end_that_cannot_be_written_is_owed_and_written_once_there_is_room(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = filled(journal), filled(journal)
    told: list[tuple[int, str, str | None]] = []
    journal.on_ended = lambda number, ended, why: told.append((number, ended, why))
    with monkeypatch.context() as patched:
        patched.setattr(journal, "writing", refusing)
        with pytest.raises(SpoolFull):
            journal.end_stream(one.number, "spool-full", "no room")
        with pytest.raises(SpoolFull):
            journal.end_stream(one.number, "closed")
        assert not journal.has_room(), "an end is owed and cannot be written yet"
    assert ends(journal) == [(None, None), (None, None)]
    journal.append([(two.number, [(body(4), None)])])
    assert journal.has_room()
    assert ends(journal) == [("spool-full", "no room"), (None, None)]
    assert told == [(one.number, "spool-full", "no room")]
    with pytest.raises(SpoolError, match="has ended"):
        journal.append([(one.number, [(body(4), None)])])
    assert journal.has_room()
    assert len(told) == 1, "an end is owed once"


def test_what_was_not_told_as_appended_is_not_there_when_the_file_is_opened_anew(journal: Journal) -> None:
    """A commit that failed may be in the file all the same."""
    row, other = filled(journal), filled(journal)
    aside = Journal._open(journal)
    with aside:
        held = entries.rows(row.number, seed(row.stream), 4, [(body(44), None)])
        aside.executemany("INSERT INTO entry (stream, seq, body, measurement, checksum) VALUES (?, ?, ?, ?, ?)", held)
        aside.execute("UPDATE stream SET head = 4 WHERE number = ?", (row.number,))
        originals.keep(aside, row.number, 4, entries.held(seed(row.stream), 4, body(44)), "too large")
    aside.close()
    journal.disk_failed = True
    assert journal.has_room()
    assert not journal.disk_failed
    assert [s.head for s in journal.streams()] == [3, 3]
    assert originals.original_of(journal.db, row.number, 4) is None
    assert journal.append([(row.number, [(body(4), None)])])[0].first == 4
    assert bodies(journal, row.number) == [body(n) for n in (1, 2, 3, 4)]
    assert bodies(journal, other.number) == [body(n) for n in (1, 2, 3)]


def test_a_file_found_damaged_goes_aside_and_a_new_one_is_begun_for_the_same_store(journal: Journal) -> None:
    row = filled(journal)
    journal.pair("store")
    journal.new_epoch("epoch", 1.0)
    source = journal.source
    told: list[str] = []
    journal.on_begun_anew = told.append
    said = journal.begin_anew("a page")
    aside = journal.path.with_name("spool.damaged-1.db")
    assert journal.moved_aside == aside
    assert told == [said]
    assert "is damaged (a page)" in said
    assert str(aside) in said
    assert journal.source != source
    assert (journal.store, journal.epoch, journal.streams()) == ("store", None, [])
    assert journal.db.execute("SELECT store FROM meta").fetchone() == ("store",)
    assert [each[0] for each in journal.db.execute("SELECT message FROM alarm")] == [said]
    with pytest.raises(SpoolError, match="has ended"):
        journal.append([(row.number, [(body(4), None)])])
    assert journal.open_stream("e-1").number == row.number + 1, "no number is used again"
    with closing(opened(aside)) as kept:
        assert [(s.stream, s.head, s.ended) for s in kept.streams()] == [(row.stream, 3, "crash")]


def test_one_that_was_never_paired_is_not_paired_then(journal: Journal) -> None:
    journal.begin_anew("a page")
    assert journal.store is None
    assert journal.db.execute("SELECT store FROM meta").fetchone() == (None,)


def test_ends_that_were_owed_to_the_file_aside_are_not_owed_to_the_new_one(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = filled(journal)
    with monkeypatch.context() as patched:
        patched.setattr(journal, "writing", refusing)
        with pytest.raises(SpoolFull):
            journal.end_stream(row.number, "closed")
    told: list[int] = []
    journal.on_ended = lambda number, ended, why: told.append(number)
    journal.begin_anew("a page")
    assert journal.has_room()
    assert told == []


def test_a_new_file_that_could_not_be_begun_is_begun_when_there_is_room(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(journal)
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "_make_ready", broken)
        with pytest.raises(SpoolError):
            journal.begin_anew("a page")
        assert journal.path.with_name("spool.damaged-1.db").exists()
        with pytest.raises(SpoolError):
            journal.has_room()
    assert journal.has_room()
    assert journal.streams() == []
    assert not journal.path.with_name("spool.damaged-2.db").exists(), "it was put aside once"
    row = journal.open_stream("e-1")
    assert journal.append([(row.number, [(body(1), None)])])[0].first == 1


def test_pairing_with_another_store_forgets_what_the_first_confirmed_of_originals(journal: Journal) -> None:
    row = filled(journal)
    journal.withhold(row.number, body(4), "too large")
    originals.ask(journal.db)
    with journal.writing() as db:
        originals.confirm(db, row.number, 4, 1.0)
    journal.pair("another")
    assert (journal.streams()[0].resend, journal.streams()[0].resent) == ((4,), ())
