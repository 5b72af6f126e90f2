"""What happened to elements and to readers that no reading tells: annealed, irradiated, withdrawn; a lamp, a repair.

Events are appended by the day they are said; `moment` is when it happened, and an event in the future is none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.moment import has_happened
from acquire.procedure.documents.people import two_people
from acquire.procedure.stock.elements import element_named
from acquire.store import audit
from acquire.store.database import transaction

What = Literal["taken-over", "annealed", "bleached", "irradiated", "to-repeat", "withdrawn", "returned"]
Ends = Literal["repair", "fall", "cable", "lamp", "high-voltage", "photomultiplier", "filter", "software", "other"]
HIGHEST_GY = 1000.0  # no element of a clinic takes more; what is above was mistyped


@dataclass(frozen=True, slots=True)
class ElementEvent:
    """One event. dose_gy (u in percent, k = 1) with "irradiated" and "taken-over", readings with the latter.

    source: the beam, or the oven and its programme. `who` and `at` (UTC) are of the entry, and written with it.
    """

    what: What
    reason: str
    moment: str | None = None
    dose_gy: float | None = None
    u_percent: float | None = None
    readings: int | None = None
    source: str | None = None
    who: str = ""
    confirmed_by: str | None = None
    at: str = ""


@dataclass(frozen=True, slots=True)
class EquipmentEvent:
    """What ended the calibration of a reader or detector."""

    equipment: str
    what: Ends
    moment: str
    reason: str
    who: str


def note(connection: sqlite3.Connection, elements: Sequence[str], event: ElementEvent, who: str) -> None:
    """The same event of one or several elements. Raises Refused for what cannot be, and for what needs two people."""
    _check(event, who)
    elements = [*dict.fromkeys(elements)]
    with transaction(connection):
        for name in elements:
            element_named(connection, name)
        rows = event_rows(connection, elements, event, who)
        amount = f" {event.dose_gy:g} Gy" if event.dose_gy is not None else ""
        new = f"{event.what}{amount}: {', '.join(elements)}"
        subject = elements[0] if len(elements) == 1 else f"{len(elements)} elements"
        audit.keep(connection, who, "element event", subject, rows=rows, new=new, reason=event.reason)


def event_rows(
    connection: sqlite3.Connection, elements: Sequence[str], event: ElementEvent, who: str
) -> list[audit.Row]:
    """The rows of an event, for the caller's own entry."""
    said = asdict(event) | {"who": who, "at": utc_now()}
    return [
        audit.row("element_event", element=name, n=_next(connection, "element_event", "element", name), **said)
        for name in elements
    ]


def events_of(connection: sqlite3.Connection, element: str) -> list[ElementEvent]:
    """Every event of an element in the order in which they were said."""
    rows = connection.execute("SELECT * FROM element_event WHERE element = ? ORDER BY n", (element,))
    return [_event(row) for row in rows]


def ended(connection: sqlite3.Connection, equipment: str, what: Ends, moment: str, reason: str, who: str) -> None:
    """Something happened to a reader or detector that ends its calibration. Raises Refused."""
    if what not in get_args(Ends):
        raise Refused(f"'{what}' is no event that ends a calibration; allowed are {', '.join(get_args(Ends))}.")
    has_happened(moment)
    if not reason.strip() or not equipment.strip():
        raise Refused("Say of which reader or detector, and what was done: for example 'lamp replaced, serial 4711'.")
    with transaction(connection):
        n = _next(connection, "equipment_event", "equipment", equipment)
        rows = [audit.row("equipment_event", equipment=equipment, n=n, what=what, moment=moment, reason=reason, who=who,
                          at=utc_now())]  # fmt: skip
        audit.keep(connection, who, "equipment event", equipment, rows=rows, new=f"{what} at {moment}", reason=reason)


def ends_of(connection: sqlite3.Connection, equipment: str) -> list[EquipmentEvent]:
    """Every event of a reader or detector in the order in which they were said."""
    rows = connection.execute("SELECT * FROM equipment_event WHERE equipment = ? ORDER BY n", (equipment,))
    return [EquipmentEvent(r["equipment"], r["what"], r["moment"], r["reason"], r["who"]) for r in rows]


def _next(connection: sqlite3.Connection, table: str, column: str, name: str) -> int:
    row = connection.execute(f"SELECT coalesce(max(n), 0) + 1 AS n FROM {table} WHERE {column} = ?", (name,)).fetchone()
    return int(row["n"])


def _event(row: sqlite3.Row) -> ElementEvent:
    values: dict[str, Any] = {name: row[name] for name in ElementEvent.__slots__}
    return ElementEvent(**values)


def _check(event: ElementEvent, who: str) -> None:
    if event.what not in get_args(What) or event.what == "to-repeat":
        allowed = ", ".join(each for each in get_args(What) if each != "to-repeat")
        raise Refused(f"'{event.what}' is no event that people enter of an element; allowed are {allowed}.")
    if not event.reason.strip():
        raise Refused("Say why, or what was done: an event needs a reason.")
    if event.what == "returned":
        two_people("An element that was withdrawn is used again", who, event.confirmed_by, event.reason)
    if event.moment is not None:
        has_happened(event.moment)
    elif event.what in ("annealed", "bleached", "irradiated"):
        raise Refused(f"Say when it was {event.what}: with its offset, as in 2027-02-05T10:31:00+01:00.")
    if (event.dose_gy is not None) != (event.what in ("irradiated", "taken-over")):
        raise Refused("A dose in Gy belongs to irradiated and taken-over elements, and they need one.")
    if event.dose_gy is not None and not 0 <= event.dose_gy < HIGHEST_GY:
        raise Refused(f"A dose of {event.dose_gy:g} Gy lies outside 0 to {HIGHEST_GY:g} Gy; doses are entered in Gy.")
    if event.what == "irradiated" and not (event.dose_gy and event.source and event.source.strip()):
        raise Refused("Say how much in Gy (above 0), and in which beam or source.")
    if (event.readings is not None) != (event.what == "taken-over") or (event.readings or 0) < 0:
        raise Refused("The number of earlier readings belongs to an element that is taken over, and is 0 or more.")
