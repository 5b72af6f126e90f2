"""Spool files that were put aside: what of them the store may not have, until a person has dealt with it.

Each stream of such a file counts in `older` (docs/noloss.md section 2) while it is not confirmed to its end in the
store's epoch, so that no session closes as if everything of its instrument were there. The rows lie in the spool's own
file, and are made from the file aside where that has none: it outlives restarts and further damage. It ends when the
stream is salvaged into the spool, which counts it then, or when a person gives the file up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from acquire.integrity import findings
from acquire.spool.errors import SpoolError

SALVAGED = "salvaged"
# Whether a stream of a file aside lies in the spool's own table as far at least, and counts there. A spool put back
# from an older copy holds but the beginning of what the file before it held.
_IS_HERE = "EXISTS (SELECT 1 FROM stream s WHERE s.stream = aside.stream AND s.head >= aside.head)"


class AsideStream(NamedTuple):
    """A stream of a file aside; without a name where it cannot be known which ones the file held."""

    stream: str
    instrument: str
    head: int
    through: int
    epoch: str | None

    def is_confirmed(self, epoch: str | None) -> bool:
        """Whether the store has all of it, in this epoch."""
        return bool(self.stream) and self.through >= self.head and (self.head == 0 or self.epoch == epoch)


UNKNOWN = AsideStream("", "", 0, 0, None)


class Aside:
    """What waits for a person, as it was read; made anew when that changes."""

    def __init__(self, rows: Iterable[tuple[str, AsideStream]] = (), done: Iterable[str] = ()) -> None:
        self.rows = tuple(rows)  # file and stream, not settled
        self.done = frozenset(done)  # files that were salvaged or given up
        self._counted: dict[tuple[str, str | None], int] = {}

    def streams_of(self, instrument: str, epoch: str | None) -> int:
        """How many streams of this instrument the store may not have to their end; one of no name is of every one."""
        if not self.rows:
            return 0
        if (instrument, epoch) not in self._counted:
            of = [s for _, s in self.rows if s.instrument in (instrument, UNKNOWN.instrument)]
            self._counted[instrument, epoch] = sum(not s.is_confirmed(epoch) for s in of)
        return self._counted[instrument, epoch]

    def files(self, epoch: str | None) -> list[str]:
        """The files with something that the store may not have, by name."""
        return sorted({file for file, s in self.rows if not s.is_confirmed(epoch)})


class Held(NamedTuple):
    """What a file that is put aside held, and what it says itself of earlier ones, as rows of its table."""

    streams: list[AsideStream]
    earlier: list[tuple[Any, ...]]


def held_by(db: sqlite3.Connection) -> Held:
    """What an open spool file holds that is to be put aside."""
    return Held(_streams(db), _earlier(db))


def look_into(file: Path) -> Held:
    """What a file aside held. One that cannot be opened held nobody knows what."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return held_by(db)
    except sqlite3.Error:
        return Held([UNKNOWN], [])


def _streams(db: sqlite3.Connection) -> list[AsideStream]:
    """UNKNOWN where the file's list of streams does not hold, or cannot be read."""
    try:
        if findings(db, "stream"):
            return [UNKNOWN]
        rows = db.execute("SELECT stream, instrument, head, through, epoch FROM stream ORDER BY number").fetchall()
        return [AsideStream(*row) for row in rows]
    except sqlite3.Error:
        return [UNKNOWN]


def _earlier(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Nothing where the file is of an older version or this table is damaged: those files may still lie there."""
    try:
        return db.execute("SELECT * FROM aside").fetchall()
    except sqlite3.Error:
        return []


def note(db: sqlite3.Connection, file: str, held: Held) -> None:
    """Write down a file that was put aside now; an earlier one of this name was dealt with or is told with it."""
    db.execute("DELETE FROM aside WHERE file = ? AND settled IS NOT NULL", (file,))
    db.executemany("INSERT OR IGNORE INTO aside VALUES (?, ?, ?, ?, ?, ?, ?)", held.earlier)
    rows = [(file, *each) for each in held.streams]
    db.executemany("INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?, ?, ?, NULL)", rows)


def names(db: sqlite3.Connection) -> set[str]:
    """Every file that is written down, also those that were dealt with."""
    return {row[0] for row in db.execute("SELECT DISTINCT file FROM aside")}


def waiting(db: sqlite3.Connection) -> Aside:
    """What waits for a person. A stream that lies in the spool's own table counts there, as salvaged ones do, unless
    the file aside holds more of it."""
    rows = db.execute(
        "SELECT file, stream, instrument, head, through, epoch FROM aside WHERE settled IS NULL"
        f" AND NOT {_IS_HERE} ORDER BY file, stream"
    ).fetchall()
    return Aside(((file, AsideStream(*row)) for file, *row in rows), names(db) - {row[0] for row in rows})


def confirmed(db: sqlite3.Connection, marks: Iterable[tuple[str, int]], epoch: str | None) -> None:
    """What the store had told of these streams, and the file aside had not been told any more."""
    db.executemany(
        "UPDATE aside SET through = ?2, epoch = ?3 WHERE stream = ?1", ((s, through, epoch) for s, through in marks)
    )


def salvaged(db: sqlite3.Connection, file: str, *, whole: bool) -> None:
    """What could be read of a file lies in the spool now; `whole`: it is known which streams the file held."""
    db.execute(
        f"UPDATE aside SET settled = ?1 WHERE file = ?2 AND settled IS NULL AND ({_IS_HERE} OR (stream = '' AND ?3))",
        (SALVAGED, file, whole),
    )


def give_up(path: Path, file: str, reason: str) -> int:
    """A person gives up what a file aside holds, also beside a running service; returns how many streams.

    Raises SpoolError where nothing of that name waits.
    """
    try:
        with closing(sqlite3.connect(path, timeout=10)) as db, db:
            given = len([1 for each, _ in waiting(db).rows if each == file])
            if not given:
                left = ", ".join(sorted({each for each, _ in waiting(db).rows})) or "nothing"
                raise SpoolError(f"nothing of {file} waits in {path}; what waits: {left}.")
            db.execute("UPDATE aside SET settled = ? WHERE file = ? AND settled IS NULL", (reason, file))
            return given
    except sqlite3.Error as error:
        raise SpoolError(f"{path} cannot be used as a spool: {error}.") from error


def listed(db: sqlite3.Connection, epoch: str | None) -> list[dict[str, Any]]:
    """Every stream aside: file, stream, instrument, head, epoch, through (in the epoch given) and its state."""
    rows = db.execute(f"SELECT aside.*, {_IS_HERE} FROM aside ORDER BY file, stream").fetchall()
    return [_listed(AsideStream(*row[1:6]), row[0], row[6], epoch, bool(row[7])) for row in rows]


def _listed(s: AsideStream, file: str, settled: str | None, epoch: str | None, is_here: bool) -> dict[str, Any]:
    state = "confirmed" if s.is_confirmed(epoch) else "waits for a person"
    if is_here or settled == SALVAGED:
        state = SALVAGED
    elif settled is not None:
        state = f"given up: {settled}"
    through = s.through if s.epoch == epoch else 0
    return {"file": file, **s._asdict(), "through": through, "state": state}
