"""What has ended since a session took it: a calibration that was withdrawn, a reader or detector that was worked on.

A session keeps the coefficients it was begun with, and chips are read days later. What is found out in between forbids
a number that is calculated from then on; results of before stay as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibration, Calibrations, Elements
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.stock.equipment import beside, ended_by, event_since
from acquire.procedure.stock.events import ends_of
from acquire.procedure.stock.file_coefficients import withdrawn
from acquire.procedure.stock.prepared import first_read
from acquire.procedure.stock.stated import of_file


def lapsed(
    connection: sqlite3.Connection, plan: Plan, calibrations: Calibrations, reader: str, read_at: Mapping[str, str]
) -> list[str]:
    """One sentence for each coefficient that no longer counts for elements read at these moments (ISO 8601, UTC).

    Where the reader's coefficient comes of standards of the same run, nothing that was done to it before matters.
    """
    if not read_at:
        return []
    batch = plan.batch_of(reader)
    of_reader = [] if batch is None or batch.standards else [c for c in calibrations.calibration if c.of == reader]
    of_elements = [each for each in calibrations.elements if read_at.keys() & each.ecc.keys()]
    names = dict.fromkeys((*(each.id for each in of_elements), *(_of_stock(each) for each in of_reader)))
    return [
        *_withdrawn(connection, [*names]),
        *_withdrawn_of_file(connection, None, (*of_elements, *of_reader)),
        *_ended(connection, of_reader, read_at),
    ]


def lapsed_detector(
    connection: sqlite3.Connection,
    inventory: Inventory,
    calibrations: Calibrations,
    point: Point,
    on: date,
    measured_at: str | None,
) -> list[Stop]:
    """One sentence for each reason why the calibration of a point's detector counts no longer, or did not then.

    measured_at: when the measurement ended (ISO 8601); what happened later does not matter. None: what holds now.
    """
    try:
        each = calibrations.valid_for(point.detector or "", on, point.beam, point.surface)
    except Refused:
        return []  # what is missing others say
    until = None if measured_at is None else datetime.fromisoformat(measured_at)
    event = event_since(connection, inventory, each, beside(point), until)
    ended = [] if event is None else [Stop("calibration", ended_by(each, event))]
    return [*_withdrawn_of_file(connection, inventory, [each]), *ended]


def _withdrawn_of_file(
    connection: sqlite3.Connection, inventory: Inventory | None, found: Iterable[Calibration | Elements]
) -> Iterator[Stop]:
    for each in found:
        if (gone := withdrawn(connection, of_file(inventory, each))) is not None:
            why = (gone.reason or "").rstrip(".")
            yield Stop("second-person", f"Calibration {each.id} was withdrawn by {gone.who}: {why}.")


def _of_stock(each: Calibration) -> str:
    """The calibration session that issued a coefficient of the stock (its id, a dot, the coefficient's name)."""
    return each.id.rpartition(".")[0]


def _withdrawn(connection: sqlite3.Connection, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        row = connection.execute(
            "SELECT who, reason FROM element_calibration_mark WHERE calibration = ? AND mark = 'withdrawn'", (name,)
        ).fetchone()
        if row is not None:
            yield f"Calibration {name} was withdrawn by {row['who']}: {row['reason'].rstrip('.')}."


def _ended(
    connection: sqlite3.Connection, calibrations: Sequence[Calibration], read_at: Mapping[str, str]
) -> Iterator[str]:
    last = max(datetime.fromisoformat(each) for each in read_at.values())
    for each in calibrations:
        begun = first_read(connection, _of_stock(each)) or f"{each.valid_from}T00:00:00+00:00"
        since = (e for e in ends_of(connection, each.of) if datetime.fromisoformat(e.moment) <= last)
        event = next((e for e in since if datetime.fromisoformat(e.moment) >= datetime.fromisoformat(begun)), None)
        if event is not None:
            yield (
                f"The coefficient {each.id} of {each.of} ended with '{event.what}' at {event.moment}"
                f" ({event.reason.rstrip('.')}), before the elements were read."
            )
