"""New stores of the tests are copies of one that all migrations made: they take 40 ms, and thousands of tests begin so.

Every migration runs where a test shortens their list, in a store that has something in it, and in every process that a
test starts.
"""

from __future__ import annotations

import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from uuid import uuid4

from acquire.integrity import is_there
from acquire.private import private
from acquire.store import database

_connect, _migrations = database.connect, database.migrations


@cache
def _new() -> tuple[bytes, tuple[str, str]]:
    """A new store's file, and what it is named in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        made = _connect(path, create=True)
        named = database.identity(made)
        made.close()
        return path.read_bytes(), named


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """As `acquire.store.database.connect`; what it creates is a copy with a name and a life of its own."""
    if create and path.parent.is_dir() and not is_there(path) and database.migrations is _migrations:
        file, named = _new()
        for each in named:
            file = file.replace(each.encode(), str(uuid4()).encode())
        private(path).write_bytes(file)
    return _connect(path, create=create)


def begin_as_copies() -> None:
    """From here on, in this process."""
    database.connect = connect
