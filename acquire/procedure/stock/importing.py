"""A table of elements into the store: all of it or nothing, unless its bad lines are to be left out by name."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from acquire.canonical import canonical
from acquire.dosimetry import DosimetryError, in_sites_range
from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.calibrations import Range
from acquire.procedure.stock.batches import batches
from acquire.procedure.stock.calibrating import begin, compute, terms_of
from acquire.procedure.stock.elements import StockElement, element_row, every_element
from acquire.procedure.stock.events import ElementEvent, event_rows
from acquire.procedure.stock.sessions import state_of
from acquire.procedure.stock.table import Table, TableRow, read_table
from acquire.store import audit
from acquire.store.database import transaction

AT_ONCE = 50  # elements an audit entry: so that somebody who waits sees how far it is

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Imported:
    """What became of a table: new elements, those that were there as they are, sentences of lines left out, and the
    calibrations that wait for a second person, where it states corrections."""

    added: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    calibrations: list[str] = field(default_factory=list)


def import_table(
    connection: sqlite3.Connection,
    body: bytes,
    name: str,
    who: str,
    *,
    certificate: str | None = None,
    valid_until: date | None = None,
    ecc_range: Range | None = None,
    skip_bad: bool = False,
    progress: Progress = lambda done, of: None,
) -> Imported:
    """Import a table. Corrections in it are calibrations of their own, with `certificate`, `valid_until`, `ecc_range`.

    Raises FileProblem with a sentence for each bad line, and then nothing is imported; with `skip_bad` the sound lines
    are, and the others are named in what is returned.
    """
    table = read_table(body, name)
    if not table.rows and not table.wrong:
        raise FileProblem(f"{name} has no line with an element.")
    if any(row.ecc is not None for row in table.rows) and (not certificate or None in (valid_until, ecc_range)):
        raise Refused(
            f"{name} states corrections: say whose they are (--certificate), until when (--valid-until), and which you"
            " believe at all (--ecc-range)."
        )
    if valid_until is not None and valid_until < datetime.now(UTC).date():
        raise Refused(f"The corrections of {name} are valid until {valid_until}, which has passed.")
    done = Imported()
    with transaction(connection):
        new = _new(connection, table, done, ecc_range)
        if table.wrong and not skip_bad:
            raise FileProblem(*(sentence for _, sentence in sorted(table.wrong)), f"Nothing of {name} was imported.")
        done.left_out = [sentence for _, sentence in sorted(table.wrong)]
        digest = hashlib.sha256(body).hexdigest()
        for first in range(0, len(new), AT_ONCE):
            part = new[first : first + AT_ONCE]
            _keep(connection, part, who, f"{len(part)} elements of {name}, SHA-256 {digest}")
            progress(first + len(part), len(new))
        done.added = [row.element for row in new]
    sound = {*done.added, *done.unchanged}
    rows = [row for row in table.rows if row.element in sound]
    done.calibrations = _stated(connection, rows, who, certificate, valid_until, ecc_range)
    return done


def _new(connection: sqlite3.Connection, table: Table, done: Imported, ecc_range: Range | None) -> list[TableRow]:
    """The rows that are not in the store; what contradicts the store, or is not believed, is wrong."""
    known, found = {e.element: e for e in every_element(connection)}, []
    barcodes = {e.barcode: e for e in known.values()}
    read = {(e.reader, e.read_as, e.element_index): e for e in known.values()}
    names = set(batches(connection))
    for row in table.rows:
        same, of = known.get(row.element), _element(row)
        if row.batch not in names:
            there = ", ".join(sorted(names)) or "none yet (acquire elements batch)"
            table.refuse(row.line, f"the store has no batch '{row.batch}'; it has {there}.", "batch")
        elif (why := _not_believed(row, ecc_range)) is not None:
            table.refuse(row.line, why, "ecc")
        elif same == of:
            done.unchanged.append(row.element)
        elif same is not None:
            table.refuse(
                row.line,
                f"{row.element} is in the store otherwise ({_differs(same, of)}); a change needs a reason and a second"
                " person (acquire elements add --reason --confirmed-by).",
                "element",
            )
        elif (other := barcodes.get(row.barcode)) is not None:
            table.refuse(row.line, f"{row.barcode} is that of {other.element} in the store already.", "barcode")
        elif (other := read.get((row.reader, row.read_as, row.element_index))) is not None:
            table.refuse(row.line, f"{row.reader} reads '{row.read_as}' as {other.element} already.", "read_as")
        else:
            found.append(row)
    return found


def _not_believed(row: TableRow, ecc_range: Range | None) -> str | None:
    """The sentence where a correction lies outside what the site believes."""
    if row.ecc is None or ecc_range is None:
        return None
    try:
        in_sites_range(row.ecc, ecc_range, f"The correction of {row.element}")
    except DosimetryError as why:
        return str(why)
    return None


def _differs(one: StockElement, other: StockElement) -> str:
    names = [name for name in StockElement.__slots__ if getattr(one, name) != getattr(other, name)]
    return ", ".join(f"{name} {getattr(one, name)}" for name in names)


def _element(row: TableRow) -> StockElement:
    return StockElement(row.element, row.batch, row.barcode, row.reader, row.read_as, row.element_index, row.expires_on)


def _keep(connection: sqlite3.Connection, part: Sequence[TableRow], who: str, new: str) -> None:
    rows = [element_row(_element(row), who) for row in part]
    for row in part:
        if row.accumulated_dose is not None or row.readings is not None:
            event = ElementEvent("taken-over", new, dose_gy=row.accumulated_dose or 0.0, readings=row.readings or 0)
            rows += event_rows(connection, [row.element], event, who)
    audit.keep(connection, who, "elements imported", part[0].batch, rows=rows, new=new)


def _stated(
    connection: sqlite3.Connection,
    rows: Sequence[TableRow],
    who: str,
    certificate: str | None,
    valid_until: date | None,
    ecc_range: Range | None,
) -> list[str]:
    """Stated corrections as calibrations, one a batch and reader, computed and waiting for a second person."""
    by: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for row in rows:
        if row.ecc is not None and row.u_ecc is not None:
            of = by.setdefault((row.batch, row.reader), {})
            of[row.element] = {"value": row.ecc, "u_percent": row.u_ecc}
    made = []
    for (batch, reader), stated in by.items():
        terms = {
            "stated": stated, "certificate": certificate, "valid_until": valid_until, "ecc_range": ecc_range
        }  # fmt: skip
        if not _is_there(connection, batch, reader, terms):
            made.append(begin(connection, who, batch, reader, "stated", terms))
            compute(connection, made[-1], who)
    return made


def _is_there(connection: sqlite3.Connection, batch: str, reader: str, terms: dict[str, Any]) -> bool:
    """Whether the same was stated before, and not given up: a table that is imported again says nothing new."""
    said = canonical(terms_of(terms).model_dump(mode="json", exclude_none=True))
    rows = connection.execute(
        "SELECT id FROM element_calibration WHERE batch = ? AND reader = ? AND issues = 'stated' AND terms = ?",
        (batch, reader, said),
    ).fetchall()
    return any(state_of(connection, row["id"]) in ("computed", "confirmed") for row in rows)
