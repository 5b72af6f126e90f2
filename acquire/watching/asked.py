"""What is asked of the threads of spool and store, and of the disks, for a page of metrics: what only files know.

A thread that is busy is waited for a little and then left out of the page. It is not asked a second time before it has
answered, so that whoever asks for pages without end puts nothing in its way.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from acquire.certificates import certificates, expires
from acquire.checking import last_check, last_verified
from acquire.config import Loaded
from acquire.people.passwords import trials
from acquire.spool import originals
from acquire.spool.errors import SpoolError
from acquire.spool.journal import Journal
from acquire.spool.stream import Stream
from acquire.store import alarms, unreadable
from acquire.store.entries import count_lost, count_refused

T = TypeVar("T")

ANSWER_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class SpoolSaid:
    """used, limit: bytes. oldest: when the oldest unconfirmed entry was made, by instrument. withheld: originals that
    wait for a person. alarms: how often each kind was raised.
    """

    used: int
    limit: int
    oldest: dict[str, datetime]
    withheld: int
    alarms: dict[str, int]


@dataclass(frozen=True, slots=True)
class StoreSaid:
    """refused, lost: entries. unreadable: messages. passwords: (trials, right ones). alarms: how often each kind was
    raised. backed_up: when, or None.
    """

    refused: int
    lost: int
    unreadable: int
    passwords: tuple[int, int]
    alarms: dict[str, int]
    backed_up: datetime | None


@dataclass(frozen=True, slots=True)
class FilesSaid:
    """Of the files of a configuration. disks: bytes (free, all) by database. checks: when each database was checked
    last as a whole, and whether it was sound (None: the check could not be made). verified: when the store was, and how
    many problems were found. certificates: when each expires.
    """

    disks: dict[str, tuple[int, int]]
    checks: dict[str, tuple[datetime, bool | None]]
    verified: tuple[datetime, int] | None
    certificates: dict[str, datetime]


class Asked(Generic[T]):
    """One question to a thread: at most one of them is under way."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, T | None]]) -> None:
        self._ask = ask
        self._task: asyncio.Task[T | None] | None = None

    async def answer(self) -> T | None:
        """What it answers; None where there is nobody to ask, it takes too long, or cannot say it now."""
        if self._task is None:
            self._task = asyncio.create_task(self._ask(), name="watching-asks")
        done, _ = await asyncio.wait({self._task}, timeout=ANSWER_WITHIN_S)
        if not done:
            return None
        task, self._task = self._task, None
        try:
            return task.result()
        except (SpoolError, sqlite3.Error):
            return None

    async def close(self) -> None:
        """Wait no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def of_spool(journal: Journal, waiting: Sequence[Stream]) -> SpoolSaid:
    """On the spool's thread. waiting: the streams with unconfirmed entries, in the order they were made."""
    oldest: dict[str, datetime] = {}
    for s in waiting:
        if s.instrument not in oldest or s.source is not None:  # a salvaged stream is older than its number says
            made = journal.made_at(s.number, max(s.through + 1, s.oldest))
            if made is not None:
                oldest[s.instrument] = min(made, oldest.get(s.instrument, made))
    return SpoolSaid(
        journal.budget.used(journal.db), journal.budget.limit, oldest, originals.waiting(journal.db),
        dict(journal.db.execute("SELECT what, sum(count) FROM alarm GROUP BY what").fetchall()),
    )  # fmt: skip


def of_files(loaded: Loaded) -> FilesSaid:
    """On a thread of its own: a disk may hang."""
    databases = {name: path for name, path in (("spool", loaded.spool), ("store", loaded.store)) if path is not None}
    disks: dict[str, tuple[int, int]] = {}
    checks: dict[str, tuple[datetime, bool | None]] = {}
    for name, path in databases.items():
        with suppress(OSError):
            room = shutil.disk_usage(path.parent)
            disks[name] = room.free, room.total
        if (said := last_check(path)) is not None:
            sound = None if said["failed"] is not None else said["finding"] is None
            checks[name] = datetime.fromisoformat(said["at"]), sound
    verified = last_verified(loaded.store) if loaded.store is not None else None
    until = {what: at for what, file in certificates(loaded).items() if (at := expires(file)) is not None}
    return FilesSaid(
        disks, checks, (datetime.fromisoformat(verified["at"]), verified["problems"]) if verified else None, until
    )


def of_store(connection: sqlite3.Connection) -> StoreSaid:
    """On the store's thread."""
    (backed_up,) = connection.execute("SELECT backed_up_at FROM identity").fetchone()
    return StoreSaid(
        count_refused(connection), count_lost(connection), unreadable.count(connection), trials(connection),
        alarms.raised(connection), datetime.fromisoformat(backed_up) if backed_up else None,
    )  # fmt: skip
