"""Which readings of an element belong to which placement: by id, after removal and before it is placed again.

Only the store's own clock is compared with the store's own clock. Where the acquiring host says that the element was
read before it was placed, the reading is held back and named: two clocks disagree, and a person decides.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquire.procedure.inventory import Element
from acquire.store.attribution import StoredReading, readings_of_element

if TYPE_CHECKING:
    from acquire.procedure.placement import Placement


@dataclass(frozen=True, slots=True)
class Readout:
    """What the reader gave for one element. `used` is the first readout; later ones are of an emptied element."""

    element: Element
    used: StoredReading | None
    later: tuple[StoredReading, ...]
    held: tuple[StoredReading, ...]


def readout(connection: sqlite3.Connection, element: Element, placement: Placement) -> Readout:
    """Readings of a placed element that belong to this placement."""
    after, before = placement.removed_at, _next_placed(connection, placement)
    if after is None:
        return Readout(element, None, (), ())
    found = [r for r in of_element(connection, element) if r.received_at > after and r.received_at < before]
    held = tuple(r for r in found if r.body["time"] < placement.placed_at)
    good = [r for r in found if r not in held]
    return Readout(element, good[0] if good else None, tuple(good[1:]), held)


READOUTS = {"tld": ("scalar", "glow-curve"), "osl": ("scalar", "curve")}


def of_element(connection: sqlite3.Connection, element: Element) -> list[StoredReading]:
    """All readouts of an element on its own reader, in the order they came; no quality control records."""
    found = readings_of_element(connection, element.read_as, element.element_index)
    return [r for r in found if r.instrument == element.reader and _is_readout(r, element)]


def _is_readout(reading: StoredReading, element: Element) -> bool:
    return reading.body["kind"] in READOUTS[element.kind] and reading.body.get("role", "sample") == "sample"


def reader_session(reading: StoredReading) -> tuple[str, str, str]:
    """What names the reader's run a reading comes from: (instrument, file or stream, day on the reader's clock).

    The clock only tells runs in one file apart; nothing is ordered by it.
    """
    origin = reading.body.get("origin") or {}
    return reading.instrument, str(origin.get("file") or reading.stream), str(reading.body.get("clock") or "")[:10]


def _next_placed(connection: sqlite3.Connection, placement: Placement) -> str:
    row = connection.execute(
        "SELECT min(placed_at) AS at FROM placement WHERE dosimeter = ? AND placed_at > ? AND id <> ?"
        " AND replaces IS NULL",
        (placement.dosimeter, placement.placed_at, placement.id),
    ).fetchone()
    return row["at"] or "9999"
