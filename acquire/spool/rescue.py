"""A spool put back from an older copy, and what can still be read of a damaged one (docs/noloss.md section 6).

Both are for a person, with the service stopped. Nothing that lay there before is deleted.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from acquire.canonical import parse
from acquire.checksum import seed
from acquire.errors import Refused
from acquire.files import PARTS, clear, put_in_place
from acquire.integrity import code_of, findings
from acquire.plain_files import must_be_plain
from acquire.private import private
from acquire.rows import insert_rows
from acquire.spool import entries, originals
from acquire.spool.entries import Held
from acquire.spool.file import BEFORE_RESTORE, take_lock
from acquire.spool.journal import Journal, SpoolError, stand_in
from acquire.spool.scan import Scan

MOST_STREAMS = 100_000  # looked for one by one when the list of streams is damaged itself


@dataclass(slots=True)
class Salvaged:
    """What is left of one stream."""

    number: int
    stream: str
    instrument: str
    head: int
    oldest: int
    ended: str
    source: str | None
    bodies: dict[int, tuple[bytes, str | None]] = field(default_factory=dict)
    withheld: dict[int, tuple[Held, str]] = field(default_factory=dict)  # originals with their reasons, by seq

    @property
    def damaged(self) -> list[int]:
        """Seq that were held and cannot be read."""
        return [seq for seq in range(self.oldest, self.head + 1) if seq not in self.bodies]


def restore(path: Path, copy: Path) -> dict[str, Any]:
    """Put an older copy in the spool's place; streams open in it end with `restored`, since their tail is unknown.

    What lay there is kept beside it, and counts in `older` from the next start on as every file put aside. Raises
    SpoolError, and then nothing was changed.
    """
    if not copy.exists():
        raise SpoolError(f"there is no copy {copy}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(take_lock(path)):
        made = path.with_name(path.name + ".restoring")
        made.unlink(missing_ok=True)
        try:
            ended = _copy(copy, made)
        except sqlite3.Error as error:
            made.unlink(missing_ok=True)
            raise SpoolError(
                f"{copy} cannot be read whole as a spool: {error}. `acquire spool salvage` may help."
            ) from error
        aside = clear(path, BEFORE_RESTORE)
        put_in_place(made, path)
    return {"path": str(path), "restored_streams": ended, "kept": str(aside) if aside else None}


def _copy(copy: Path, made: Path) -> int:
    with _opened(copy) as source, closing(sqlite3.connect(private(made))) as target:
        source.backup(target)
        if found := findings(target):
            raise sqlite3.DatabaseError("; ".join(found))
        ended = target.execute("UPDATE stream SET ended = 'restored' WHERE ended IS NULL").rowcount
        if _has(target, "stream", "source"):  # as of salvaged streams: each counts in `older`, the newest too
            target.execute("UPDATE stream SET source = (SELECT source FROM meta) WHERE source IS NULL")
        target.commit()
        target.execute("PRAGMA journal_mode=DELETE")  # one file, to be renamed as one
        return ended


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A copy of the file with its log in a place of its own: opening a database may change it. Raises SpoolError.

    The copy's log is put into it, as far as SQLite can do that.
    """
    try:
        must_be_plain(file)
    except Refused as error:
        raise SpoolError(str(error)) from error
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".acquire-") as folder:
        for part in PARTS[:2]:
            each = file.with_name(file.name + part)
            if each.exists():
                shutil.copyfile(each, Path(folder) / f"spool.db{part}")
        with closing(sqlite3.connect(Path(folder) / "spool.db")) as db:
            with suppress(sqlite3.Error):
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            yield db


def salvage(file: Path) -> list[Salvaged]:
    """Everything readable of a damaged spool, stream by stream. Raises SpoolError when there is nothing.

    What SQLite does not find by the file's trees is looked for page by page (acquire.spool.scan).
    """
    if not file.exists():
        raise SpoolError(f"there is no file {file}.")
    with _opened(file) as db:
        streams = _streams(db)
        for stream in streams:
            for seq in range(stream.oldest, stream.head + 1):
                entry = _entry(db, stream, seq)
                if entry is not None:
                    stream.bodies[seq] = entry
            stream.withheld = _withheld(db, stream)
        if not _knows_its_streams(db) or any(stream.damaged for stream in streams):
            _look_through(_scan(file), streams)
    if not streams:
        raise SpoolError(f"nothing can be read of {file}: not even which streams it held.")
    return streams


def knows_its_streams(file: Path) -> bool:
    """Whether it is certain which streams a damaged file held, whatever is left of them. Raises SpoolError."""
    with _opened(file) as db:
        return _knows_its_streams(db)


def _knows_its_streams(db: sqlite3.Connection) -> bool:
    try:
        return not findings(db, "stream")
    except sqlite3.Error:
        return False


def _scan(file: Path) -> Scan:
    """A file with its log, page by page. Raises SpoolError."""
    try:
        return Scan(file)
    except OSError as error:
        raise SpoolError(f"{file} cannot be read: {error.strerror}.") from error


def _look_through(found: Scan, streams: list[Salvaged]) -> None:
    known = {s.number for s in streams}
    for row in sorted(found.streams.values()):
        if row.number not in known:
            streams.append(Salvaged(*row))
    for s in streams:
        s.source = s.source or found.source
        for seq, held, measurement in found.entries(s.number, s.stream):
            if s.oldest <= seq <= s.head and _is_body(held.body):
                s.bodies.setdefault(seq, (held.body, measurement))
        for seq, held, reason in found.originals(s.number, s.stream):
            if s.withheld.get(seq, (held, reason))[0].damaged or seq not in s.withheld:
                s.withheld[seq] = (held, reason)


def _streams(db: sqlite3.Connection) -> list[Salvaged]:
    """By the file's trees. A stream that was salvaged before keeps the source that began it."""
    meta = _row(db, "SELECT source FROM meta", ())
    source = meta[0] if meta is not None else None
    begun_by = "source" if _has(db, "stream", "source") else "NULL"
    sql = f"SELECT number, stream, instrument, head, oldest, coalesce(ended, 'restored'), {begun_by} FROM stream"
    try:
        found = db.execute(f"{sql} ORDER BY number").fetchall()
    except sqlite3.DatabaseError as error:
        if code_of(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR):
            return []  # no database, or none that knows of streams: one by one it would not know of them either
        by_one = (_row(db, f"{sql} WHERE number = ?", (n,)) for n in range(1, MOST_STREAMS))
        found = [row for row in by_one if row is not None]
    return [Salvaged(*(*row, own or source)) for *row, own in found]


def _row(db: sqlite3.Connection, sql: str, key: tuple[int, ...]) -> tuple[Any, ...] | None:
    try:
        row: tuple[Any, ...] | None = db.execute(sql, key).fetchone()
    except sqlite3.DatabaseError:
        return None
    return row


def _entry(db: sqlite3.Connection, stream: Salvaged, seq: int) -> tuple[bytes, str | None] | None:
    """The body and, of a marker, its measurement; None where it cannot be read or does not fit its checksum."""
    sql = f"SELECT body, {_checksum(db, 'entry')}, measurement FROM entry WHERE stream = ? AND seq = ?"
    row = _row(db, sql, (stream.number, seq))
    if row is None:
        return None
    entry = entries.opened(seed(stream.stream), seq, row[0], row[1])
    return None if entry.damaged or not _is_body(entry.body) else (entry.body, row[2])


def _is_body(body: bytes) -> bool:
    try:
        parse(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _withheld(db: sqlite3.Connection, stream: Salvaged) -> dict[int, tuple[Held, str]]:
    """The originals of a stream; where their table is damaged, one by one as far as entries are held."""
    sql = f"SELECT seq, body, {_checksum(db, 'withheld')}, reason FROM withheld WHERE stream = ?"
    try:
        rows = db.execute(sql, (stream.number,)).fetchall()
    except sqlite3.DatabaseError:
        seqs = range(stream.oldest, stream.head + 1)
        rows = [row for seq in seqs if (row := _row(db, f"{sql} AND seq = ?", (stream.number, seq))) is not None]
    mixed = seed(stream.stream)
    return {seq: (entries.opened(mixed, seq, body, said), str(reason)) for seq, body, said, reason in rows}


def _checksum(db: sqlite3.Connection, table: str) -> str:
    """What to select for the checksum: a file of an older version has none."""
    return "checksum" if _has(db, table, "checksum") else "NULL"


def _has(db: sqlite3.Connection, table: str, column: str) -> bool:
    return _row(db, f"SELECT 1 FROM pragma_table_info('{table}') WHERE name = '{column}'", ()) is not None


def adopt(journal: Journal, streams: list[Salvaged]) -> int:
    """Take salvaged streams into a spool that is not running, to be sent as what they are; returns how many.

    An unreadable seq is taken as `withheld`, "damaged". A stream that is there already is left as it is.
    """
    known = {s.stream for s in journal.streams()}
    adopted = [s for s in streams if s.stream not in known]
    for s in adopted:
        with journal.writing() as db:
            number = db.execute(
                "INSERT INTO stream (stream, instrument, head, oldest, ended, source) VALUES (?, ?, ?, ?, ?, ?)",
                (s.stream, s.instrument, s.head, s.oldest, s.ended, s.source),
            ).lastrowid
            journal.last_number = max(journal.last_number, int(number or 0))
            damaged = (stand_in(b"", originals.DAMAGED), None)
            bodies = [s.bodies.get(seq, damaged) for seq in range(s.oldest, s.head + 1)]
            insert_rows(db, entries.TABLE, entries.rows(int(number or 0), seed(s.stream), s.oldest, bodies))
            for seq, (original, reason) in s.withheld.items():
                originals.keep(db, int(number or 0), seq, original, originals.DAMAGED if original.damaged else reason)
    return len(adopted)
