"""New stores of the tests are copies of one that all migrations made: they take 40 ms, and thousands of tests begin so.

Every migration runs where a test shortens their list, in a store that has something in it, and in every process that a
test starts.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from uuid import uuid4

from acquire.store import database

_migrate, _migrations = database.migrate, database.migrations


@cache
def _new() -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.row_factory = sqlite3.Row
        _migrate(made)
        return made.serialize()


def migrate(connection: sqlite3.Connection) -> None:
    """As `acquire.store.database.migrate`, with a name and a life of its own for a new store."""
    is_empty = connection.execute("PRAGMA schema_version").fetchone()[0] == 0
    if is_empty and database.migrations is _migrations:
        with closing(sqlite3.connect(":memory:")) as made:
            made.deserialize(_new())
            made.backup(connection)
        connection.execute("UPDATE identity SET store = ?, epoch = ?", (str(uuid4()), str(uuid4())))
    _migrate(connection)


def begin_as_copies() -> None:
    """From here on, in this process."""
    database.migrate = migrate
