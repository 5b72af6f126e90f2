"""Backups of the store, taken while it is served, and their return: the same record in a new epoch.

The new epoch is what makes a restore safe: with the next answer every source learns that what it held for confirmed
counts no more, and sends again what is missing from its journal (docs/noloss.md section 6).
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.files import clear, put_in_place
from acquire.integrity import findings
from acquire.plain_files import must_be_plain, own
from acquire.private import private
from acquire.store.database import StoreError, connect, identity, transaction
from acquire.store.sealing import Sealing

MARGIN = timedelta(days=1)  # docs/noloss.md section 5: the retention must exceed a backup's age by this


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    store: str
    epoch: str
    as_of: str
    aside: Path | None


def lock(path: Path, *, alone: bool) -> BinaryIO:
    """The lock beside a store: workers share it, a restore wants it alone. Raises StoreError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = own(path.with_name(path.name + ".lock"))
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        what = "a service is serving it; stop that first" if alone else "it is just being restored; try again"
        raise StoreError(f"the store {path} cannot be used: {what}.") from error
    return file


def is_served(path: Path) -> bool:
    """Whether a service has this store open now."""
    beside = path.with_name(path.name + ".lock")
    try:
        with beside.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def replacing(path: Path, store: str) -> None:
    """Give a store that was just made the name of the record it replaces. Raises StoreError."""
    try:
        name = str(UUID(store))
    except ValueError as error:
        raise StoreError(
            f"'{store}' is no store id; `acquire store stats` and `acquire spool status` show it."
        ) from error
    with closing(connect(path, create=True)) as connection, transaction(connection):
        connection.execute("UPDATE identity SET store = ?", (name,))


def backup(path: Path, to: Path) -> str:
    """A consistent copy of a store that may be served meanwhile; returns when it was taken. Raises StoreError."""
    if to.exists():
        raise StoreError(f"there is a file {to} already; it is left as it is.")
    made = to.with_name(to.name + ".part")
    made.unlink(missing_ok=True)
    with closing(connect(path)) as connection:
        at = utc_now()
        try:
            connection.execute("VACUUM INTO ?", (str(private(made)),))  # one read transaction: writers go on
            with closing(sqlite3.connect(made)) as copy:
                copy.execute("UPDATE identity SET backed_up_at = ?", (at,))
                copy.commit()
                _must_be_whole(copy, made)
        except sqlite3.Error as error:
            made.unlink(missing_ok=True)
            raise StoreError(f"the backup {to} could not be made: {error}.") from error
        put_in_place(made, to)
        with transaction(connection):
            connection.execute("UPDATE identity SET backed_up_at = ?", (at,))
    return at


def as_of(path: Path) -> datetime:
    """When the content of a backup was taken; of a file copied by hand, when it last heard a source, at the latest."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        columns = {row[1] for row in copy.execute("PRAGMA table_info(identity)")}
        told = copy.execute("SELECT backed_up_at FROM identity").fetchone()[0] if "backed_up_at" in columns else None
        (heard,) = copy.execute("SELECT max(last_heard) FROM stream").fetchone()
    return datetime.fromisoformat(told or heard) if told or heard else datetime.fromtimestamp(0, UTC)


def restore(path: Path, backup_file: Path, *, retention: timedelta | None) -> Restored:
    """Put a backup in the store's place, in a new epoch; what was there is kept aside.

    With a `retention`, a backup too old for the journals of the spools to fill up is refused. Raises StoreError, and
    then nothing was changed.
    """
    if not backup_file.exists():
        raise StoreError(f"there is no backup {backup_file}.")
    try:
        must_be_plain(backup_file)
    except Refused as error:
        raise StoreError(str(error)) from error
    with closing(lock(path, alone=True)):
        made = path.with_name(path.name + ".restoring")
        made.unlink(missing_ok=True)
        try:
            taken = _must_be_young(backup_file, retention)
            _copy(backup_file, made)
            name, epoch = _new_life(made)
            if path.exists():
                _must_be_same_record(path, name)
        except (sqlite3.Error, StoreError) as error:
            made.unlink(missing_ok=True)
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{backup_file} is no backup of a store: {error}.") from error
        aside = clear(path, "before-restore")
        put_in_place(made, path)
    return Restored(name, epoch, taken.isoformat(), aside)


def _copy(backup_file: Path, made: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{backup_file}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(private(made))) as copy,
    ):
        source.backup(copy)
        _must_be_whole(copy, backup_file)


def _must_be_whole(copy: sqlite3.Connection, path: Path) -> None:
    if found := findings(copy):
        raise StoreError(f"{path} is damaged: {'; '.join(found)}.")


def _must_be_young(backup_file: Path, retention: timedelta | None) -> datetime:
    taken = as_of(backup_file)
    age = datetime.now(UTC) - taken
    if retention is not None and age > retention - MARGIN:
        raise StoreError(
            f"{backup_file} is {age / timedelta(days=1):.1f} days old, and the spools keep what is confirmed for"
            f" {retention / timedelta(days=1):g} days: what came after it and is older than that would be lost."
            " Take a younger backup, or say --accept-loss."
        )
    return taken


def begin_epoch(connection: sqlite3.Connection) -> None:
    """A new life of the record, inside the caller's transaction: sealed, since sources believe what follows from it."""
    epoch, sealing = str(uuid4()), Sealing(connection)
    sealing.add("epoch", epoch=epoch)
    sealing.keep()
    connection.execute("UPDATE identity SET epoch = ?, started_at = NULL", (epoch,))


def _new_life(made: Path) -> tuple[str, str]:
    with closing(connect(made)) as connection:
        with transaction(connection):
            begin_epoch(connection)
        name, epoch = identity(connection)
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, to be renamed as one
    return name, epoch


def _must_be_same_record(path: Path, name: str) -> None:
    """A damaged store says nothing of itself: then it is the person who knows."""
    try:
        with closing(connect(path)) as connection:
            here, _ = identity(connection)
    except (StoreError, sqlite3.Error):
        return
    if here != name:
        raise StoreError(
            f"the backup is of the record {name}, and at {path} is the record {here}: the sources would not believe it."
        )
