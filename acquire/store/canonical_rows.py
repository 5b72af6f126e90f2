"""The canonical form of a table's row: one spelling for one content, whatever database it lies in.

Canonical JSON of [table, {column: value, ...}]. A column that is NULL is left out, so that a column added later changes
no row that was sealed before. An integer is itself; a text is {"text": "..."}; a real number is {"real": "..."}, the
16 hexadecimal digits of its IEEE 754 double, big-endian (any other spelling rounds, or takes -0 for 0); bytes are
{"sha256": "..."}, their digest. A text that is no UTF-8, which only somebody with a database tool can have written, is
{"no text": "..."} in hexadecimal. PostgreSQL's bigint, text, double precision and bytea give the same bytes.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
from dataclasses import dataclass
from typing import Any

from acquire.canonical import canonical

Key = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as its rows are read: columns with their declared types, in the table's order, and its primary key."""

    table: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    @property
    def select(self) -> str:
        """Every column under its name. A text is fetched as the bytes it is, since it may be none."""
        return f'SELECT {", ".join(_quoted(name, of) for name, of in self.columns)} FROM "{self.table}"'

    @property
    def keys(self) -> str:
        """The key of every row."""
        named = (_quoted(name, of) for name, of in self.columns if name in self.key)
        return f'SELECT {", ".join(named)} FROM "{self.table}"'

    @property
    def by_key(self) -> str:
        """The same of one row, the values of its key as parameters."""
        return f"{self.select} WHERE {' AND '.join(_equals(name) for name in self.key)}"

    def canonical(self, row: sqlite3.Row) -> bytes:
        """The canonical form of a row that `select` or `by_key` gave."""
        said = {name: _value(row[name], of) for name, of in self.columns if row[name] is not None}
        return canonical([self.table, said])

    def digest(self, row: sqlite3.Row) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.canonical(row)).hexdigest()

    def key_of(self, row: sqlite3.Row) -> Key:
        """The values of its primary key, integers and texts."""
        return tuple(readable(row[name]) for name in self.key)

    def words(self, row: sqlite3.Row) -> dict[str, Any]:
        """What the columns hold that fits into a sentence."""
        return {name: readable(row[name]) for name, of in self.columns if of != "BLOB"}


def shape(connection: sqlite3.Connection, table: str) -> Shape:
    """How a table of this database is made."""
    found = connection.execute("SELECT name, type, pk FROM pragma_table_info(?)", (table,)).fetchall()
    key = tuple(row["name"] for row in sorted(found, key=lambda row: row["pk"]) if row["pk"])
    return Shape(table, tuple((row["name"], row["type"]) for row in found), key)


def readable(value: Any) -> Any:
    """A fetched value for people: a text as text."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


def _quoted(name: str, of: str) -> str:
    return f'CAST("{name}" AS BLOB) AS "{name}"' if of == "TEXT" else f'"{name}"'


def _equals(name: str) -> str:
    return f'"{name}" = ?'


def _value(value: Any, of: str) -> Any:
    if isinstance(value, float):
        return {"real": struct.pack(">d", value).hex()}
    if not isinstance(value, bytes):
        return value
    if of != "TEXT":
        return {"sha256": hashlib.sha256(value).hexdigest()}
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"no text": value.hex()}
