"""Edits that somebody with a database tool can make, out of the schema itself: of every table and column there is.

Triggers that forbid an edit are dropped and put back as they were; foreign keys and checks are off.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Change = Callable[[sqlite3.Connection], None]


@dataclass(frozen=True)
class Edit:
    """One edit: in words, of which table and column (None: of whole rows), and how it is made."""

    words: str
    table: str
    column: str | None
    change: Change


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    may_be_null: bool
    of_key: bool


@contextmanager
def taken_back(connection: sqlite3.Connection) -> Iterator[None]:
    """What is edited inside is as it was afterwards."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return sorted(row["name"] for row in rows)


def columns(connection: sqlite3.Connection, table: str) -> list[Column]:
    rows = connection.execute("SELECT * FROM pragma_table_info(?)", (table,)).fetchall()
    return [Column(row["name"], row["type"], not row["notnull"] and not row["pk"], bool(row["pk"])) for row in rows]


def edits_of(connection: sqlite3.Connection, table: str) -> Iterator[Edit]:
    """Every column of a row, a row taken out, a row added, two rows' contents swapped."""
    for column in columns(connection, table):
        yield Edit(f"{table}.{column.name} changed", table, column.name, _changed(table, column))
        if column.may_be_null:
            yield Edit(f"{table}.{column.name} emptied or filled", table, column.name, _emptied(table, column))
    yield Edit(f"a row of {table} deleted", table, None, _deleted(table))
    yield Edit(f"a row of {table} added", table, None, _added(table))
    if table != "identity":  # it has one row
        yield Edit(f"two rows of {table} swapped", table, None, _swapped(table))


def made(connection: sqlite3.Connection, edit: Edit) -> None:
    """Make an edit inside the caller's transaction, its triggers out of the way meanwhile."""
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (edit.table,)
    ).fetchall()
    for trigger in triggers:
        connection.execute(f"DROP TRIGGER {trigger['name']}")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    edit.change(connection)
    connection.execute("PRAGMA ignore_check_constraints = OFF")
    for trigger in triggers:
        connection.execute(trigger["sql"])


def other(value: Any) -> Any:
    """Another value of the same type, as near as can be."""
    if isinstance(value, str):
        return value[:-1] + ("x" if value[-1:] != "x" else "y") if value else "x"
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
    return math.nextafter(value, math.inf) if isinstance(value, float) else value + 1_000_000


def _row(connection: sqlite3.Connection, table: str, column: str | None = None, skip: int = 0) -> sqlite3.Row:
    """A row in the middle of those that have something in the column, where there are any."""
    having = f"WHERE {column} IS NOT NULL" if column else ""
    rows = connection.execute(f"SELECT * FROM {table} {having}").fetchall()
    if not rows:
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    assert rows, f"{table} has no row to be edited"
    return rows[(len(rows) // 2 + skip) % len(rows)]


def _where(connection: sqlite3.Connection, table: str, row: sqlite3.Row) -> tuple[str, list[Any]]:
    key = [c.name for c in columns(connection, table) if c.of_key]
    key = key or [c.name for c in columns(connection, table)]
    return " AND ".join(f"{name} IS ?" for name in key), [row[name] for name in key]


def _set(connection: sqlite3.Connection, table: str, row: sqlite3.Row, column: str, value: Any) -> None:
    where, key = _where(connection, table, row)
    done = connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", [value, *key])
    assert done.rowcount == 1


FILLED = {"TEXT": "x", "INTEGER": 1, "REAL": 1.0, "BLOB": b"x"}


def _changed(table: str, column: Column) -> Change:
    def change(connection: sqlite3.Connection) -> None:
        row = _row(connection, table, column.name)
        value = FILLED[column.type] if row[column.name] is None else other(row[column.name])
        _set(connection, table, row, column.name, value)

    return change


def _emptied(table: str, column: Column) -> Change:
    def change(connection: sqlite3.Connection) -> None:
        row = _row(connection, table, column.name)
        _set(connection, table, row, column.name, FILLED[column.type] if row[column.name] is None else None)

    return change


def _deleted(table: str) -> Change:
    def change(connection: sqlite3.Connection) -> None:
        where, key = _where(connection, table, _row(connection, table))
        assert connection.execute(f"DELETE FROM {table} WHERE {where}", key).rowcount == 1

    return change


def _added(table: str) -> Change:
    """A copy under a new key, and under other values where something must be unique."""

    def change(connection: sqlite3.Connection) -> None:
        row = dict(_row(connection, table))
        unique = {c.name for c in columns(connection, table) if c.of_key} | _unique(connection, table)
        _insert(connection, table, {k: other(v) if k in unique and v is not None else v for k, v in row.items()})

    return change


def _swapped(table: str) -> Change:
    """The contents of two rows, all but their keys, change places."""

    def change(connection: sqlite3.Connection) -> None:
        key = {c.name for c in columns(connection, table) if c.of_key}
        one, two = _different(connection, table, key)
        for row in (one, two):
            where = " AND ".join(f"{name} IS ?" for name in row)
            assert connection.execute(f"DELETE FROM {table} WHERE {where}", list(row.values())).rowcount == 1
        _insert(connection, table, {k: one[k] if k in key else two[k] for k in one})
        _insert(connection, table, {k: two[k] if k in key else one[k] for k in one})

    return change


def _different(connection: sqlite3.Connection, table: str, key: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    for row in rows[1:]:
        if any(row[name] != rows[0][name] for name in row if name not in key):
            return rows[0], row
    raise AssertionError(f"{table} has no two rows that differ")


def _unique(connection: sqlite3.Connection, table: str) -> set[str]:
    found = set()
    for index in connection.execute('SELECT name FROM pragma_index_list(?) WHERE "unique"', (table,)).fetchall():
        found |= {row["name"] for row in connection.execute("SELECT name FROM pragma_index_info(?)", (index["name"],))}
    return found


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    places = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))
