"""The stock as a table: each element with its correction in force, what it has received, and its clocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from acquire.procedure.stock.elements import StockElement, element_named, every_element
from acquire.procedure.stock.history import History, days_since, history
from acquire.procedure.stock.issued import Issued, corrections, issued
from acquire.procedure.stock.table import written
from acquire.procedure.stock.usable import not_usable, without_correction

COLUMNS = (
    "element", "batch", "barcode", "reader", "read_as", "element_index", "expires_on", "ecc [1]", "u_ecc [%]",
    "accumulated_dose [Gy]", "readings [1]", "status", "emptied_at", "irradiated_at", "days_since_irradiation [d]",
    "readings_since_emptied [1]", "remaining_signal [%]",
)  # fmt: skip


def told(connection: sqlite3.Connection, found: History, holding: dict[tuple[str, str], Issued]) -> dict[str, Any]:
    """An element in plain values, as the list and JSON have it."""
    element = found.element
    each = holding.get((element.element, element.reader))
    days = days_since(found.irradiated_at)
    return {
        "element": element.element, "batch": element.batch, "barcode": element.barcode, "reader": element.reader,
        "read_as": element.read_as, "element_index": element.element_index,
        "expires_on": element.expires_on.isoformat() if element.expires_on else None,
        "ecc": each.eccs[element.element] if each else None,
        "u_ecc_percent": each.output["ecc"]["u_percent"] if each else None,
        "calibration": each.id if each else None,
        "accumulated_gy": found.accumulated_gy, "at_most_gy": found.at_most_gy, "readings": found.readings,
        "status": found.status, "emptied_at": found.emptied_at, "irradiated_at": found.irradiated_at,
        "days_since_irradiation": days, "readings_since_emptied": found.readings_since_emptied,
        "remaining_percent": None if found.remaining is None else 100 * found.remaining,
    }  # fmt: skip


def stock(
    connection: sqlite3.Connection, batch: str | None, progress: Callable[[int, int], None] = lambda done, of: None
) -> Iterator[dict[str, Any]]:
    """Every element of a batch, or of all, in plain values."""
    elements: list[StockElement] = every_element(connection, batch)
    holding = corrections(issued(connection), _today())
    for n, element in enumerate(elements, start=1):
        yield told(connection, history(connection, element), holding)
        progress(n, len(elements))


def table_of(found: Iterator[dict[str, Any]], delimiter: str = ",") -> Iterator[bytes]:
    """The stock as CSV; `acquire elements import` reads it."""
    rows = (
        [_rounded(value) for name, value in each.items() if name not in ("calibration", "at_most_gy")] for each in found
    )
    return written(COLUMNS, rows, delimiter)


def _rounded(value: Any) -> Any:
    return float(f"{value:.10g}") if isinstance(value, float) else value


def _today() -> date:
    return datetime.now(UTC).date()


def life(connection: sqlite3.Connection, element: str) -> dict[str, Any]:
    """One element in plain values, with every irradiation and event, and why it may not be used today."""
    found = history(connection, element_named(connection, element))
    holding, on = corrections(issued(connection), _today()), _today()
    without = without_correction(connection, [found.element], on)
    return {
        **told(connection, found, holding),
        "irradiations": [asdict(each) for each in found.irradiations],
        "events": [asdict(each) for each in found.events],
        "readouts": [asdict(each) for each in found.readouts],
        "days_since_emptied": days_since(found.emptied_at),
        "not_usable": [*not_usable(connection, found.element, on), *without],
    }
