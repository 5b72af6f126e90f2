"""A database that cannot be used is let go of at once, and not when Python gets round to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from acquire.doctor.finding import CannotTell
from acquire.doctor.looking.files import store_read_only
from acquire.patients import PatientsError
from acquire.patients.file import PatientsFile
from acquire.spool.journal import Journal, SpoolError
from acquire.store.database import StoreError, connect

NEWER = "PRAGMA user_version = 9999"


def changed(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


def open_files(path: Path) -> list[str]:
    """What this process has open of the file and of its neighbours."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists the folder
            found.append(str(each.readlink()))
    return [name for name in found if name.startswith(str(path))]


def patients_without_their_key(path: Path) -> None:
    PatientsFile(path, bytes(32)).close()
    PatientsFile(path)


def newer_store(path: Path) -> None:
    connect(path, create=True).close()
    changed(path, NEWER)
    connect(path)


def newer_store_that_is_looked_at(path: Path) -> None:
    connect(path, create=True).close()
    changed(path, NEWER)
    store_read_only(path)


def no_store_that_is_looked_at(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    store_read_only(path)


def spool_without_streams(path: Path) -> None:
    Journal(path).close()
    changed(path, "DROP TABLE stream")
    Journal(path)


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (patients_without_their_key, PatientsError),
        (newer_store, StoreError),
        (newer_store_that_is_looked_at, CannotTell),
        (no_store_that_is_looked_at, sqlite3.DatabaseError),
        (spool_without_streams, SpoolError),
    ],
)
def test_what_cannot_be_used_is_let_go_of(tmp_path: Path, use: Callable[[Path], None], error: type[Exception]) -> None:
    with pytest.raises(error) as kept:  # the error keeps its frames, and so whatever they had open
        use(tmp_path / "x.db")
    assert open_files(tmp_path) == []
    assert kept.value.__traceback__ is not None
