"""The placement record: which element lay where, from when to when. The newest row of a correction counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from acquire.store.made import Made

_COUNTING = (
    "SELECT p.*, r.removed_at, r.removed_by, r.made_after AS removed_after FROM placement p"
    " LEFT JOIN removal r ON r.placement = p.id"
    " WHERE NOT EXISTS (SELECT 1 FROM placement q WHERE q.replaces = p.id)"
)


@dataclass(frozen=True, slots=True)
class Placement:
    """One element at one point; moments on the store's clock (UTC). `removed_at` is None while it is still out.

    `made_after` and `removed_after` say what had been received then: they order, and the moments do not.
    """

    id: int
    session: str
    point: str
    dosimeter: str
    place: str | None
    placed_at: str
    placed_by: str
    removed_at: str | None
    removed_by: str | None
    replaces: int | None
    confirmed_by: str | None
    reason: str | None
    made_after: int | None
    removed_after: int | None

    @property
    def placed(self) -> Made:
        """When the element was placed; of a correction, when it was placed as first written."""
        return Made(self.made_after, self.placed_at)

    @property
    def removed(self) -> Made | None:
        """When it was removed, None while it is still out."""
        return None if self.removed_at is None else Made(self.removed_after, self.removed_at)


def placements(connection: sqlite3.Connection, session_id: str) -> list[Placement]:
    """The placements of a session that count: those not replaced by a correction, in order."""
    rows = connection.execute(f"{_COUNTING} AND p.session = ? ORDER BY p.id", (session_id,))
    return [_placement(row) for row in rows]


def last_removed(connection: sqlite3.Connection, dosimeter: str) -> Placement | None:
    """Where an element lay last, of all sessions, among those placements from which it came back."""
    back = [p for p in placements_of(connection, dosimeter) if p.removed is not None]
    return back[-1] if back else None


def next_placed(connection: sqlite3.Connection, placement: Placement) -> Made | None:
    """When the element of a placement was placed again, None where it was not."""
    every = placements_of(connection, placement.dosimeter)
    later = every[[p.id for p in every].index(placement.id) + 1 :]
    return later[0].placed if later else None


def placements_of(connection: sqlite3.Connection, dosimeter: str) -> Sequence[Placement]:
    """The placements of an element that count, of all sessions, in the order in which they were first written."""
    rows = connection.execute(f"{_COUNTING} AND p.dosimeter = ?", (dosimeter,))
    return sorted((_placement(row) for row in rows), key=lambda p: _first_written(connection, p))


def _first_written(connection: sqlite3.Connection, placement: Placement) -> int:
    """The number of the placement that this one, or what it corrects, stands for."""
    number, before = placement.id, placement.replaces
    while before is not None:
        number = before
        (before,) = connection.execute("SELECT replaces FROM placement WHERE id = ?", (number,)).fetchone()
    return number


def where_out(connection: sqlite3.Connection, dosimeter: str) -> str | None:
    """Point and session, in words, at which an element is out now."""
    row = connection.execute(f"{_COUNTING} AND p.dosimeter = ? AND r.removed_at IS NULL", (dosimeter,)).fetchone()
    return f"{row['point']} in session {row['session']}" if row else None


def _placement(row: sqlite3.Row) -> Placement:
    return Placement(**{key: row[key] for key in row.keys()})  # noqa: SIM118 (sqlite3.Row)
