"""What was done to a detector, its instrument or a reader since the calibration that a file has: a fall, a cable.

A file says from which day its calibration holds: an event on a later day ends it, and one on that very day unless a
second person stood by the coefficient after the event. What was done to the electrometer on which a detector is
measured ends the detector's calibration as well: the coefficient is of the two together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibration, Calibrations
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.stock.events import EquipmentEvent, ends_of
from acquire.procedure.stock.file_coefficients import confirmed_at
from acquire.procedure.stock.stated import of_file


def ended_of_file(
    connection: sqlite3.Connection, plan: Plan, inventory: Inventory, calibrations: Calibrations, on: date
) -> Iterator[Stop]:
    """A sentence for each calibration of a file that a plan uses on a day and that an event has ended."""
    said: dict[str, None] = {}
    for each, equipment in _used(plan, calibrations, on):
        if (event := event_since(connection, inventory, each, equipment)) is not None:
            said[ended_by(each, event)] = None
    yield from (Stop("calibration", each) for each in said)


def ended_by(each: Calibration, event: EquipmentEvent) -> str:
    """The sentence for a calibration that an event has ended."""
    on = "" if event.equipment == each.of else f" of {event.equipment}, on which it is measured,"
    return (
        f"Calibration {each.id} of {each.of}, valid from {each.valid_from}, ended with '{event.what}'{on} at"
        f" {event.moment} ({event.reason.rstrip('.')}): calibrate it again, or use another."
    )


def event_since(
    connection: sqlite3.Connection,
    inventory: Inventory,
    each: Calibration,
    equipment: Sequence[str],
    until: datetime | None = None,
) -> EquipmentEvent | None:
    """The first event of any of these since a calibration began, and before a moment where one is given."""
    for name in dict.fromkeys((each.of, *equipment)):
        for event in ends_of(connection, name):
            happened = until is None or datetime.fromisoformat(event.moment) <= until
            if happened and _ends(connection, inventory, each, event):
                return event
    return None


def beside(point: Point) -> tuple[str, ...]:
    """The equipment, beside the detector itself, that the coefficient of a point's detector is of."""
    return () if point.instrument is None else (point.instrument,)


def _ends(connection: sqlite3.Connection, inventory: Inventory, each: Calibration, event: EquipmentEvent) -> bool:
    moment = datetime.fromisoformat(event.moment)
    if moment.date() != each.valid_from:
        return moment.date() > each.valid_from
    stood_by = confirmed_at(connection, of_file(inventory, each))
    return stood_by is None or datetime.fromisoformat(stood_by) <= moment


def _used(plan: Plan, calibrations: Calibrations, on: date) -> Iterator[tuple[Calibration, tuple[str, ...]]]:
    """Those that hold for the plan's detectors, and for readers without standards; what is missing others say."""
    asked = [(p.detector, p.beam, p.surface, beside(p)) for p in plan.point if p.detector is not None]
    readers = [(b.reader, None, "entrance", ()) for b in plan.batch if not b.standards]
    for owner, beam, surface, equipment in (*asked, *readers):
        try:
            yield calibrations.valid_for(owner, on, beam, surface), equipment
        except Refused:
            continue
