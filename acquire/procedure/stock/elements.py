"""Elements of the stock: which chip or dot is which, and how its reader names it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.printable import must_be_seen
from acquire.procedure.documents.inventory import Element
from acquire.procedure.documents.people import two_people
from acquire.procedure.stock.batches import get_batch, must_be_id
from acquire.store import audit
from acquire.store.database import transaction

_NEWEST = "version = (SELECT max(m.version) FROM element m WHERE m.element = e.element)"


@dataclass(frozen=True, slots=True)
class StockElement:
    """One chip or dot. `read_as` is the text the reader gives for it, `element_index` its place on a card (1 to 4).

    expires_on: the last day on which it may be used; None where nothing limits it.
    """

    element: str
    batch: str
    barcode: str
    reader: str
    read_as: str
    element_index: int | None = None
    expires_on: date | None = None


def put_element(
    connection: sqlite3.Connection,
    who: str,
    element: StockElement,
    reason: str | None = None,
    confirmed_by: str | None = None,
) -> int:
    """Enter an element, or another version of it by two people with a reason; returns the version. The same changes
    nothing. Raises Refused."""
    get_batch(connection, element.batch)
    with transaction(connection):
        version = _version(connection, element.element)
        if version and element_named(connection, element.element) == element:
            return version
        if version:
            two_people(f"{element.element} is in the store otherwise; it is changed", who, confirmed_by, reason)
        if wrong := in_the_way(element, every_element(connection)):
            raise Refused(wrong)
        said = {"reason": reason, "confirmed_by": confirmed_by} if version else {}
        rows = [element_row(element, who, version + 1, **said)]
        new = f"v{version + 1}, {element.batch}, barcode {element.barcode}"
        audit.keep(connection, who, "element", element.element, rows=rows, new=new, reason=reason)
    return version + 1


def element_row(element: StockElement, who: str, version: int = 1, **said: str | None) -> audit.Row:
    """The row of one version of an element. Raises Refused for what cannot be one."""
    must_be_id(element.element, "an element")
    must_be_seen(barcode=element.barcode, read_as=element.read_as)
    for what, text in (("barcode", element.barcode), ("read_as", element.read_as), ("reader", element.reader)):
        if not text.strip():
            raise Refused(f"{element.element} has no {what}.")
    if element.element_index is not None and not 1 <= element.element_index <= 4:
        raise Refused(f"{element.element} is at place {element.element_index} of a card; allowed are 1 to 4.")
    return audit.row(
        "element", element=element.element, version=version, batch=element.batch, barcode=element.barcode,
        reader=element.reader, read_as=element.read_as, element_index=element.element_index,
        expires_on=element.expires_on.isoformat() if element.expires_on else None, who=who, at=utc_now(), **said,
    )  # fmt: skip


def in_the_way(element: StockElement, others: Iterable[StockElement]) -> str | None:
    """The sentence where another element has this barcode, or is read under the same name; else None."""
    for other in others:
        if other.element == element.element:
            continue
        if other.barcode == element.barcode:
            return f"Barcode {element.barcode} of {element.element} is that of {other.element} already."
        if _read_as(other) == _read_as(element):
            place = f", place {element.element_index}" if element.element_index is not None else ""
            return f"{element.reader} reads '{element.read_as}'{place} as {other.element} already."
    return None


def _read_as(element: StockElement) -> tuple[str, str, int | None]:
    return element.reader, element.read_as, element.element_index


def element_named(connection: sqlite3.Connection, name: str) -> StockElement:
    """The newest version of an element. Raises Refused when there is none."""
    row = connection.execute(f"SELECT * FROM element e WHERE element = ? AND {_NEWEST}", (name,)).fetchone()
    if row is None:
        raise Refused(f"The store has no element '{name}' (acquire elements list).")
    return _element(row)


def known_element(connection: sqlite3.Connection, name: str, known_at: str) -> StockElement | None:
    """An element as the store knew it at a moment of its clock (UTC); None where it did not."""
    row = connection.execute(
        "SELECT * FROM element WHERE element = ? AND at < ? ORDER BY version DESC LIMIT 1", (name, known_at)
    ).fetchone()
    return None if row is None else _element(row)


def every_element(connection: sqlite3.Connection, batch: str | None = None) -> list[StockElement]:
    """The newest version of every element, of one batch or of all. Raises Refused for an unknown batch."""
    if batch is not None:
        get_batch(connection, batch)
    rows = connection.execute(
        f"SELECT * FROM element e WHERE (?1 IS NULL OR batch = ?1) AND {_NEWEST} ORDER BY batch, element", (batch,)
    )
    return [_element(row) for row in rows]


def of_inventory(connection: sqlite3.Connection, element: StockElement) -> Element:
    """The element as an inventory file has it: what the session engine finds its readings by."""
    batch = get_batch(connection, element.batch)
    return Element(
        id=element.element, kind=batch.kind, material=batch.material, reader=element.reader, read_as=element.read_as,
        element_index=element.element_index,
    )  # fmt: skip


def _version(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT max(version) AS v FROM element WHERE element = ?", (name,)).fetchone()
    return int(row["v"] or 0)


def _element(row: sqlite3.Row) -> StockElement:
    return StockElement(
        row["element"], row["batch"], row["barcode"], row["reader"], row["read_as"], row["element_index"],
        date.fromisoformat(row["expires_on"]) if row["expires_on"] else None,
    )  # fmt: skip
