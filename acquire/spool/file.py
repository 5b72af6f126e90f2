"""The spool's file as a file: opened exclusively, opened anew after a fault of the disk, begun anew after damage.

What lies in it is the journal's (acquire.spool.journal). Opening ends every stream that an earlier run left open: no
stream goes on after a restart (docs/noloss.md, rule 3.1).
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import uuid4

from acquire.files import clear, free_name, move_aside, put_in_place, remove
from acquire.filesystem import problem
from acquire.integrity import DISK, Files, code_of, is_damage, is_there, write_nothing
from acquire.log import Log
from acquire.plain_files import own
from acquire.private import private
from acquire.spool import aside
from acquire.spool.aside import Aside
from acquire.spool.disk_budget import DiskBudget
from acquire.spool.errors import SpoolDamaged, SpoolError, SpoolFull

log = Log("spool")
T = TypeVar("T")

SCHEMA = 5
BEFORE_RESTORE = "before-restore"
LEFT = ("damaged", "removed", BEFORE_RESTORE)  # in the names of files put aside, which may hold what nobody else has
LARGE = ("entry", "withheld")  # tables whose check takes its time: it is made beside the running


class SpoolFile(ABC):
    """One file, its lock and its connection `db`. Used from the spool's own thread alone.

    `moved_aside` is where the last damaged one was put; `source`, `store`, `epoch` and `uptime_s` are its `meta`.
    """

    source: str
    store: str | None
    epoch: str | None
    uptime_s: float

    def __init__(self, path: Path, budget: DiskBudget) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.budget = budget
        self.moved_aside: Path | None = None
        self.disk_failed = False  # SQLite keeps some errors for a connection's whole life: it is opened anew
        self.last_number = 0  # of a stream: a file begun anew goes on above it, so that no late entry goes astray
        self.on_begun_anew: Callable[[str], None] = lambda said: None
        self.streams_ended = False  # in the file that was put aside last, before it was
        self.aside = Aside()  # what of files put aside waits for a person
        self._aside_said: str | None = None  # what to say of the old file, while the new one could not be begun yet
        self._held: aside.Held | None = None  # what a file held that was taken away: its content is kept later
        self._keeping: threading.Thread | None = None
        was_there = is_there(path)
        self._lock = take_lock(path)
        try:
            self._begin()
        except BaseException:
            self._let_go()
            self._lock.close()
            if not was_there and not is_there(path):
                Path(self._lock.name).unlink(missing_ok=True)
            raise

    def _begin(self) -> None:
        if is_there(self.path) and not (is_sound(self.path) or is_sound(self.path)):  # a disk may have failed once
            self._aside_at_start()
        try:
            self._enter()
        except SpoolDamaged:  # what was looked at was sound, and not what was needed next
            self._aside_at_start()
            self._enter()
        self._note_aside(self.moved_aside)
        if self.moved_aside is not None:
            self._tell_aside(f"the spool {self.path} was damaged: it is kept as {_salvage(self.moved_aside)}")

    def _let_go(self) -> None:
        if (db := getattr(self, "db", None)) is not None:
            db.close()

    def _aside_at_start(self) -> None:
        self._let_go()
        self.moved_aside = move_aside(self.path, "damaged")

    def _enter(self) -> None:
        self.db = self._with_reserve(self._open)
        self._learn()
        self._with_reserve(self._end_all)
        with self._refusals():
            self.files = Files.of(self.path)
        if not self.budget.make_reserve():
            self.budget.full = "the spool's disk has no room for its reserve"

    def _learn(self) -> None:
        with self._refusals():
            meta = self.db.execute("SELECT source, store, epoch, uptime_s FROM meta").fetchone()
            (last,) = self.db.execute("SELECT coalesce(max(number), 0) FROM stream").fetchone()
        self.source, self.store, self.epoch, self.uptime_s = meta
        self.last_number = max(self.last_number, last)

    def _end_all(self) -> None:
        with self.writing():
            self.db.execute("UPDATE stream SET ended = 'crash' WHERE ended IS NULL")

    def _open(self) -> sqlite3.Connection:
        with self._refusals():
            is_new = not is_there(self.path)
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
        db.execute("PRAGMA temp_store=MEMORY")  # or every statement of many rows writes a journal of its own
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            db.executescript(f"BEGIN IMMEDIATE; {_sql(1)} INSERT INTO meta (source) VALUES ('{uuid4()}'); COMMIT;")
        (have,) = db.execute("PRAGMA user_version").fetchone()
        if have > SCHEMA:
            raise SpoolError(f"the spool {self.path} has schema {have}, this program knows {SCHEMA}; use a newer one.")
        for version in range(max(have, 1) + 1, SCHEMA + 1):
            db.executescript(f"BEGIN IMMEDIATE; {_sql(version)} PRAGMA user_version = {version}; COMMIT;")

    # --- errors -----------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction. Raises SpoolFull where the disk takes no more, SpoolError for what else is refused."""
        with self._refusals(), self.db:
            yield self.db

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self.refusal(error) from error

    def refusal(self, error: sqlite3.Error | OSError) -> SpoolError:
        """What an error of SQLite's or of the system's means for whoever uses the spool."""
        if isinstance(error, OSError):
            self.disk_failed = True
            self.budget.full = self.budget.full or f"the spool's disk fails ({error.strerror})"
            return SpoolFull(f"spool full: {self.budget.full}.")
        code = code_of(error)
        if is_damage(error):
            return SpoolDamaged(f"the spool {self.path} is damaged: {error}.")
        if code in DISK:
            self.disk_failed = True
        if code == sqlite3.SQLITE_FULL or code in DISK:
            self.budget.disk_refused(getattr(self, "db", None), error)
        if self.budget.full is not None and (self.disk_failed or code == sqlite3.SQLITE_FULL):
            return SpoolFull(f"spool full: {self.budget.full}.")
        return SpoolError(f"the spool {self.path} cannot be used: {error}.")

    def _with_reserve(self, run: Callable[[], T]) -> T:
        """What must still be written when the disk is full: again, once the reserve has been let go."""
        try:
            return run()
        except SpoolFull:
            return run()

    # --- again ------------------------------------------------------------------------------------------------------

    def reopen(self) -> None:
        """Open the file anew, after a fault of the disk.

        Raises SpoolFull where that still lasts, SpoolDamaged where the file cannot be used any more.
        """
        self.disk_failed = True
        with self._refusals():
            if self.path.name in self.files.moved():
                raise SpoolDamaged(f"the spool {self.path} was removed or replaced.")
            with suppress(sqlite3.Error):
                self.db.close()
            self.db = self._open()
            self._take_back()
            write_nothing(self.db)
            self.files = Files.of(self.path)
        self.disk_failed = False

    @abstractmethod
    def _take_back(self) -> None:
        """A commit that failed may be in the file all the same: what was not told as appended is not there."""

    def moved(self) -> list[str]:
        """Which of its files were removed or replaced under us; a log alone is mended here. Raises SpoolError."""
        with self._refusals():
            moved = self.files.moved()
        if moved and self.path.name not in moved:
            with self._refusals():
                self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self.reopen()
        return moved if self.path.name in moved else []

    def begin_anew(self, why: str) -> str:
        """End every stream, put the file aside and begin a new one that is paired with the same store.

        Returns a sentence: where the old one lies and what to do with it. Raises SpoolError, and then it can be called
        again.
        """
        if self._aside_said is None:
            self.streams_ended = False
            with suppress(SpoolError):
                self._take_back()
                self._end_all()
                self.streams_ended = True
            with self._refusals():
                self._aside_said = self._put_aside(why)
        self.disk_failed, store = True, self.store
        self._enter()
        self._begun_anew(store)
        self._note_aside(self.moved_aside)
        self.disk_failed, said, self._aside_said = False, self._aside_said, None
        self._tell_aside(said)
        self.on_begun_anew(said)
        return said

    def _note_aside(self, moved: Path | None) -> None:
        """Write down what the file that was moved aside just now held, and what lies there and is not written down."""
        self._with_reserve(lambda: self._write_aside(moved))
        self.look_aside()

    def _write_aside(self, moved: Path | None) -> None:
        with self.writing() as db:
            if moved is not None:
                aside.note(db, moved.name, self._held or aside.look_into(moved))
            known = aside.names(db) | {moved.name if moved is not None else ""}
            for file in [each for each in left_aside(self.path) if each.name not in known]:
                aside.note(db, file.name, aside.look_into(file))

    def look_aside(self) -> None:
        """Read what of files put aside waits for a person: one may have dealt with it. Raises SpoolError."""
        with self._refusals():
            self.aside = aside.waiting(self.db)

    def _names_taken(self) -> set[str]:
        return {file for file, _ in self.aside.rows} | self.aside.done

    def _tell_aside(self, said: str) -> None:
        log.error(said)
        with suppress(SpoolError):
            self.alarm("damaged", "spool", said)

    @abstractmethod
    def _begun_anew(self, store: str | None) -> None:
        """The file is a new one."""

    @abstractmethod
    def alarm(self, what: str, subject: str, message: str) -> None:
        """Note an alarm for a person."""

    def _put_aside(self, why: str) -> str:
        """Raises OSError."""
        if self.path.name not in self.files.moved():
            with suppress(sqlite3.Error):
                self.db.close()
            self._held = None
            self.moved_aside = move_aside(self.path, "damaged", self._names_taken())
            return f"the spool {self.path} is damaged ({why}): it is kept as {_salvage(self.moved_aside)}"
        with suppress(sqlite3.Error):  # what is only in the log: into the file with it, wherever that lies now
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.files.remove_logs()
        found = clear(self.path, "found")
        kept = self.moved_aside = free_name(self.path, "removed", self._names_taken())
        self._held = aside.held_by(self.db)
        self._keep_content(kept)
        beside = f" What was found in its place is {found.name}." if found is not None else ""
        return (
            f"the spool {self.path} was removed or replaced while it was in use.{beside} What it held is kept as"
            f" {_salvage(kept)}"
        )

    def _keep_content(self, kept: Path) -> None:
        """Beside the running, since it may be large; the old connection is used up with it."""
        self._keeping = threading.Thread(target=_keep, args=(self.db, kept), name="spool-kept")
        self._keeping.start()

    def close(self) -> None:
        """Close the file and let go of the lock."""
        self.db.close()
        self._lock.close()
        if self._keeping is not None:
            self._keeping.join()


def _salvage(file: Path) -> str:
    return (
        f"{file.name}, and a new one was begun. `acquire spool salvage {file}` says what can be read of it, and with"
        " --adopt, the service stopped, sends it; `acquire spool give-up` is for what is to be left."
    )


def left_aside(path: Path) -> list[Path]:
    """What lies beside a spool of earlier ones that were damaged, removed or replaced by a copy, by name."""
    return sorted(each for why in LEFT for each in path.parent.glob(f"{path.stem}.{why}-*{path.suffix}"))


def _keep(db: sqlite3.Connection, kept: Path) -> None:
    made = kept.with_name(kept.name + ".part")
    try:
        with closing(db):
            made.unlink(missing_ok=True)
            db.execute("VACUUM INTO ?", (str(private(made)),))
        put_in_place(made, kept)
    except (sqlite3.Error, OSError) as error:
        log.warning("what the removed spool held could not be kept", file=str(kept), why=str(error))
        with suppress(OSError):
            made.unlink(missing_ok=True)


def is_sound(path: Path) -> bool:
    """Whether the file opens and its small tables hold; the large ones are checked beside the running (Check).

    Raises SpoolError when it cannot be read for another reason than damage.
    """
    try:
        with closing(sqlite3.connect(path)) as db:
            tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            small = [name for name in tables if name not in LARGE]
            return all(db.execute(f"PRAGMA integrity_check('{name}')").fetchone() == ("ok",) for name in small)
    except sqlite3.Error as error:
        if is_damage(error):
            return False
        raise SpoolError(f"the spool {path} cannot be read: {error}.") from error


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
