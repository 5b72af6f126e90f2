"""Whether a database's file is sound and still the one that was opened: for the store and for the spool.

SQLite says "malformed" only when it comes across a damaged page, and it goes on writing into a file that was removed.
So the whole file is checked beside its use (acquire.checking), and the path is compared with what was opened.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from acquire.files import PARTS
from acquire.filesystem import HEALS, SHARED_MEMORY, problem

DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL)
FINDINGS = 3  # told of a damaged file: more say nothing more


def code_of(error: BaseException | None) -> int:
    """The primary result code of an error of SQLite's (sqlite.org, "Result and Error Codes"); 0 for any other."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite calls the file malformed. A disk that cannot be read can make it say so, too."""
    return code_of(error) in DAMAGE


def may_heal(error: BaseException, path: Path) -> bool:
    """Whether what kept this database from being opened is a fault of its disk, which may pass by itself.

    Of a file that certainly is not there it is not: a new one is not to be waited for.
    """
    try:
        if identity_of(path) is None:
            return False
    except OSError as unseen:
        return unseen.errno in HEALS
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, OSError) and each.errno in HEALS:
            return True
        if code_of(each) in (*DISK, sqlite3.SQLITE_FULL) and _disk_fails(each, path):
            return True
        each = each.__cause__
    return False


def _disk_fails(error: BaseException, path: Path) -> bool:
    """SQLite says the same of missing memory maps ("I/O error") and missing rights ("cannot open")."""
    if getattr(error, "sqlite_errorcode", 0) in SHARED_MEMORY:
        return problem(path.parent, also_passing=False) is None
    if code_of(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return True
    try:
        for part in ("", "-shm"):
            os.close(os.open(path.with_name(path.name + part), os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if part else 0)))
    except OSError as refused:
        return refused.errno in HEALS
    return False


def write_nothing(connection: sqlite3.Connection) -> None:
    """A commit that changes nothing: it shows whether the file can be written. Raises sqlite3.Error."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


def is_there(path: Path) -> bool:
    """Whether there is a file. Raises OSError where that cannot be seen: it must not be taken for a new one then."""
    return identity_of(path) is not None


@dataclass(frozen=True, slots=True)
class Files:
    """A database, its log and its index as they were when it was opened: (device, inode) of each that was there."""

    path: Path
    parts: tuple[tuple[int, int] | None, ...]

    @classmethod
    def of(cls, path: Path) -> Files:
        """As they lie there now. Raises OSError where that cannot be seen."""
        return cls(path, tuple(identity_of(f"{path}{part}") for part in PARTS))

    def moved(self) -> list[str]:
        """The names of those that are there no longer, or are others now. Raises OSError where that cannot be seen."""
        now = Files.of(self.path).parts
        held = zip(PARTS, self.parts, now, strict=True)
        return [self.path.name + part for part, then, here in held if then is not None and here != then]

    def remove_logs(self) -> None:
        """Take away a log that belongs to a database which is not there: the next one's it must not seem to be.

        Raises OSError.
        """
        for part, ours in list(zip(PARTS, self.parts, strict=True))[1:]:
            log = self.path.with_name(self.path.name + part)
            if ours is not None and identity_of(log) == ours:
                log.unlink()


def identity_of(path: Path | str) -> tuple[int, int] | None:
    """(device, inode) of a file; None where there is none. Raises OSError where that cannot be seen."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked around every commit, where making a Path costs as much again
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def version_of(path: Path) -> tuple[int, ...] | None:
    """What changes when a file is replaced or written; None where there is none. Raises OSError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def findings(connection: sqlite3.Connection, table: str | None = None) -> list[str]:
    """What is wrong with a file, or with one table of it, in SQLite's words; indexes are held against their tables.

    Raises sqlite3.Error.
    """
    what = FINDINGS if table is None else f"'{table}'"
    said = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({what})")]
    return [] if said == ["ok"] else said
