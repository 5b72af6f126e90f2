"""What was done to a detector or reader since the calibration that a file has of it: a fall, a cable, a lamp.

A file says from which day its calibration holds, and no more: an event on that day or later ends it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime

from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibration, Calibrations
from acquire.procedure.documents.plan import Plan
from acquire.procedure.stock.events import EquipmentEvent, ends_of


def ended_of_file(connection: sqlite3.Connection, plan: Plan, calibrations: Calibrations, on: date) -> Iterator[str]:
    """A sentence for each calibration of a file that a plan uses on a day and that an event has ended."""
    for each in _used(plan, calibrations, on):
        if (event := event_since(connection, each)) is not None:
            yield (
                f"Calibration {each.id} of {each.of}, valid from {each.valid_from}, ended with '{event.what}' at"
                f" {event.moment} ({event.reason.rstrip('.')}): calibrate it again, or use another."
            )


def event_since(connection: sqlite3.Connection, each: Calibration) -> EquipmentEvent | None:
    """The first event on the day from which a calibration holds, or later."""
    return next((e for e in ends_of(connection, each.of) if _day(e) >= each.valid_from), None)


def _day(event: EquipmentEvent) -> date:
    return datetime.fromisoformat(event.moment).date()


def _used(plan: Plan, calibrations: Calibrations, on: date) -> Iterator[Calibration]:
    """Those that hold for the plan's detectors, and for readers without standards; what is missing others say."""
    asked = {(p.detector, p.beam, p.surface) for p in plan.point if p.detector is not None}
    readers = [(b.reader, None, "entrance") for b in plan.batch if not b.standards]
    found: dict[str, Calibration] = {}
    for owner, beam, surface in (*sorted(asked), *readers):
        try:
            each = calibrations.valid_for(owner, on, beam, surface)
        except Refused:
            continue
        found[each.id] = each
    yield from found.values()
