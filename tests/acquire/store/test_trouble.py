"""The store's database under locks, without room, read-only and damaged: no answer without a commit (rule 4.3)."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from disks import tiny_disk
from test_hostile_messages import count, envelope, give, reading

from acquire.store.database import connect

HOLDS_THE_LOCK = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
print(time.monotonic())
db.execute("ROLLBACK")
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "store.db", create=True)
    yield connection
    connection.close()


def batch(first: int, number: int = 20, size: int = 0) -> dict[str, object]:
    noise = Random(first)  # it cannot be packed
    readings = [reading(first + n, note=noise.randbytes(size // 2).hex()) for n in range(number)]
    return envelope(stream="s-1", source="src-1", readings=readings, first_seq=first, head=first + number - 1)


def lock_for(path: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_locked_by_another_process_it_waits_and_then_commits(store: sqlite3.Connection, tmp_path: Path) -> None:
    holder = lock_for(tmp_path / "store.db", 0.7)
    (answer,) = give(store, batch(1)).answers
    answered = time.monotonic()
    assert answer.through == 20
    let_go, _ = holder.communicate(timeout=10)
    assert answered > float(let_go), "it was locked"


def test_locked_for_too_long_it_writes_nothing_and_owes_no_answer(store: sqlite3.Connection, tmp_path: Path) -> None:
    store.execute("PRAGMA busy_timeout = 200")
    holder = lock_for(tmp_path / "store.db", 60)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        give(store, batch(1))
    assert count(store, "entry") == 0
    holder.kill()
    holder.communicate(timeout=10)
    assert [a.through for a in give(store, batch(1)).answers] == [20], "the same message may be given again"


def test_full_it_rolls_back_whole_and_goes_on_when_there_is_room(store: sqlite3.Connection) -> None:
    give(store, batch(1))
    (pages,) = store.execute("PRAGMA page_count").fetchone()
    store.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        give(store, batch(21, size=2000), batch(41, size=2000))
    assert (count(store, "entry"), count(store, "alarm")) == (20, 0)
    assert store.execute("SELECT through, head FROM stream").fetchone()["head"] == 20
    store.execute("PRAGMA max_page_count = 1000000")
    done = give(store, batch(21, size=2000), batch(41, size=2000))
    assert [a.through for a in done.answers] == [60, 60]


def test_on_a_disk_that_is_really_full_nothing_is_answered_and_nothing_is_damaged(tmp_path: Path) -> None:
    with tiny_disk(tmp_path, "6m") as disk:
        connection = connect(disk / "store.db", create=True)
        confirmed = 0
        with contextlib.suppress(sqlite3.OperationalError):
            for n in range(2000):
                (answer,) = give(connection, batch(1 + 20 * n, size=3000)).answers
                confirmed = answer.through
        assert 200 <= confirmed < 40_000
        assert connection.execute("SELECT through FROM stream").fetchone()["through"] == confirmed
        assert count(connection, "entry") == confirmed
        connection.close()
        again = sqlite3.connect(f"file:{disk / 'store.db'}?mode=ro", uri=True)
        assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        again.close()


def test_read_only_it_answers_nothing(store: sqlite3.Connection, tmp_path: Path) -> None:
    give(store, batch(1))
    reader = sqlite3.connect(f"file:{tmp_path / 'store.db'}?mode=ro", uri=True, isolation_level=None)
    reader.row_factory = sqlite3.Row
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        give(reader, batch(21))
    reader.close()


def test_a_damaged_page_is_an_error_and_never_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    connection = connect(path, create=True)
    for n in range(40):
        give(connection, batch(1 + 20 * n, size=400))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096):
        content[page * 4096 : page * 4096 + 100] = b"\xa5" * 100
    path.write_bytes(content)
    damaged = sqlite3.connect(path, isolation_level=None)
    damaged.row_factory = sqlite3.Row
    with pytest.raises(sqlite3.DatabaseError):
        give(damaged, batch(801), batch(1))
    damaged.close()
