"""What holds readings can be read by the service's account only, whatever the umask says."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acquire.instruments.ledger import Ledger
from acquire.private import private
from acquire.spool.journal import Journal
from acquire.store.copies import backup
from acquire.store.database import connect, transaction


@pytest.fixture(autouse=True)
def open_handed() -> Iterator[None]:
    """A process that would let everybody read and write its files."""
    before = os.umask(0)
    yield
    os.umask(before)


def rights(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


def test_store_spool_and_backup_are_for_their_owner(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "spool.db", reserve=4096)
    with closing(connect(tmp_path / "store.db", create=True)) as store:
        with transaction(store):
            store.execute("UPDATE identity SET started_at = 'now'")
        backup(tmp_path / "store.db", tmp_path / "backup.db")
        found = rights(tmp_path)
    journal.close()
    Ledger(tmp_path).note(name="begin")
    (ledger,) = tmp_path.glob("commands-*.jsonl")
    assert oct(ledger.stat().st_mode & 0o777) == "0o600"
    names = {"spool.db", "spool.db-wal", "spool.db.lock", "store.db", "store.db-wal", "store.db-shm", "backup.db"}
    assert names <= set(found)
    assert {name: found[name] for name in names} == dict.fromkeys(names, "0o600")


def test_rights_that_somebody_gave_are_left(tmp_path: Path) -> None:
    path = private(tmp_path / "store.db")
    path.chmod(0o640)
    connect(path, create=True).close()
    assert rights(tmp_path)["store.db"] == "0o640"


OTHER = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0.1, isolation_level=None).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    print(error)
"""


def test_locks_of_another_connection_of_this_process_are_not_let_go(tmp_path: Path) -> None:
    """A POSIX lock goes when any descriptor of its file is closed; so a file that is there must not be opened."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as one:
        one.execute("CREATE TABLE t (x)")
        one.execute("BEGIN IMMEDIATE")
        private(path)
        other = subprocess.run([sys.executable, "-c", OTHER, path], capture_output=True, text=True, check=True)
        assert other.stdout == "database is locked\n"
