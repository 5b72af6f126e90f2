"""What the spool forgets, and what it never forgets (docs/noloss.md rule 3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acquire.canonical import canonical
from acquire.spool import pruning
from acquire.spool.journal import Journal

DAY = 86400.0
RETENTION = 14 * DAY
EPOCH = "first"


def bodies(count: int, size: int = 10) -> list[tuple[bytes, str | None]]:
    return [(canonical({"n": n, "text": "x" * size}), None) for n in range(count)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "spool.db", reserve=4096)
    journal.pair("store")
    journal.new_epoch(EPOCH, 0.0)
    yield journal
    journal.close()


def stream_of(journal: Journal, count: int, *, ended: str | None = None, confirmed_at: float | None = None) -> str:
    row = journal.open_stream("electrometer-1")
    journal.append([(row.number, bodies(count))])
    if ended:
        journal.end_stream(row.number, ended)
    if confirmed_at is not None:
        journal.confirm([(row.number, count, ended is not None)], journal.epoch, confirmed_at)
    return row.stream


def held(journal: Journal, stream: str) -> list[int]:
    sql = "SELECT e.seq FROM entry e JOIN stream s ON s.number = e.stream WHERE s.stream = ? ORDER BY e.seq"
    return [seq for (seq,) in journal.db.execute(sql, (stream,))]


def test_only_what_is_confirmed_for_the_retention_may_go(journal: Journal) -> None:
    old = stream_of(journal, 5, confirmed_at=1 * DAY)
    stream_of(journal, 5, confirmed_at=3 * DAY)
    stream_of(journal, 5)
    assert pruning.prunable(journal, RETENTION, 15 * DAY - 1) == {}
    assert pruning.prunable(journal, RETENTION, 15 * DAY) == {old: 5}


def test_the_age_is_that_of_the_confirmation_hour_by_hour(journal: Journal) -> None:
    row = journal.open_stream("electrometer-1")
    journal.append([(row.number, bodies(300))])
    for minute in range(300):
        journal.confirm([(row.number, minute + 1, False)], EPOCH, 60.0 * minute)
    rows = journal.db.execute("SELECT through, uptime_s FROM confirmed ORDER BY through").fetchall()
    assert len(rows) <= 7
    for through, uptime_s in rows:
        assert uptime_s >= 60.0 * (through - 1), "older than the truth"
    assert rows[-1][0] == 300, "the tail of a stream has an age as well"
    (mine,) = pruning.prunable(journal, RETENTION, RETENTION + 2 * 3600).values()
    assert 1 <= mine <= 121


def test_what_was_confirmed_in_another_epoch_counts_for_nothing(journal: Journal) -> None:
    stream_of(journal, 5, confirmed_at=0.0)
    journal.new_epoch("second", 20 * DAY)
    assert pruning.prunable(journal, RETENTION, 100 * DAY) == {}
    assert pruning.journal_of(journal, 100 * DAY) == {}


def test_pruning_goes_from_the_front_in_steps_and_never_above_the_watermark(journal: Journal) -> None:
    stream = stream_of(journal, pruning.ROWS_AT_ONCE + 10, confirmed_at=0.0)
    assert pruning.prune(journal, stream, 3) == 4
    assert held(journal, stream)[0] == 4
    assert pruning.prune(journal, stream, 10**9) == 4 + pruning.ROWS_AT_ONCE
    assert pruning.prune(journal, stream, 10**9) == pruning.ROWS_AT_ONCE + 11
    assert held(journal, stream) == []
    unconfirmed = stream_of(journal, 4)
    assert pruning.prune(journal, unconfirmed, 4) == 1
    assert held(journal, unconfirmed) == [1, 2, 3, 4]


def test_what_is_read_after_pruning_begins_where_it_was_asked_to_begin_or_not_at_all(journal: Journal) -> None:
    stream = stream_of(journal, 6, confirmed_at=0.0)
    number = journal.streams()[0].number
    pruning.prune(journal, stream, 3)
    assert journal.read(number, 2, 10, 10**6) == []
    assert len(journal.read(number, 4, 10, 10**6)) == 3


def test_two_changes_of_epoch_within_an_hour_stop_the_pruning_for_a_day(journal: Journal) -> None:
    assert not journal.new_epoch("second", 10 * DAY)
    assert journal.new_epoch("third", 10 * DAY + 3599)
    now = 10 * DAY + 3599
    row = journal.streams() or [journal.open_stream("electrometer-1")]
    journal.append([(row[0].number, bodies(3))])
    journal.confirm([(row[0].number, 3, False)], "third", now)
    assert pruning.prunable(journal, 0.0, now + DAY - 1) == {}
    assert pruning.journal_of(journal, now + DAY - 1) == {}
    assert list(pruning.prunable(journal, 0.0, now + DAY).values()) == [3]


def test_changes_of_epoch_further_apart_are_two_restores(journal: Journal) -> None:
    assert not journal.new_epoch("second", 10 * DAY)
    assert not journal.new_epoch("second", 10 * DAY + 60), "the store went back in the same epoch: no change"
    assert not journal.new_epoch("third", 10 * DAY + 3601)


def test_only_settled_empty_old_streams_that_are_not_the_newest_lose_their_row(journal: Journal) -> None:
    ended = stream_of(journal, 2, ended="closed", confirmed_at=0.0)
    stream_of(journal, 2, ended="closed", confirmed_at=0.0)  # not empty
    newest = stream_of(journal, 2, ended="closed", confirmed_at=0.0)
    for stream in (ended, newest):
        pruning.prune(journal, stream, 2)
    late = pruning.STREAM_KEPT_RETENTIONS * RETENTION
    assert pruning.forgettable(journal, RETENTION, late - 1) == {}
    assert pruning.forgettable(journal, RETENTION, late) == {ended: 2}
    pruning.forget(journal, ended)
    assert ended not in {s.stream for s in journal.streams()}
    assert journal.db.execute("SELECT count(*) FROM confirmed").fetchone() == (2,)


def test_a_stream_with_a_withheld_original_is_never_forgotten(journal: Journal) -> None:
    row = journal.open_stream("electrometer-1")
    journal.withhold(row.number, b'{"big":1}', "too large")
    journal.end_stream(row.number, "closed")
    journal.confirm([(row.number, 1, True)], EPOCH, 0.0)
    pruning.prune(journal, row.stream, 1)
    journal.open_stream("electrometer-1")
    assert pruning.forgettable(journal, RETENTION, 1000 * DAY) == {}
    assert journal.db.execute("SELECT body FROM withheld").fetchone() == (b'{"big":1}',)


def test_under_pressure_the_longest_confirmed_goes_first_and_the_unconfirmed_never(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "small.db", limit=8 * 2**20, reserve=4096)
    journal.new_epoch(EPOCH, 0.0)
    streams, told = [], {}
    for n in range(3):
        row = journal.open_stream(f"electrometer-{n}")
        journal.append([(row.number, bodies(1200, size=950))])
        streams.append(row.stream)
    for at, n in ((5.0, 1), (9.0, 0)):  # the second stream was confirmed first; the third never
        journal.confirm([(n + 1, 1200, False)], EPOCH, at)
        told[streams[n]] = 1200
    enough = journal.budget.available(journal.db) + 2**20
    while pruning.shorten(journal, told, enough):
        pass
    left = [len(held(journal, s)) for s in streams]
    assert left == [1200, 0, 1200]
    assert pruning.journal_age_s(journal, 10.0) == 1.0
    while pruning.shorten(journal, told, 10**12):
        pass
    assert [len(held(journal, s)) for s in streams] == [0, 0, 1200]
    journal.close()


def test_pressure_deletes_only_what_the_store_has_just_told(journal: Journal) -> None:
    stream = stream_of(journal, 10, confirmed_at=0.0)
    assert pruning.shorten(journal, {}, 10**15) == {}
    assert pruning.shorten(journal, {stream: 4}, 10**15) == {stream: 5}
    assert held(journal, stream) == [5, 6, 7, 8, 9, 10]
