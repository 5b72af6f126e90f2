"""The spool's file: plain synchronous SQLite, used by the spool's own thread alone.

Opening takes an exclusive lock, checks the file, and ends every stream that an earlier run left open: no stream goes on
after a restart (docs/noloss.md, rule 3.1).
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import uuid4

from acquire.canonical import canonical, digest, utc_now
from acquire.files import move_aside, remove
from acquire.filesystem import problem
from acquire.plain_files import own
from acquire.private import private
from acquire.rows import insert_rows
from acquire.spool import originals
from acquire.spool.disk_budget import DEFAULT_LIMIT, RESERVE, DiskBudget

T = TypeVar("T")
Groups = Iterable[tuple[int, Sequence[tuple[bytes, str | None]]]]

SCHEMA = 3
LONGEST_WHY = 300  # characters of the sentence kept with the end of a stream
DISK_ERRORS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
TWO_STORES_WITHIN_S = 3600.0  # a second change of epoch within this says that two stores of one record are live
NO_PRUNING_FOR_S = 86400.0
CONFIRMED_EVERY_S = 3600.0


class SpoolError(Exception):
    """The spool cannot be used: one plain sentence."""


class SpoolFull(SpoolError):
    """The spool takes no more entries until there is room again (rule 3.9)."""


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
    source: str | None = None  # of a salvaged stream, where it is not this spool's own
    why: str | None = None  # the sentence of the fault that ended it, where one did
    resend: tuple[int, ...] = ()  # seqs whose withheld originals are to be sent again ...
    resent: tuple[int, ...] = ()  # ... and those that the store has confirmed in this epoch


@dataclass(frozen=True, slots=True)
class MarkerAt:
    """Where a measurement's marker lies."""

    stream: str
    seq: int
    mark: str
    ended: str | None


class Journal:
    """One spool file, opened exclusively. Bytes: `limit` is its budget, `reserve` is kept for the last words.

    Every method that writes raises SpoolFull where the disk takes no more, SpoolError for what else is refused.
    """

    def __init__(self, path: Path, *, limit: int = DEFAULT_LIMIT, reserve: int = RESERVE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.budget = DiskBudget(path, limit, reserve)
        self.moved_aside: Path | None = None
        was_there = path.exists()
        self._lock = take_lock(path)
        try:
            self._begin()
        except BaseException:
            self._lock.close()
            if not was_there and not path.exists():
                Path(self._lock.name).unlink(missing_ok=True)
            raise

    def _begin(self) -> None:
        if self.path.exists() and not is_intact(self.path):
            self.moved_aside = move_aside(self.path, "damaged")
        self.db = self._with_reserve(self._open)
        meta = self.db.execute("SELECT source, store, epoch, uptime_s FROM meta").fetchone()
        self.source: str = meta[0]
        self.store: str | None = meta[1]
        self.epoch: str | None = meta[2]
        self.uptime_s: float = meta[3]
        self._with_reserve(self._end_all)
        if not self.budget.make_reserve():
            self.budget.full = "the spool's disk has no room for its reserve"

    def _end_all(self) -> None:
        with self.writing():
            self.db.execute("UPDATE stream SET ended = 'crash' WHERE ended IS NULL")

    def _open(self) -> sqlite3.Connection:
        is_new = not self.path.exists()
        db = sqlite3.connect(private(self.path), check_same_thread=False, isolation_level="IMMEDIATE")
        try:
            with self._refusals():
                self._make_ready(db)
        except SpoolError as error:
            db.close()
            if is_new:
                remove(self.path)
                if (why := problem(self.path.parent)) is not None:
                    raise SpoolError(f"there can be no spool at {self.path}: {why}.") from error
            raise
        return db

    def _make_ready(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a new file: what is pruned can be given back to a full disk
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            db.executescript(f"BEGIN IMMEDIATE; {_sql(1)} INSERT INTO meta (source) VALUES ('{uuid4()}'); COMMIT;")
        (have,) = db.execute("PRAGMA user_version").fetchone()
        if have > SCHEMA:
            raise SpoolError(f"the spool {self.path} has schema {have}, this program knows {SCHEMA}; use a newer one.")
        for version in range(max(have, 1) + 1, SCHEMA + 1):
            db.executescript(f"BEGIN IMMEDIATE; {_sql(version)} PRAGMA user_version = {version}; COMMIT;")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction. Raises SpoolFull where the disk takes no more, SpoolError for what else is refused."""
        with self._refusals(), self.db:
            yield self.db

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in DISK_ERRORS:
                self.budget.disk_refused(getattr(self, "db", None), error)
                raise SpoolFull(f"spool full: {self.budget.full}.") from error
            raise SpoolError(f"the spool {self.path} cannot be used: {error}.") from error

    def _with_reserve(self, run: Callable[[], T]) -> T:
        """What must still be written when the disk is full: again, once the reserve has been let go."""
        try:
            return run()
        except SpoolFull:
            return run()

    def streams(self) -> list[StreamRow]:
        """All streams held, in order of creation."""
        rows = self.db.execute(
            "SELECT number, stream, instrument, head, oldest, ended, end_heard, through, epoch, source, why"
            " FROM stream ORDER BY number"
        ).fetchall()
        resend, resent = originals.to_send(self.db), originals.sent(self.db)
        return [replace(StreamRow(*row), resend=resend.get(row[0], ()), resent=resent.get(row[0], ())) for row in rows]

    def open_stream(self, instrument: str) -> StreamRow:
        """A new stream for an instrument: one connection epoch, seq from 1 (docs/noloss.md section 1)."""
        stream = str(uuid4())
        with self.writing():
            cursor = self.db.execute("INSERT INTO stream (stream, instrument) VALUES (?, ?)", (stream, instrument))
        return StreamRow(int(cursor.lastrowid or 0), stream, instrument, 0, 1, None, 0, 0, None)

    def append(self, groups: Groups, *, urgent: bool = False) -> list[int]:
        """Append (stream number, [(body, measurement of a marker or None)]) groups in one commit; first seqs (rule
        3.2).

        `urgent` entries (end markers) may go over the budget and into the reserve. Raises SpoolError for a stream that
        has ended or does not exist, SpoolFull when there is no room: nothing of any group is written then.
        """
        held = list(groups)
        if urgent:
            return self._with_reserve(lambda: self._append(held))
        self._refuse_when_full(sum(len(body) for _, bodies in held for body, _ in bodies))
        return self._append(held)

    def _append(self, groups: Groups) -> list[int]:
        with self.writing():
            return [self._insert(number, bodies) for number, bodies in groups]

    def _insert(self, number: int, bodies: Sequence[tuple[bytes, str | None]]) -> int:
        row = self.db.execute("SELECT head, ended FROM stream WHERE number = ?", (number,)).fetchone()
        if row is None or row[1] is not None:
            raise SpoolError("an entry came for a stream that has ended; it belongs to a new one.")
        first: int = row[0] + 1
        rows = [(number, seq, body, marked) for seq, (body, marked) in enumerate(bodies, first)]
        insert_rows(self.db, "entry", rows)
        self.db.execute("UPDATE stream SET head = ? WHERE number = ?", (row[0] + len(bodies), number))
        return first

    def _refuse_when_full(self, more: int) -> None:
        self.budget.check(self.db, more)
        if self.budget.full is not None:
            raise SpoolFull(f"spool full: {self.budget.full}.")

    def has_room(self) -> bool:
        """Whether entries are taken, or taken again (rule 3.9)."""
        return self.budget.settle(self.db)

    def withhold(self, number: int, body: bytes, reason: str) -> int:
        """Keep an original that cannot be sent; an entry of kind `withheld` takes its seq. Returns the seq (rule 3.8).

        Raises SpoolFull, SpoolError for a stream that has ended.
        """
        self._refuse_when_full(len(body))
        with self.writing():
            seq = self._insert(number, [(stand_in(body, reason), None)])
            originals.keep(self.db, number, seq, body, reason)
        return seq

    def replace(self, number: int, seq: int, reason: str) -> None:
        """Withhold an entry that was appended already and is refused on its way (rule 3.8)."""
        with self.writing():
            (body,) = self.db.execute("SELECT body FROM entry WHERE stream = ? AND seq = ?", (number, seq)).fetchone()
            originals.keep(self.db, number, seq, body, reason)
            self.db.execute(
                "UPDATE entry SET body = ? WHERE stream = ? AND seq = ?", (stand_in(body, reason), number, seq)
            )

    def end_stream(self, number: int, ended: str, why: str | None = None) -> None:
        """Set how a stream ended, once, with the sentence of the fault; a later end does not replace the first."""
        said = (ended, why[:LONGEST_WHY] if why else None, number)

        def end() -> None:
            with self.writing():
                self.db.execute("UPDATE stream SET ended = ?, why = ? WHERE number = ? AND ended IS NULL", said)

        self._with_reserve(end)

    def read(self, number: int, first: int, max_entries: int, max_bytes: int) -> list[bytes]:
        """Bodies of seq `first`, first+1, ... at most max_entries and max_bytes, but always one if `first` is held."""
        bodies: list[bytes] = []
        size = 0
        rows = self.db.execute(
            "SELECT seq, body FROM entry WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?",
            (number, first, max_entries),
        )
        for seq, body in rows:
            size += len(body)
            if seq != first + len(bodies) or (bodies and size > max_bytes):  # pruned meanwhile, or the batch is full
                break
            bodies.append(body)
        return bodies

    def markers(self, measurement: str) -> list[MarkerAt]:
        """Markers of a measurement in any stream, in order of appending."""
        rows = self.db.execute(
            "SELECT s.stream, e.seq, CAST(e.body AS TEXT) ->> 'mark', s.ended"
            " FROM entry e JOIN stream s ON s.number = e.stream WHERE e.measurement = ? ORDER BY s.number, e.seq",
            (measurement,),
        )
        return [MarkerAt(*row) for row in rows]

    def pair(self, store: str) -> None:
        """Remember the store this spool belongs to. Nothing is confirmed by it yet (rule 3.5)."""
        with self.writing():
            self.db.execute("UPDATE meta SET store = ?, epoch = NULL, epoch_at = NULL", (store,))
            self._forget_confirmed(None)
        self.store, self.epoch = store, None

    def new_epoch(self, epoch: str, uptime_s: float) -> bool:
        """The store began a new life, or went back: nothing is confirmed any more (rule 5c).

        Returns True when it is the second change of epoch within an hour: two stores of one record answer, and
        nothing is pruned until a day has passed without another.
        """
        with self.writing():
            known, changed_at = self.db.execute("SELECT epoch, epoch_at FROM meta").fetchone()
            changed = known is not None and known != epoch
            two = changed and changed_at is not None and uptime_s - changed_at < TWO_STORES_WITHIN_S
            self.db.execute("UPDATE meta SET epoch = ?", (epoch,))
            if changed:
                self.db.execute("UPDATE meta SET epoch_at = ?", (uptime_s,))
            if two:
                self.db.execute("UPDATE meta SET no_pruning_before = ?", (uptime_s + NO_PRUNING_FOR_S,))
            self._forget_confirmed(epoch)
        self.epoch = epoch
        return two

    def _forget_confirmed(self, epoch: str | None) -> None:
        self.db.execute("UPDATE stream SET through = 0, end_heard = 0, epoch = ?", (epoch,))
        self.db.execute("DELETE FROM confirmed")
        originals.forget_confirmed(self.db)

    def confirm(self, marks: Iterable[tuple[int, int, bool]], epoch: str | None, uptime_s: float) -> None:
        """Write down (stream number, through, end heard), and when it was first confirmed, at most one row an hour."""
        with self.writing():
            for number, through, end_heard in marks:
                self.db.execute(
                    "UPDATE stream SET through = max(through, ?), end_heard = ?, epoch = ? WHERE number = ?",
                    (through, int(end_heard), epoch, number),
                )
                self._note_confirmed(number, through, uptime_s)
            self.db.execute("UPDATE meta SET uptime_s = ?", (uptime_s,))
        self.uptime_s = uptime_s

    def _note_confirmed(self, number: int, through: int, uptime_s: float) -> None:
        """The newest row moves along until it is an hour younger than the one before: never older than the truth."""
        rows = self.db.execute(
            "SELECT through, uptime_s FROM confirmed WHERE stream = ? ORDER BY through DESC LIMIT 2", (number,)
        ).fetchall()
        if rows and rows[0][0] >= through:
            return
        if len(rows) == 2 and rows[0][1] - rows[1][1] < CONFIRMED_EVERY_S:
            self.db.execute("DELETE FROM confirmed WHERE stream = ? AND through = ?", (number, rows[0][0]))
        self.db.execute("INSERT INTO confirmed VALUES (?, ?, ?)", (number, through, uptime_s))

    def alarm(self, what: str, subject: str, message: str) -> None:
        """Note an alarm for a person, counted when it comes again."""
        now = utc_now()
        with self.writing():
            self.db.execute(
                "INSERT INTO alarm VALUES (?1, ?2, ?3, 1, ?4, ?4) ON CONFLICT (what, subject) DO UPDATE"
                " SET count = count + 1, message = excluded.message, last_at = excluded.last_at",
                (what, subject, message, now),
            )

    def close(self) -> None:
        """Close the file and let go of the lock."""
        self.db.close()
        self._lock.close()


def stand_in(body: bytes, reason: str) -> bytes:
    """The entry that stands for an original the source cannot send (docs/noloss.md section 2)."""
    return canonical({"kind": "withheld", "reason": reason, "bytes": len(body), "sha256": digest(body).hex()})


def _sql(version: int) -> str:
    name = "schema.sql" if version == 1 else f"schema_{version}.sql"
    return (resources.files("acquire.spool") / name).read_text()


def take_lock(path: Path) -> BinaryIO:
    """The exclusive lock of a spool file (rule 3.1). Raises SpoolError when another process has it."""
    lock = own(path.with_name(path.name + ".lock"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise SpoolError(f"the spool {path} is in use by another process; stop that one first.") from error
    return lock


def is_intact(path: Path) -> bool:
    """Whether SQLite finds the file whole (rule 3.1). Raises SpoolError when it cannot be read for another reason."""
    db = sqlite3.connect(path)
    try:
        return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return False
        raise SpoolError(f"the spool {path} cannot be read: {error}.") from error
    finally:
        db.close()
