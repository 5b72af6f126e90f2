"""The placement record: which element lay where, from when to when. The newest row of a correction counts."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

_COUNTING = (
    "SELECT p.*, r.removed_at, r.removed_by FROM placement p LEFT JOIN removal r ON r.placement = p.id"
    " WHERE NOT EXISTS (SELECT 1 FROM placement q WHERE q.replaces = p.id)"
)


@dataclass(frozen=True, slots=True)
class Placement:
    """One element at one point; moments on the store's clock (UTC). `removed_at` is None while it is still out."""

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


def placements(connection: sqlite3.Connection, session_id: str) -> list[Placement]:
    """The placements of a session that count: those not replaced by a correction, in order."""
    rows = connection.execute(f"{_COUNTING} AND p.session = ? ORDER BY p.id", (session_id,))
    return [_placement(row) for row in rows]


def last_removed(connection: sqlite3.Connection, dosimeter: str) -> Placement | None:
    """Where an element lay last, of all sessions, among those placements from which it came back."""
    row = connection.execute(
        f"{_COUNTING} AND p.dosimeter = ? AND r.removed_at IS NOT NULL ORDER BY p.id DESC LIMIT 1", (dosimeter,)
    ).fetchone()
    return None if row is None else _placement(row)


def next_placed(connection: sqlite3.Connection, placement: Placement) -> str | None:
    """When the element of a placement was placed again, None where it was not."""
    row = connection.execute(
        "SELECT min(placed_at) AS at FROM placement WHERE dosimeter = ? AND placed_at > ? AND id <> ?"
        " AND replaces IS NULL",
        (placement.dosimeter, placement.placed_at, placement.id),
    ).fetchone()
    at: str | None = row["at"]
    return at


def where_out(connection: sqlite3.Connection, dosimeter: str) -> str | None:
    """Point and session, in words, at which an element is out now."""
    row = connection.execute(f"{_COUNTING} AND p.dosimeter = ? AND r.removed_at IS NULL", (dosimeter,)).fetchone()
    return f"{row['point']} in session {row['session']}" if row else None


def _placement(row: sqlite3.Row) -> Placement:
    return Placement(**{key: row[key] for key in row.keys()})  # noqa: SIM118 (sqlite3.Row)
