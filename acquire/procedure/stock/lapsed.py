"""What has ended since a session took it: a calibration of the stock that was withdrawn, a reader that was worked on.

A session keeps the coefficients it was begun with, and chips are read days later. What is found out in between forbids
a number that is calculated from then on; results of before stay as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from acquire.procedure.documents.calibrations import Calibration, Calibrations
from acquire.procedure.documents.plan import Plan
from acquire.procedure.stock.events import ends_of
from acquire.procedure.stock.prepared import first_read


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
    of_elements = [each.id for each in calibrations.elements if read_at.keys() & each.ecc.keys()]
    names = dict.fromkeys((*of_elements, *(_of_stock(each) for each in of_reader)))
    return [*_withdrawn(connection, [*names]), *_ended(connection, of_reader, read_at)]


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
