"""A spool put back from an older copy, and what can still be read of a damaged one (docs/noloss.md section 6).

Both are for a person, with the service stopped. Nothing that lay there before is deleted.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from acquire.canonical import parse
from acquire.checksum import seed
from acquire.errors import Refused
from acquire.files import PARTS, clear, put_in_place
from acquire.integrity import findings
from acquire.plain_files import must_be_plain
from acquire.private import private
from acquire.rows import insert_rows
from acquire.spool import entries, originals
from acquire.spool.entries import Held
from acquire.spool.file import take_lock
from acquire.spool.journal import Journal, SpoolError, stand_in

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

    Raises SpoolError, and then nothing was changed.
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
        aside = clear(path, "before-restore")
        put_in_place(made, path)
    return {"path": str(path), "restored_streams": ended, "kept": str(aside) if aside else None}


def _copy(copy: Path, made: Path) -> int:
    with _opened(copy) as source, closing(sqlite3.connect(private(made))) as target:
        source.backup(target)
        if found := findings(target):
            raise sqlite3.DatabaseError("; ".join(found))
        ended = target.execute("UPDATE stream SET ended = 'restored' WHERE ended IS NULL").rowcount
        target.commit()
        target.execute("PRAGMA journal_mode=DELETE")  # one file, to be renamed as one
        return ended


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A copy of the file with its log in a place of its own: opening a database may change it. Raises SpoolError."""
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
            yield db


def salvage(file: Path) -> list[Salvaged]:
    """Everything readable of a damaged spool, stream by stream. Raises SpoolError when there is nothing."""
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
    if not streams:
        raise SpoolError(f"nothing can be read of {file}: not even which streams it held.")
    return streams


def _streams(db: sqlite3.Connection) -> list[Salvaged]:
    meta = _row(db, "SELECT source FROM meta", ())
    source = meta[0] if meta is not None else None
    sql = "SELECT number, stream, instrument, head, oldest, coalesce(ended, 'restored') FROM stream"
    try:
        return [_salvaged(row, source) for row in db.execute(f"{sql} ORDER BY number")]
    except sqlite3.DatabaseError:
        found = (_row(db, f"{sql} WHERE number = ?", (n,)) for n in range(1, MOST_STREAMS))
        return [_salvaged(row, source) for row in found if row is not None]


def _salvaged(row: tuple[Any, ...], source: str | None) -> Salvaged:
    number, stream, instrument, head, oldest, ended = row
    return Salvaged(number, stream, instrument, head, oldest, ended, source)


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
    try:
        parse(entry.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if entry.damaged else (entry.body, row[2])


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
    row = _row(db, f"SELECT 1 FROM pragma_table_info('{table}') WHERE name = 'checksum'", ())
    return "checksum" if row is not None else "NULL"


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
