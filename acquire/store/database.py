"""Opening the store's database: pragmas, migrations, identity.

One SQLite file, WAL, synchronous=FULL: the answer "committed" is given after a commit that survives a power cut.
Every process that opens it (service, command line) uses its own connection; writers begin with BEGIN IMMEDIATE.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from uuid import uuid4

from acquire.checksum import checksum, seed
from acquire.files import remove
from acquire.filesystem import problem
from acquire.integrity import is_damage, is_there
from acquire.packing import packed
from acquire.private import private
from acquire.store.derived import Connection, forget
from acquire.store.entries import KIND, micros
from acquire.store.upgrade import seal_rows
from acquire.store.upgrade_streams import seal_streams

BUSY_TIMEOUT_MS = 10_000


class StoreError(Exception):
    """The store cannot be used as asked: one plain sentence."""


class StoreDamaged(StoreError):
    """SQLite finds the file malformed."""


def path_of(url: str) -> Path:
    """The file of a store URL, `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises StoreError for others."""
    if not url.startswith("sqlite:///"):
        raise StoreError(f"the store URL '{url}' is not known; allowed is sqlite:///PATH.")
    return Path(url.removeprefix("sqlite:///"))


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """Open the store and bring its schema up to date. Transactions are explicit (see `transaction`).

    Raises StoreError when the file is missing (and not to be created), newer than this program, or no store at all.
    """
    is_new = not is_there(path)
    if not create and is_new:
        raise StoreError(f"there is no store at {path}; make one with `acquire store create`.")
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        private(path), isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, factory=Connection
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=MEMORY")  # or every statement of many rows writes a journal of its own
        connection.execute("PRAGMA foreign_keys=ON")
        connection.row_factory = sqlite3.Row
        migrate(connection)
    except StoreError:
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        if is_new:
            remove(path)
        why = problem(path.parent) or error
        kind = StoreDamaged if is_damage(error) else StoreError
        raise kind(f"{path} cannot be opened as a store: {why}.") from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """BEGIN IMMEDIATE .. COMMIT, or ROLLBACK on any exception."""
    connection.execute("BEGIN IMMEDIATE")
    forget(connection)
    try:
        yield connection
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back already
            connection.execute("ROLLBACK")
        raise
    finally:
        forget(connection)
    connection.execute("COMMIT")


# What migrations may call.
FUNCTIONS: tuple[tuple[str, int, Callable[..., int | bytes]], ...] = (
    ("checksum", 3, lambda stream, seq, body: checksum(seed(stream), seq, body)),
    ("packed", 1, packed),
    ("micros", 1, lambda at: micros(at) if re.match(r"\d{4}-", at) else 0),
    ("kind_number", 1, lambda kind: KIND.get(kind, KIND["invalid"])),
)


@contextmanager
def one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """The store as it is now, whatever others commit meanwhile; what is asked in several statements fits together.
    Nothing that is written is kept. In a transaction that the caller has, it is that transaction's moment."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    forget(connection)
    try:
        yield
    finally:
        forget(connection)
        connection.execute("ROLLBACK")


@cache
def migrations() -> list[tuple[int, str]]:
    """(version, SQL) of every migration the package ships, in order: 1, 2, 3 ... Raises AssertionError for others.

    Of two with one number the second would never be applied, and nobody would be told.
    """
    folder = resources.files("acquire.store") / "migrations"
    found = [(int(m[1]), f.read_text()) for f in folder.iterdir() if (m := re.match(r"(\d{4})_\w+\.sql$", f.name))]
    assert sorted(number for number, _ in found) == list(range(1, len(found) + 1)), "each migration has its own number"
    return sorted(found)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing, each migration in one transaction together with its version number.

    Raises StoreError for a store that is newer than this program.
    """
    (have,) = connection.execute("PRAGMA user_version").fetchone()
    steps = migrations()
    newest = steps[-1][0]
    if have > newest:
        raise StoreError(f"the store has schema {have}, this program knows {newest}; use a newer program.")
    for version, sql in steps:
        if version > have:
            _apply(connection, version, sql)


def _apply(connection: sqlite3.Connection, version: int, sql: str) -> None:
    for name, takes, function in FUNCTIONS:
        connection.create_function(name, takes, function, deterministic=True)
    with transaction(connection):
        (have,) = connection.execute("PRAGMA user_version").fetchone()
        if have >= version:  # another process was quicker
            return
        for statement in statements(sql):
            connection.execute(statement)
        if version == 1:
            connection.execute("INSERT INTO identity (store, epoch) VALUES (?, ?)", (str(uuid4()), str(uuid4())))
        if version == 12:
            seal_streams(connection)
        if version == 13:
            seal_rows(connection)
        connection.execute(f"PRAGMA user_version = {version}")


def statements(sql: str) -> Iterator[str]:
    """Split a migration into statements, respecting triggers (sqlite3.executescript would commit in between)."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def identity(connection: sqlite3.Connection) -> tuple[str, str]:
    """(store, epoch): the record's name, and which life of it this is."""
    row = connection.execute("SELECT store, epoch FROM identity").fetchone()
    return str(row["store"]), str(row["epoch"])
