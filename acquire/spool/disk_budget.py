"""How much more the spool may take: its budget in bytes, the disk, and a reserve for the last words (rule 3.9).

The reserve is a file of real bytes beside the spool. When the disk is full it is let go, so that end markers and the
ends of streams can still be written; it is made again as soon as there is room.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from acquire.plain_files import own

MIB = 1024 * 1024
DEFAULT_LIMIT = 4096 * MIB
RESERVE = 16 * MIB
STEP_PAGES = 256
PRESSURE = 64 * MIB  # with less than this left, or a tenth of the budget if that is less, room is made


@dataclass(slots=True)
class DiskBudget:
    """The room of one spool file. `full` says why nothing more is taken, or is None."""

    path: Path
    limit: int = DEFAULT_LIMIT
    reserve: int = RESERVE
    full: str | None = None

    @property
    def pressure(self) -> int:
        """Bytes below which room is made."""
        return min(PRESSURE, self.limit // 10)

    @property
    def _file(self) -> Path:
        return self.path.with_name(self.path.name + ".reserve")

    def used(self, db: sqlite3.Connection) -> int:
        """Bytes of pages that hold something."""
        return self._pages(db, "page_count") - self._pages(db, "freelist_count")

    def available(self, db: sqlite3.Connection) -> int:
        """Bytes that can still be appended: by the budget, and by what the disk and the file's own free pages give."""
        return min(self.limit - self.used(db), self._pages(db, "freelist_count") + self._disk_free())

    def check(self, db: sqlite3.Connection, more: int) -> None:
        """Note that the spool is full when `more` bytes would go over its budget."""
        if self.full is None and self.used(db) + more > self.limit:
            self.full = f"the spool holds its budget of {self.limit / MIB:.0f} MiB"

    def disk_refused(self, db: sqlite3.Connection | None, error: sqlite3.Error) -> None:
        """The disk took no more: let the reserve go for what must still be written, and for nothing else."""
        self.full = self.full or f"the spool's disk takes no more ({error})"
        if db is not None:
            with suppress(sqlite3.Error):  # a checkpoint makes the file grow and would eat the reserve
                db.execute("PRAGMA wal_autocheckpoint = 0")
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def settle(self, db: sqlite3.Connection) -> bool:
        """Whether the spool takes entries, or takes them again because there is room and a reserve."""
        if self.full is not None and self.available(db) > self.pressure:
            self._give_back(db)
            if self.make_reserve():
                db.execute("PRAGMA wal_autocheckpoint = 1000")
                self.full = None
        return self.full is None

    def _give_back(self, db: sqlite3.Connection) -> None:
        """Free pages of the file to the disk, in steps that need little room themselves, until the reserve fits."""
        with suppress(sqlite3.Error):
            while self._disk_free() < 2 * self.reserve and self._pages(db, "freelist_count"):
                before = self._pages(db, "page_count")
                db.execute(f"PRAGMA incremental_vacuum({STEP_PAGES})").fetchall()
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                if self._pages(db, "page_count") == before:
                    break

    def make_reserve(self) -> bool:
        """Allocate the reserve if it is not there; whether it is."""
        with suppress(FileNotFoundError):
            if self._file.stat().st_size == self.reserve:
                return True
        if self._disk_free() < 2 * self.reserve:
            return False
        try:
            with own(self._file) as f:
                os.ftruncate(f.fileno(), 0)
                os.posix_fallocate(f.fileno(), 0, self.reserve)
        except OSError:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
            return False
        return True

    def _pages(self, db: sqlite3.Connection, what: str) -> int:
        (pages,) = db.execute(f"PRAGMA {what}").fetchone()
        return int(pages) * 4096

    def _disk_free(self) -> int:
        return disk_free(self.path)


def disk_free(path: Path) -> int:
    """Bytes that are free on the disk of a file's folder."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize
