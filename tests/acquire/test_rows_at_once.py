"""Many rows in few statements: all of them, in order, or what SQLite says against one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from acquire.rows import PER_STATEMENT, insert_rows, update_rows


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL) STRICT")
    yield connection
    connection.close()


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 127, 128, 129, 300, 1000])
def test_every_row_is_there_with_what_it_had(db: sqlite3.Connection, count: int) -> None:
    rows = [(n, f"b{n}") for n in range(count)]
    insert_rows(db, "t", rows)
    assert db.execute("SELECT a, b FROM t ORDER BY a").fetchall() == rows


def test_a_row_that_is_refused_takes_none_of_another_statement_with_it(db: sqlite3.Connection) -> None:
    rows: list[tuple[object, ...]] = [(n, "x") for n in range(PER_STATEMENT[0] + 5)]
    rows[-1] = (rows[-1][0], None)
    with pytest.raises(sqlite3.IntegrityError):
        insert_rows(db, "t", rows)
    assert db.execute("SELECT count(*) FROM t").fetchone() == (PER_STATEMENT[0] + 4,)


def test_what_is_there_already_is_left_as_it_is(db: sqlite3.Connection) -> None:
    insert_rows(db, "t", [(1, "old")])
    insert_rows(db, "t", [(n, "new") for n in range(3)], "ON CONFLICT (a) DO NOTHING")
    assert db.execute("SELECT b FROM t ORDER BY a").fetchall() == [("new",), ("old",), ("new",)]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 16, 17, 256, 257, 600])
def test_every_row_that_is_named_is_changed_and_no_other(db: sqlite3.Connection, count: int) -> None:
    insert_rows(db, "t", [(n, "old") for n in range(count + 3)])
    update_rows(db, "t", ("b",), "a", [(f"new{n}", n) for n in range(count)])
    expected = [(n, f"new{n}" if n < count else "old") for n in range(count + 3)]
    assert db.execute("SELECT a, b FROM t ORDER BY a").fetchall() == expected
