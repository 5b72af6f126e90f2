"""Element readings that belong to nothing: kept, and shown beside the gap they leave."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import chain

from acquire.procedure.documents.inventory import Element
from acquire.procedure.readouts.elements import readout
from acquire.procedure.readouts.placed import placements
from acquire.procedure.readouts.read_names import read_as_in
from acquire.procedure.session.closing import closed
from acquire.procedure.session.session import Session
from acquire.store.entries import OfElement, between, decoded, of_elements_since


@dataclass(frozen=True, slots=True)
class Unattached:
    """A reading of an element that has no place in the session, and why."""

    stream: str
    seq: int
    instrument: str
    element: str
    why: str


def unattached(connection: sqlite3.Connection, session: Session) -> list[Unattached]:
    """Readings on the session's readers until it was closed, of elements that are neither placed, standard nor control,
    and those of placed ones that came before their removal was written, whenever they came.
    """
    over, _ = closed(connection, session.id) or (None, None)  # what follows is of the patients after this one
    early = _early(connection, session)
    late = [each for each in early.values() if over is not None and over.precedes(each.entry.receipt)]
    readers = [name for name in session.instruments if session.inventory.is_reader(name)]
    expected = {p.dosimeter for p in placements(connection, session.id)}
    for batch in session.plan.batch:
        expected |= set(batch.travelling)
    by_text: dict[tuple[str, str], list[Element]] = {}
    for element in session.inventory.element:
        by_text.setdefault((element.reader, element.read_as), []).append(element)
    known_as = {(each.stream, each.seq) for each in read_as_in(connection, session.id)}
    found = []
    for stream, instrument, entry in chain(of_elements_since(connection, session.started, over), late):
        if instrument in readers and (stream, entry.seq) not in known_as:
            index = decoded(stream, entry).get("element_index")
            known = by_text.get((instrument, entry.element or ""), [])
            mine = next((e for e in known if e.element_index in (None, index)), None)
            if mine is None or mine.id not in expected:
                name = mine.id if mine else f"{entry.element}" + (f" ({index})" if index else "")
                why = "has no placement in this session" if mine else "is not in the inventory"
                found.append(Unattached(stream, entry.seq, instrument, name, why))
            elif (stream, entry.seq) in early:
                why = "was read before its removal was written"
                found.append(Unattached(stream, entry.seq, instrument, mine.id, why))
    return found


def _early(connection: sqlite3.Connection, session: Session) -> dict[tuple[str, int], OfElement]:
    """Readings of placed elements that came while those were out, by what was written; by stream and number."""
    found: dict[tuple[str, int], OfElement] = {}
    for placement in placements(connection, session.id):
        element = session.inventory.element_named(placement.dosimeter)
        read = readout(connection, element, placement, session.plan.batch_of(element.reader))
        for each in read.early:
            (entry,) = between(connection, each.stream, each.seq, each.seq)
            found[each.stream, each.seq] = OfElement(each.stream, each.instrument, entry)
    return found
