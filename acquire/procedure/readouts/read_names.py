"""Readings that a reader has under another element's name, as two people say: which placed element they are of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from acquire.store.attribution import StoredReading

_ELEMENT = "(SELECT p.dosimeter FROM placement p WHERE p.id = placement) AS dosimeter"
_COLUMNS = f"placement, {_ELEMENT}, read_as, element_index, stream, seq, reason, who, confirmed_by, at"


@dataclass(frozen=True, slots=True)
class ReadAs:
    """One reading (entry `seq` of `stream`) that belongs to a placement, though the reader calls it `read_as`."""

    placement: int
    dosimeter: str
    read_as: str
    element_index: int | None
    stream: str
    seq: int
    reason: str
    who: str
    confirmed_by: str
    at: str

    @property
    def name(self) -> str:
        """As the reader has it."""
        return self.read_as if self.element_index is None else f"{self.read_as} ({self.element_index})"

    @property
    def people(self) -> str:
        """Who says so, and why, as it stands with the result."""
        return f"{self.reason.strip().rstrip('.')} ({self.who}, confirmed by {self.confirmed_by})"


def read_as_of(connection: sqlite3.Connection, placement: int) -> list[ReadAs]:
    """What is said of one placement, in the order of its readings."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM read_as WHERE placement = ? ORDER BY n", (placement,))
    return [ReadAs(**dict(row)) for row in rows]


def read_as_in(connection: sqlite3.Connection, session_id: str) -> list[ReadAs]:
    """All that is said in a session, oldest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM read_as WHERE session = ? ORDER BY n", (session_id,))
    return [ReadAs(**dict(row)) for row in rows]


def without_others(
    connection: sqlite3.Connection, readings: Iterable[StoredReading], placement: int
) -> list[StoredReading]:
    """The readings but for those that are another placement's, in any session."""
    of = "SELECT 1 FROM read_as WHERE stream = ? AND seq = ? AND placement <> ?"
    return [r for r in readings if connection.execute(of, (r.stream, r.seq, placement)).fetchone() is None]
