"""A spool at its budget, on a disk that is really full, and on one that refuses: rule 3.9, on real files."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from disks import tiny_disk

from acquire.canonical import canonical
from acquire.spool import pruning
from acquire.spool.disk_budget import MIB
from acquire.spool.journal import Journal, SpoolFull

BODY = canonical({"kind": "scalar", "text": "x" * 950})
RESERVE = 6 * MIB


def fill(journal: Journal, number: int, body: bytes = BODY) -> int:
    """Append until refused; how many were taken."""
    taken = 0
    while True:
        try:
            journal.append([(number, [(body, None)] * 50)])
        except SpoolFull:
            return taken
        taken += 50


def check_whole(journal: Journal, number: int, entries: int) -> None:
    (count, head) = journal.db.execute(
        "SELECT (SELECT count(*) FROM entry WHERE stream = ?1), head FROM stream WHERE number = ?1", (number,)
    ).fetchone()
    assert count == head == entries
    assert journal.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def last_words(journal: Journal, number: int) -> None:
    """What must still be written: the end marker and the end of the stream."""
    journal.append([(number, [(b'{"kind":"marker","mark":"end"}', "m")])], urgent=True)
    journal.end_stream(number, "spool-full")


def test_the_budget_is_kept_and_the_last_words_go_over_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "spool.db", limit=8 * MIB, reserve=RESERVE)
    row = journal.open_stream("electrometer-1")
    taken = fill(journal, row.number)
    used = journal.budget.used(journal.db)
    assert 7 * MIB < used <= 8 * MIB + 200_000, "overhead included"
    assert taken > 500
    assert not journal.has_room()
    with pytest.raises(SpoolFull, match="budget of 8 MiB"):
        journal.withhold(row.number, BODY, "too large")
    last_words(journal, row.number)
    check_whole(journal, row.number, taken + 1)
    assert journal.streams()[0].ended == "spool-full"
    journal.close()


def test_room_is_there_again_when_enough_was_pruned_and_not_before(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "spool.db", limit=8 * MIB, reserve=RESERVE)
    row = journal.open_stream("electrometer-1")
    taken = fill(journal, row.number)
    journal.new_epoch("first", 0.0)
    journal.confirm([(row.number, taken, False)], "first", 0.0)
    pruning.prune(journal, row.stream, 100)
    assert not journal.has_room(), "a little room is not enough: it would be full again at once"
    for _ in range(10):  # in small steps while it is full
        pruning.prune(journal, row.stream, 2000)
    assert journal.has_room()
    assert journal.append([(row.number, [(BODY, None)])])[0].first == taken + 1
    journal.close()


def test_a_disk_that_is_full_keeps_what_it_has_and_takes_the_last_words_from_the_reserve(tmp_path: Path) -> None:
    with tiny_disk(tmp_path, "24m") as disk:
        journal = Journal(disk / "spool.db", limit=20 * MIB, reserve=RESERVE)
        row = journal.open_stream("electrometer-1")
        taken = fill(journal, row.number)
        assert taken > 500
        assert not (disk / "spool.db.reserve").exists(), "the reserve is let go"
        last_words(journal, row.number)
        check_whole(journal, row.number, taken + 1)
        assert not journal.has_room()
        journal.close()
        again = Journal(disk / "spool.db", limit=20 * MIB, reserve=RESERVE)
        assert again.streams()[0].ended == "spool-full"
        check_whole(again, row.number, taken + 1)
        again.close()


def test_a_disk_that_the_spool_itself_has_filled_is_given_back_when_it_is_pruned(tmp_path: Path) -> None:
    with tiny_disk(tmp_path, "24m") as disk:
        journal = Journal(disk / "spool.db", limit=20 * MIB, reserve=RESERVE)
        row = journal.open_stream("electrometer-1")
        taken = fill(journal, row.number)
        last_words(journal, row.number)
        journal.new_epoch("first", 0.0)
        journal.confirm([(row.number, taken + 1, True)], "first", 0.0)
        assert not journal.has_room()
        while pruning.shorten(journal, {row.stream: taken + 1}, 10**12):
            pass
        assert journal.has_room()
        new = journal.open_stream("electrometer-1")
        journal.append([(new.number, [(BODY, None)] * 500)])
        check_whole(journal, new.number, 500)
        journal.close()


def test_somebody_else_fills_the_disk_and_empties_it(tmp_path: Path) -> None:
    with tiny_disk(tmp_path, "24m") as disk:
        journal = Journal(disk / "spool.db", limit=20 * MIB, reserve=RESERVE)
        row = journal.open_stream("electrometer-1")
        journal.append([(row.number, [(BODY, None)])])
        foreign = disk / "foreign"
        with contextlib.suppress(OSError), foreign.open("wb", buffering=0) as f:
            while True:
                f.write(b"\0" * 65536)
        taken = fill(journal, row.number)
        last_words(journal, row.number)
        assert not journal.has_room()
        foreign.unlink()
        assert journal.has_room(), "it goes on by itself"
        assert (disk / "spool.db.reserve").stat().st_size == RESERVE
        new = journal.open_stream("electrometer-1")
        journal.append([(new.number, [(BODY, None)] * 100)])
        check_whole(journal, row.number, taken + 2)
        journal.close()


def test_sqlite_full_is_a_full_spool_as_well(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "spool.db", reserve=4096)
    row = journal.open_stream("electrometer-1")
    (pages,) = journal.db.execute("PRAGMA page_count").fetchone()
    journal.db.execute(f"PRAGMA max_page_count = {pages + 50}")
    taken = fill(journal, row.number)
    with pytest.raises(SpoolFull, match="database or disk is full"):
        journal.append([(row.number, [(BODY, None)])])
    check_whole(journal, row.number, taken)
    journal.close()


WRITES_REFUSED = """
import resource, sys
from pathlib import Path
from acquire.spool.journal import Journal, SpoolFull
path = Path(sys.argv[1])
journal = Journal(path, reserve=4096)
row = journal.open_stream("electrometer-1")
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))  # the kernel refuses to let a file grow
taken = 0
try:
    while True:
        journal.append([(row.number, [(b'{"text":"' + b"x" * 950 + b'"}', None)])])
        taken += 1
except SpoolFull:
    pass
assert taken > 50, taken
count = journal.db.execute("SELECT count(*), max(seq) FROM entry").fetchone()
assert count == (taken, taken), count
journal.close()
print(taken)
"""


def test_a_write_that_the_system_refuses_is_rolled_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    done = subprocess.run(
        [sys.executable, "-c", WRITES_REFUSED, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    journal = Journal(path, reserve=4096)
    check_whole(journal, 1, int(done.stdout))
    journal.close()


def test_a_disk_too_small_for_the_reserve_takes_nothing_from_the_start(tmp_path: Path) -> None:
    with tiny_disk(tmp_path, "1m") as disk:
        journal = Journal(disk / "spool.db", limit=20 * MIB, reserve=RESERVE)
        row = journal.open_stream("electrometer-1")
        with pytest.raises(SpoolFull, match="no room for its reserve"):
            journal.append([(row.number, [(BODY, None)])])
        journal.close()


def test_a_spool_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    db = sqlite3.connect(path)
    db.executescript((resources.files("acquire.spool") / "schema.sql").read_text())
    db.execute("INSERT INTO meta (source, store, epoch, uptime_s) VALUES ('src', 'sto', 'epo', 77)")
    db.execute("INSERT INTO stream (stream, instrument, head, through, epoch) VALUES ('s1', 'i', 1, 1, 'epo')")
    db.execute("INSERT INTO entry VALUES (1, 1, x'7b7d', NULL)")
    db.commit()
    db.close()
    journal = Journal(path, reserve=4096)
    assert (journal.source, journal.store, journal.uptime_s) == ("src", "sto", 77)
    journal.alarm("test", "x", "it can be written")
    assert [s.through for s in journal.streams()] == [1]
    journal.close()
