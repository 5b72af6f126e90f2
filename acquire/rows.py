"""Putting many rows into SQLite at once.

`sqlite3.executemany` lets go of the interpreter's lock and takes it back at every row. Beside a thread that is busy it
waits for the lock each time, up to the switch interval: 157 µs a row were measured where a statement with a hundred
rows took 23, and 4.3 against 3.3 with nothing beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import TypeVar

PER_STATEMENT = (128, 16, 4, 1)
FEW = 4  # rows; so many are updated one by one more quickly
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # statements that may do a row twice are made for so many, and filled up
T = TypeVar("T")


def insert_rows(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]], tail: str = "") -> None:
    """`INSERT INTO {into} VALUES ... {tail}` for all rows, which have as many values each, in order.

    Raises sqlite3.Error: the rows before the statement that failed are in then, in the caller's transaction.
    """
    done = 0
    for count in PER_STATEMENT:
        while len(rows) - done >= count:
            part = rows[done : done + count]
            connection.execute(_statement(into, len(part[0]), count, tail), list(chain.from_iterable(part)))
            done += count


@cache
def _statement(into: str, width: int, count: int, tail: str) -> str:
    row = f"({','.join('?' * width)})"
    return f"INSERT INTO {into} VALUES {','.join([row] * count)} {tail}"


def update_rows(
    connection: sqlite3.Connection, table: str, names: tuple[str, ...], key: str, rows: Sequence[tuple[object, ...]]
) -> None:
    """`UPDATE {table} SET {names} = ... WHERE {key} = ...` for all rows of (values of the names, key).

    Raises sqlite3.Error.
    """
    if len(rows) < FEW:
        for row in rows:
            connection.execute(_update_one(table, names, key), row)
        return
    for part in in_sizes(rows):
        connection.execute(_update_all(table, names, key, len(part)), list(chain.from_iterable(part)))


@cache
def _update_one(table: str, names: tuple[str, ...], key: str) -> str:
    return f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in names)} WHERE {key} = ?"


@cache
def _update_all(table: str, names: tuple[str, ...], key: str, size: int) -> str:
    """VALUES names its columns column1, column2, ... in SQLite and in PostgreSQL."""
    row = f"({','.join('?' * (len(names) + 1))})"
    sets = ", ".join(f"{name} = v.column{n}" for n, name in enumerate(names, start=1))
    rows = ",".join([row] * size)
    return f"UPDATE {table} SET {sets} FROM (VALUES {rows}) AS v WHERE {table}.{key} = v.column{len(names) + 1}"


def in_sizes(given: Sequence[T]) -> Iterator[list[T]]:
    """In parts of a few sizes, so that the statements are prepared once; the last one is repeated to fill up."""
    for first in range(0, len(given), SIZES[-1]):
        part = list(given[first : first + SIZES[-1]])
        size = next(size for size in SIZES if size >= len(part))
        yield part + part[-1:] * (size - len(part))
