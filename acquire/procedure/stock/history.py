"""What an element has been through: doses, readings, anneals, and what follows of it for its use.

Doses come from what happened: events that people entered, calibration irradiations, and the results of the points at
which it lay. A placement without a result counts, for a limit, with the dose that was expected there.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from acquire.canonical import parse
from acquire.procedure.documents import kept
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.readouts.elements import of_element
from acquire.procedure.readouts.placed import placements_of
from acquire.procedure.stock.batches import Batch, get_batch
from acquire.procedure.stock.elements import StockElement, of_inventory
from acquire.procedure.stock.events import ElementEvent, events_of
from acquire.store.attribution import StoredReading
from acquire.sums import added

EMPTIED = ("annealed", "bleached")
ALWAYS = "9999"  # behind every moment that is written down


@dataclass(frozen=True, slots=True)
class Irradiation:
    """One irradiation: dose in Gy, None where it is not known; then `upper_gy` is the most that was to be expected."""

    moment: str | None
    dose_gy: float | None
    what: str
    upper_gy: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadOut:
    """One readout as its reader sent it: when by the host's clock, value and unit (None: no number), and its file."""

    moment: str
    value: float | None
    unit: str | None
    file: str | None


@dataclass(frozen=True, slots=True)
class History:
    """An element and its life. Moments are ISO 8601; `remaining` is the share of an OSL signal that its readings since
    the last bleaching have left, None where its batch states no depletion."""

    element: StockElement
    batch: Batch
    irradiations: tuple[Irradiation, ...]
    events: tuple[ElementEvent, ...]
    readouts: tuple[ReadOut, ...]
    readings: int
    readings_since_emptied: int
    remaining: float | None
    emptied_at: str | None

    @property
    def accumulated_gy(self) -> float:
        """What it is known to have received in all, in Gy."""
        return added(each.dose_gy or 0.0 for each in self.irradiations)

    @property
    def at_most_gy(self) -> float:
        """The same with what was expected where no dose is known, in Gy: held against the limit."""
        return self.accumulated_gy + added(each.upper_gy for each in self.irradiations if each.dose_gy is None)

    @property
    def emptied(self) -> ElementEvent | None:
        """The event of its last annealing or bleaching."""
        return next((e for e in self.events if e.what in EMPTIED and e.moment == self.emptied_at), None)

    @property
    def irradiated_at(self) -> str | None:
        """When it was last irradiated."""
        moments = [each.moment for each in self.irradiations if each.moment is not None]
        return max(moments, key=datetime.fromisoformat) if moments else None

    @property
    def set_aside(self) -> ElementEvent | None:
        """The event by which it is withdrawn or to be repeated now; None while it is in use."""
        return _set_aside(self.events)

    @property
    def status(self) -> str:
        """ "in use", "withdrawn" or "to be repeated"."""
        aside = self.set_aside
        return "in use" if aside is None else "withdrawn" if aside.what == "withdrawn" else "to be repeated"


def days_since(moment: str | None, now: datetime | None = None) -> float | None:
    """Days from a moment until now: the fading clock."""
    if moment is None:
        return None
    return ((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds() / 86400


def is_set_aside(connection: sqlite3.Connection, element: str) -> bool:
    """Whether an element is withdrawn or to be repeated now."""
    return _set_aside(events_of(connection, element)) is not None


def _set_aside(events: Sequence[ElementEvent]) -> ElementEvent | None:
    said = [e for e in events if e.what in ("withdrawn", "to-repeat", "returned")]
    return said[-1] if said and said[-1].what != "returned" else None


def history(connection: sqlite3.Connection, element: StockElement, known_at: str = ALWAYS) -> History:
    """The whole life of an element, as the store knows it; or as it knew it at a moment of its own clock (UTC)."""
    batch = get_batch(connection, element.batch)
    events = [each for each in events_of(connection, element.element) if each.at < known_at]
    every = of_element(connection, of_inventory(connection, element), None)
    read = [each for each in every if each.received.at < known_at]
    emptied = max(
        (e.moment for e in events if e.what in EMPTIED and e.moment), key=datetime.fromisoformat, default=None
    )
    since = [r for r in read if emptied is None or _after(r, emptied)]
    loss = batch.depletion_per_reading
    irradiations = (
        *(Irradiation(e.moment, e.dose_gy, e.source or e.what) for e in events if e.dose_gy is not None),
        *_calibrations(connection, element.element, known_at),
        *_placements(connection, element.element, known_at),
    )
    return History(
        element=element,
        batch=batch,
        irradiations=irradiations,
        events=tuple(events),
        readouts=tuple(_readout(each) for each in read),
        readings=added(e.readings or 0 for e in events) + _times(read),
        readings_since_emptied=_times(since),
        remaining=None if loss is None else (1 - loss) ** _times(since),
        emptied_at=emptied,
    )


def _readout(reading: StoredReading) -> ReadOut:
    body = reading.body
    return ReadOut(body["time"], body.get("value"), body.get("unit"), (body.get("origin") or {}).get("file"))


def _after(reading: StoredReading, moment: str) -> bool:
    return datetime.fromisoformat(reading.body["time"]) > datetime.fromisoformat(moment)


def _times(readings: Sequence[StoredReading]) -> int:
    """How often it was read: a reader may write several records each time, of different kinds."""
    kinds = Counter(json.dumps([r.body.get("channel"), r.body.get("attributes")], sort_keys=True) for r in readings)
    return max(kinds.values(), default=0)


def _calibrations(connection: sqlite3.Connection, element: str, known_at: str) -> list[Irradiation]:
    rows = connection.execute(
        "SELECT p.moment, c.id, c.terms FROM element_calibration_part p JOIN element_calibration c ON"
        " c.id = p.calibration WHERE p.element = ? AND p.role = 'irradiated' AND p.at < ? ORDER BY p.moment",
        (element, known_at),
    )
    return [Irradiation(r["moment"], parse(r["terms"])["dose_gy"], f"calibration {r['id']}") for r in rows]


def _placements(connection: sqlite3.Connection, element: str, known_at: str) -> list[Irradiation]:
    found = []
    for placement in (each for each in placements_of(connection, element) if each.placed_at < known_at):
        where, removed = f"{placement.point} of session {placement.session}", placement.removed_at
        moment = removed if removed is not None and removed < known_at else placement.placed_at
        row = connection.execute(
            "SELECT output FROM result WHERE session = ? AND point = ? AND at < ? ORDER BY version DESC LIMIT 1",
            (placement.session, placement.point, known_at),
        ).fetchone()
        dose = None if row is None else parse(row["output"]).get("dose_gy")
        upper = 0.0 if dose is not None else _expected_gy(connection, placement.session, placement.point)
        found.append(Irradiation(moment, dose, where, upper))
    return found


def _expected_gy(connection: sqlite3.Connection, session: str, point_id: str) -> float:
    """What the plan expects at a point, or else the end of its plausible range, in Gy."""
    row = connection.execute(
        "SELECT p.sha256 FROM plan p JOIN session s ON s.order_id = p.order_id AND s.plan_version = p.version"
        " WHERE s.id = ?",
        (session,),
    ).fetchone()
    name, body = kept.fetch(connection, row["sha256"])
    point = read_plan(body, name).point_named(point_id)
    if point.expected is not None:
        return point.expected.dose_gy
    return point.plausible.high_gy if point.plausible is not None else 0.0
