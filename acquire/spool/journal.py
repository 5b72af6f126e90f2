"""The spool's file: plain synchronous SQLite, used by the spool's own thread alone.

Opening takes an exclusive lock, checks the file, and ends every stream that an earlier run left open: no stream goes on
after a restart (docs/noloss.md, rule 3.1).
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from acquire.canonical import canonical, digest


class SpoolError(Exception):
    """The spool cannot be used: one plain sentence."""


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream as the file has it."""

    number: int
    stream: str
    instrument: str
    head: int
    oldest: int
    ended: str | None
    end_heard: int
    through: int
    epoch: str | None


@dataclass(frozen=True, slots=True)
class MarkerAt:
    """Where a measurement's marker lies."""

    stream: str
    seq: int
    mark: str
    ended: str | None


class Journal:
    """One spool file, opened exclusively."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = _take_lock(path)
        self.moved_aside: Path | None = None
        if path.exists() and not _sound(path):
            self.moved_aside = _move_aside(path)
        self._db = self._open()
        meta = self._db.execute("SELECT source, store, epoch, uptime_s FROM meta").fetchone()
        self.source: str = meta[0]
        self.store: str | None = meta[1]
        self.epoch: str | None = meta[2]
        self.uptime_s: float = meta[3]
        with self._db:
            self._db.execute("UPDATE stream SET ended = 'crash' WHERE ended IS NULL")

    def _open(self) -> sqlite3.Connection:
        new = not self.path.exists()
        db = sqlite3.connect(self.path, check_same_thread=False, isolation_level="IMMEDIATE")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        if new or db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            schema = (resources.files("acquire.spool") / "schema.sql").read_text()
            db.executescript(f"BEGIN IMMEDIATE; {schema} INSERT INTO meta (source) VALUES ('{uuid4()}'); COMMIT;")
        return db

    def streams(self) -> list[StreamRow]:
        """All streams held, in order of creation."""
        rows = self._db.execute(
            "SELECT number, stream, instrument, head, oldest, ended, end_heard, through, epoch FROM stream"
            " ORDER BY number"
        )
        return [StreamRow(*row) for row in rows]

    def open_stream(self, instrument: str) -> StreamRow:
        """A new stream for an instrument: one connection epoch, seq from 1."""
        stream = str(uuid4())
        with self._db:
            cursor = self._db.execute("INSERT INTO stream (stream, instrument) VALUES (?, ?)", (stream, instrument))
        return StreamRow(int(cursor.lastrowid or 0), stream, instrument, 0, 1, None, 0, 0, None)

    def append(self, groups: Iterable[tuple[int, Sequence[tuple[bytes, str | None]]]]) -> list[int]:
        """Append (stream number, [(body, measurement of a marker or None)]) groups in one commit; first seq of each.

        Raises SpoolError for a stream that has ended or does not exist: nothing of any group is written then.
        """
        firsts = []
        with self._db:
            for number, bodies in groups:
                row = self._db.execute("SELECT head, ended FROM stream WHERE number = ?", (number,)).fetchone()
                if row is None or row[1] is not None:
                    raise SpoolError("an entry came for a stream that has ended; it belongs to a new one.")
                first = row[0] + 1
                self._db.executemany(
                    "INSERT INTO entry VALUES (?, ?, ?, ?)",
                    ((number, first + i, body, marked) for i, (body, marked) in enumerate(bodies)),
                )
                self._db.execute("UPDATE stream SET head = ? WHERE number = ?", (row[0] + len(bodies), number))
                firsts.append(first)
        return firsts

    def withhold(self, number: int, body: bytes, reason: str) -> int:
        """Keep an original that cannot be sent; an entry of kind `withheld` takes its seq. Returns the seq."""
        stand_in = {"kind": "withheld", "reason": reason, "bytes": len(body), "sha256": digest(body).hex()}
        (seq,) = self.append([(number, [(canonical(stand_in), None)])])
        with self._db:
            self._db.execute("INSERT INTO withheld VALUES (?, ?, ?, ?)", (number, seq, body, reason))
        return seq

    def end_stream(self, number: int, reason: str) -> None:
        """Set why a stream ended, once; a later reason does not replace the first."""
        with self._db:
            self._db.execute("UPDATE stream SET ended = ? WHERE number = ? AND ended IS NULL", (reason, number))

    def read(self, number: int, first: int, max_entries: int, max_bytes: int) -> list[bytes]:
        """Bodies from seq `first` on, at most max_entries and max_bytes, but always one if there is one."""
        bodies: list[bytes] = []
        size = 0
        rows = self._db.execute(
            "SELECT body FROM entry WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?", (number, first, max_entries)
        )
        for (body,) in rows:
            size += len(body)
            if bodies and size > max_bytes:
                break
            bodies.append(body)
        return bodies

    def markers(self, measurement: str) -> list[MarkerAt]:
        """Markers of a measurement in any stream, in order of appending."""
        rows = self._db.execute(
            "SELECT s.stream, e.seq, CAST(e.body AS TEXT) ->> 'mark', s.ended"
            " FROM entry e JOIN stream s ON s.number = e.stream WHERE e.measurement = ? ORDER BY s.number, e.seq",
            (measurement,),
        )
        return [MarkerAt(*row) for row in rows]

    def pair(self, store: str) -> None:
        """Remember the store this spool belongs to."""
        with self._db:
            self._db.execute("UPDATE meta SET store = ?", (store,))
        self.store = store

    def new_epoch(self, epoch: str) -> None:
        """The store began a new life, or went back: nothing is confirmed any more (rule 5c)."""
        with self._db:
            self._db.execute("UPDATE meta SET epoch = ?", (epoch,))
            self._db.execute("UPDATE stream SET through = 0, end_heard = 0, epoch = ?", (epoch,))
            self._db.execute("DELETE FROM confirmed")
        self.epoch = epoch

    def confirm(self, marks: Iterable[tuple[int, int, bool]], epoch: str | None, uptime_s: float) -> None:
        """Write down (stream number, through, end heard), and at most once an hour when a seq was first confirmed."""
        with self._db:
            for number, through, end_heard in marks:
                self._db.execute(
                    "UPDATE stream SET through = max(through, ?), end_heard = ?, epoch = ? WHERE number = ?",
                    (through, int(end_heard), epoch, number),
                )
                self._db.execute(
                    "INSERT INTO confirmed SELECT ?1, ?2, ?3 WHERE NOT EXISTS"
                    " (SELECT 1 FROM confirmed WHERE stream = ?1 AND (through >= ?2 OR uptime_s > ?3 - 3600))",
                    (number, through, uptime_s),
                )
            self._db.execute("UPDATE meta SET uptime_s = ?", (uptime_s,))
        self.uptime_s = uptime_s

    def close(self) -> None:
        """Close the file and let go of the lock."""
        self._db.close()
        self._lock.close()


def _take_lock(path: Path) -> TextIO:
    lock = path.with_name(path.name + ".lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise SpoolError(f"the spool {path} is in use by another process; stop that one first.") from error
    return lock


def _sound(path: Path) -> bool:
    try:
        db = sqlite3.connect(path)
        try:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        finally:
            db.close()
    except sqlite3.DatabaseError:
        return False


def _move_aside(path: Path) -> Path:
    n = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{n}{path.suffix}")).exists():
        n += 1
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
