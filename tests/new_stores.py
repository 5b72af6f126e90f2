"""New stores of the tests are copies of one that all migrations made: they take 40 ms, and thousands of tests begin so.

Every migration runs where a test shortens their list, in a store that has something in it, and in every process that a
test starts.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from uuid import uuid4

from acquire import private as private_file
from acquire.integrity import is_there
from acquire.store import database

_private, _migrate, _migrations = private_file.private, database.migrate, database.migrations
VERSIONS = slice(18, 20)  # of the file format, in its header: 2 for a file with a log, which none in memory has


@cache
def _new() -> tuple[bytes, tuple[str, str]]:
    """A new store, and what it is named in it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.row_factory = sqlite3.Row
        _migrate(made)
        return made.serialize(), database.identity(made)


def _another() -> bytes:
    """The same with a name and a life of its own."""
    made, named = _new()
    for each in named:
        made = made.replace(each.encode(), str(uuid4()).encode())
    return made


def _of_version(file: bytes, version: bytes) -> bytearray:
    alike = bytearray(file)
    alike[VERSIONS] = version * 2
    return alike


def put_into(connection: sqlite3.Connection, file: bytes) -> None:
    """Make a store what another one was when it was serialized."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.deserialize(_of_version(file, b"\1"))
        made.backup(connection)


def private(path: Path) -> Path:
    """As `acquire.private.private`, for a store's file; what it makes is a store already."""
    was_there = is_there(path)
    _private(path)
    if not was_there and is_there(path) and database.migrations is _migrations:
        path.write_bytes(_of_version(_another(), b"\2"))
    return path


def migrate(connection: sqlite3.Connection) -> None:
    """As `acquire.store.database.migrate`, for a store in memory or in a file that is there and empty."""
    is_empty = connection.execute("PRAGMA schema_version").fetchone()[0] == 0
    if is_empty and database.migrations is _migrations:
        put_into(connection, _another())
    _migrate(connection)


def begin_as_copies() -> None:
    """From here on, in this process."""
    database.private, database.migrate = private, migrate
