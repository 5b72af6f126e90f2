"""Records of a file that were taken again under a corrected description of its columns: which reading counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from acquire.store.attribution import StoredReading

At = tuple[str, int]  # stream and seq of an entry


@dataclass(frozen=True, slots=True)
class ReadAnew:
    """Two people's word that the records of a file count as they were taken again; `readings`: how many."""

    session: str
    reader: str
    file: str
    readings: int
    reason: str
    who: str
    confirmed_by: str
    at: str

    @property
    def people(self) -> str:
        """Who says so, and why, as it stands with the result."""
        return f"{self.reason.strip().rstrip('.')} ({self.who}, confirmed by {self.confirmed_by})"


def in_place_of(connection: sqlite3.Connection, reader: str) -> Mapping[At, At]:
    """Of each reading of a reader that counts no more, the one that counts now."""
    rows = connection.execute(
        "SELECT stream, seq, by_stream, by_seq FROM read_anew WHERE reader = ? ORDER BY n", (reader,)
    ).fetchall()
    by = {(row["stream"], row["seq"]): (row["by_stream"], row["by_seq"]) for row in rows}
    found = {}
    for at, one in by.items():
        last = one
        while last in by:
            last = by[last]
        found[at] = last
    return found


def as_read_anew(connection: sqlite3.Connection, readings: Sequence[StoredReading]) -> list[StoredReading]:
    """The readings that count, in order: one that was taken again stands where the first one of its record stood, and
    counts as received with it."""
    if not readings or connection.execute("SELECT 1 FROM read_anew LIMIT 1").fetchone() is None:
        return list(readings)
    instead: dict[At, At] = {}
    for reader in {each.instrument for each in readings}:
        instead |= in_place_of(connection, reader)
    at = {(each.stream, each.seq): each for each in readings}
    first = {new: at[old].received for old, new in reversed(instead.items()) if old in at}
    last = set(instead.values())
    placed = [
        replace(each, received=first[where]) if (where := (each.stream, each.seq)) in last and where in first else each
        for each in readings
        if (each.stream, each.seq) not in instead
    ]
    place = {where: n for n, where in enumerate(at)}
    earliest = {new: min(place[old] for old, to in instead.items() if to == new and old in place) for new in first}
    return sorted(placed, key=lambda each: earliest.get((each.stream, each.seq), place[each.stream, each.seq]))


def read_anew_by(connection: sqlite3.Connection, at: At) -> ReadAnew | None:
    """What was said of a reading that took another's place; None where none was."""
    return next(iter(_rows(connection, "(by_stream, by_seq) = (?, ?)", at)), None)


def read_anew_in(connection: sqlite3.Connection, session: str) -> list[ReadAnew]:
    """All that is said in a session, oldest first."""
    return _rows(connection, "session = ?", (session,))


def _rows(connection: sqlite3.Connection, where: str, given: Sequence[str | int]) -> list[ReadAnew]:
    rows = connection.execute(
        "SELECT session, reader, file, count(*) AS readings, reason, who, confirmed_by, at FROM read_anew"
        f" WHERE {where} GROUP BY session, reader, file, at ORDER BY min(n)",
        (*given,),
    )
    return [ReadAnew(**dict(row)) for row in rows]
