"""Backup, restore, replacement and export, by the commands themselves, beside a store that is written to."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from command_line import acquire
from test_hostile_messages import count, envelope, give, reading
from test_served_file import emptied_index

from acquire.store import audit, copies
from acquire.store.database import StoreError, connect, identity

BY = ("--by", "MP-1")


def done(*arguments: str) -> Any:
    ran = acquire(*arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def url(path: Path) -> tuple[str, str]:
    return "--store", f"sqlite:///{path}"


def filled(path: Path, number: int = 50, first: int = 1) -> sqlite3.Connection:
    connection = connect(path, create=True)
    add(connection, first, number)
    return connection


def add(connection: sqlite3.Connection, first: int, number: int) -> None:
    readings = [reading(first + n) for n in range(number)]
    give(connection, envelope(stream="s-1", source="a", readings=readings, first_seq=first, head=first + number - 1))


def test_a_backup_taken_while_the_store_is_written_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    filled(path).close()
    stop = threading.Event()

    def write() -> None:
        connection, first = connect(path), 51
        while not stop.is_set():
            add(connection, first, 20)
            first += 20
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    found = []
    for n in range(4):
        found.append(copies.backup(path, tmp_path / f"backup-{n}.db"))
    stop.set()
    writer.join()
    counts = []
    for n in range(4):
        copy = sqlite3.connect(tmp_path / f"backup-{n}.db")
        through, head = copy.execute("SELECT through, head FROM stream").fetchone()
        assert copy.execute("SELECT count(*), max(seq) FROM entry").fetchone() == (through, through)
        assert through == head
        counts.append(through)
        copy.close()
    assert counts == sorted(counts)
    assert found == sorted(found)


def test_restore_is_the_same_record_in_a_new_epoch_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = filled(path)
    name, epoch = identity(store)
    told = done("store", "backup", str(tmp_path / "b.db"), *url(path))
    add(store, 51, 10)
    store.close()
    restored = done("store", "restore", str(tmp_path / "b.db"), *BY, *url(path))
    assert (restored["store"], restored["as_of"]) == (name, told["backed_up_at"].replace("Z", "+00:00"))
    assert restored["epoch"] != epoch
    kept = sqlite3.connect(restored["kept"])
    assert kept.execute("SELECT count(*) FROM entry").fetchone() == (60,)
    kept.close()
    store = connect(path)
    assert count(store, "entry") == 50
    assert identity(store) == (name, restored["epoch"])
    row = store.execute("SELECT who, what, subject, new FROM audit").fetchone()
    assert tuple(row) == ("MP-1", "store restored", name, restored["epoch"])
    assert audit.verify(store) == []
    store.close()


@pytest.mark.parametrize("what", ["served", "missing", "noise", "another record", "too old"])
def test_restore_refuses_and_changes_nothing(tmp_path: Path, what: str) -> None:
    path, backup = tmp_path / "store.db", tmp_path / "b.db"
    filled(path).close()
    copies.backup(path, backup)
    before = path.read_bytes()
    held = None
    if what == "served":
        held = copies.lock(path, alone=False)
    elif what == "missing":
        backup.unlink()
    elif what == "noise":
        backup.write_bytes(b"\xa5" * 9000)
    elif what == "another record":
        backup.unlink()
        filled(tmp_path / "other.db").close()
        copies.backup(tmp_path / "other.db", backup)
    else:
        copy = sqlite3.connect(backup)
        copy.execute("UPDATE identity SET backed_up_at = '2020-01-01T00:00:00.000000Z'")
        copy.commit()
        copy.close()
    ran = acquire("store", "restore", str(backup), *BY, *url(path))
    sentence = {
        "served": "a service is serving it; stop that first", "missing": "there is no backup",
        "noise": "no backup of a store",
        "another record": "would not believe it", "too old": "keep what is confirmed for 14 days",
    }[what]  # fmt: skip
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*restoring*"))
    if held is not None:
        held.close()
    if what == "too old":
        assert acquire("store", "restore", str(backup), *BY, "--accept-loss", *url(path)).returncode == 0


def test_the_age_of_a_copy_made_by_hand_is_when_it_last_heard_a_source(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.db")
    store.execute("UPDATE streams SET last_heard = '2020-01-01T00:00:00.000000Z'")
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    store.close()
    copy = tmp_path / "by-hand.db"
    copy.write_bytes((tmp_path / "store.db").read_bytes())
    with pytest.raises(StoreError, match="days old"):
        copies.restore(tmp_path / "store.db", copy, retention=timedelta(days=14))


def test_a_restore_over_a_damaged_store_works_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    filled(path).close()
    copies.backup(path, tmp_path / "b.db")
    path.write_bytes(b"SQLite format 3\0" + b"\xa5" * 8000)
    restored = copies.restore(path, tmp_path / "b.db", retention=timedelta(days=14))
    assert restored.aside is not None
    assert restored.aside.read_bytes().endswith(b"\xa5" * 100)
    store = connect(path)
    assert count(store, "entry") == 50
    store.close()


def test_a_backup_with_an_emptied_index_is_refused_and_verify_says_so_of_a_store(tmp_path: Path) -> None:
    path = emptied_index(tmp_path / "store.db")
    ran = acquire("store", "verify", *url(path))
    assert (ran.returncode, "does not pass SQLite's own check" in ran.stderr) == (1, True)
    with pytest.raises(StoreError, match=r"store\.db is damaged: .*index"):
        copies.restore(tmp_path / "other.db", path, retention=None)


def test_a_restore_where_only_a_log_is_left_does_not_take_it_for_its_own(tmp_path: Path) -> None:
    """A log that fits no longer would be written into the restored file, and damage it."""
    path = tmp_path / "store.db"
    store = filled(path)
    copies.backup(path, tmp_path / "b.db")
    add(store, 51, 200)
    log = path.with_name("store.db-wal").read_bytes()
    store.close()
    path.unlink()
    path.with_name("store.db-wal").write_bytes(log)
    restored = copies.restore(path, tmp_path / "b.db", retention=None)
    assert restored.aside is None
    with closing(connect(path)) as there:
        assert there.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert count(there, "entry") == 50
        assert identity(there)[1] == restored.epoch


def test_create_replaces_keeps_the_name_of_the_record(tmp_path: Path) -> None:
    name = str(uuid4())
    made = done("store", "create", "--replaces", name, *url(tmp_path / "store.db"))
    assert made["store"] == name
    assert made["epoch"] != name
    ran = acquire("store", "create", "--replaces", "nonsense", *url(tmp_path / "other.db"))
    assert (ran.returncode, "is no store id" in ran.stderr) == (1, True)
    assert not (tmp_path / "other.db").exists()


def test_declare_ended_is_audited_and_refused_while_the_source_lives(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = filled(path)
    command = ("store", "declare-ended", "s-1", *BY, "--reason", "the host's disk is gone", *url(path))
    ran = acquire(*command)
    assert (ran.returncode, "its source is not lost" in ran.stderr) == (1, True)
    store.execute("UPDATE streams SET heard_boot = 'another', head = 53")
    assert done(*command) == {"stream": "s-1", "instrument": "electrometer-1", "through": 53, "lost": 3}
    row = store.execute("SELECT who, what, subject, new, reason FROM audit").fetchone()
    assert tuple(row) == ("MP-1", "stream declared ended", "s-1", "3 lost", "the host's disk is gone")
    states = done("store", "stats", *url(path))["streams"]
    assert [s["completeness"] for s in states] == ["declared ended"]
    store.close()


def test_export_has_every_row(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.db")
    give(store, envelope(stream="s-2", readings=[{"kind": "dance"}], head=1))
    give(store, envelope(stream="s-1", source="a", readings=[reading(99)], first_seq=1, head=50))
    give(store, envelope(head=-5))
    store.close()
    ran = acquire("store", "export", *url(tmp_path / "store.db"))
    assert ran.returncode == 0, ran.stderr
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    kinds = {kind: sum(r["row"] == kind for r in rows) for kind in sorted({r["row"] for r in rows})}
    assert kinds == {"store": 1, "stream": 2, "entry": 51, "conflict": 1, "unreadable": 1, "alarm": 2}
    assert acquire("store", "export", "-o", str(tmp_path / "out.jsonl"), *url(tmp_path / "store.db")).returncode == 0
    assert (tmp_path / "out.jsonl").read_text().count("\n") == len(rows)
