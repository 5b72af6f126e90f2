"""When a row that people make was made, as far as readings are concerned: by what had been received, not by a clock.

A store's clock that is set back or forward between a removal and a readout would otherwise decide which of the two came
first. `received` counts the transactions that brought entries; a row that people make says how far it had come.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

BEFORE_NUMBERS = 0
"""In place of the number of what was received before schema 15: no seal holds it, and every row that says `after` was
made later."""


@dataclass(frozen=True, slots=True)
class Received:
    """When the store received a reading: the number of its transaction, and the time for people (UTC, ISO 8601)."""

    number: int
    at: str


@dataclass(frozen=True, slots=True)
class Made:
    """When a row was made: `after` which number of `received`, and the time for people (UTC, ISO 8601).

    `after` is None in rows of releases before schema 15: those are held against readings by the store's clock, as they
    were when they were made.
    """

    after: int | None
    at: str

    @property
    def by_clock(self) -> bool:
        """Whether the store's clock alone tells what came before it."""
        return self.after is None

    def precedes(self, reading: Received) -> bool:
        """Whether the reading came after the row was made."""
        return reading.at > self.at if self.after is None else reading.number > self.after


def last_received(connection: sqlite3.Connection) -> int:
    """The number of the last row of `received`; 0 before the first."""
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM received").fetchone()[0])
