"""What has ended since a session took it from the stock: a calibration that was withdrawn, a reader that was worked on.

A session keeps the coefficients it was begun with, and chips are read days later. What is found out in between forbids
a number that is calculated from then on; results of before stay as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime

from acquire.procedure.calibrations import Calibrations
from acquire.procedure.stock.events import ends_of
from acquire.procedure.stock.prepared import first_read


def lapsed(connection: sqlite3.Connection, calibrations: Calibrations, read_at: Mapping[str, str]) -> list[str]:
    """One sentence for each coefficient that no longer counts for elements read at these moments (ISO 8601, UTC)."""
    if not read_at:
        return []
    return [*_withdrawn(connection, calibrations, read_at), *_ended(connection, calibrations, read_at)]


def _withdrawn(
    connection: sqlite3.Connection, calibrations: Calibrations, elements: Mapping[str, str]
) -> Iterator[str]:
    of_elements = [each.id for each in calibrations.elements if elements.keys() & each.ecc.keys()]
    of_readers = [each.id.rpartition(".")[0] for each in calibrations.calibration]
    for name in dict.fromkeys((*of_elements, *of_readers)):
        row = connection.execute(
            "SELECT who, reason FROM element_calibration_mark WHERE calibration = ? AND mark = 'withdrawn'", (name,)
        ).fetchone()
        if row is not None:
            yield f"Calibration {name} was withdrawn by {row['who']}: {row['reason'].rstrip('.')}."


def _ended(connection: sqlite3.Connection, calibrations: Calibrations, read_at: Mapping[str, str]) -> Iterator[str]:
    last = max(datetime.fromisoformat(each) for each in read_at.values())
    for each in calibrations.calibration:
        begun = first_read(connection, each.id.rpartition(".")[0])
        if begun is None:
            continue
        for event in ends_of(connection, each.of):
            if datetime.fromisoformat(begun) <= datetime.fromisoformat(event.moment) <= last:
                yield (
                    f"The coefficient {each.id} of {each.of} ended with '{event.what}' at {event.moment}"
                    f" ({event.reason.rstrip('.')}), before the elements were read."
                )
                break
