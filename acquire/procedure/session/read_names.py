"""Two people say under which name an element was read: a tray list that was mistyped, two chips exchanged in a tray."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.inventory import Element
from acquire.procedure.documents.people import two_people
from acquire.procedure.readouts.elements import readout
from acquire.procedure.readouts.placed import Placement, placements
from acquire.procedure.readouts.read_names import read_as_of
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.attribution import StoredReading
from acquire.store.database import transaction

_TEXT = re.compile(r"(?P<text>.+?)(?: \((?P<index>[0-9]{1,3})\))?")


def was_read_as(
    connection: sqlite3.Connection, session: Session, names: Mapping[str, str], who: str, confirmed_by: str, reason: str
) -> None:
    """Placed elements were read under other names: for each, an element of the inventory or a reader's own text.

    Every finished readout under that name since the element was removed, up to now, is its own from here on, with its
    own sensitivity. Raises Refused for one person twice, no reason, an element that is still out or was read under its
    own name, a name that was not read, and one of an element that lies in this session and is not named itself.
    """
    two_people("That an element was read under another name is stated", who, confirmed_by, reason)
    placed = {p.dosimeter: p for p in placements(connection, session.id)}
    at, rows = utc_now(), []
    with transaction(connection):
        for real, name in names.items():
            element, placement = session.inventory.element_named(real), _removed(placed, real, session)
            _nothing_of_its_own(connection, session, element, placement, names)
            called = _called(session, element, name)
            if called.id != real and called.id in placed and called.id not in names:
                raise Refused(
                    f"{called.id} lies at {placed[called.id].point} in this session: say in the same command under"
                    f" which name it was read itself ({called.id}=NAME)."
                )
            readings = _read(connection, session, called, placement)
            if not readings:
                raise Refused(f"{name} has no reading on {element.reader} since {real} was removed.")
            rows += [
                audit.row(
                    "read_as", session=session.id, placement=placement.id, read_as=called.read_as,
                    element_index=called.element_index, stream=each.stream, seq=each.seq, reason=reason, who=who,
                    confirmed_by=confirmed_by, at=at,
                )
                for each in readings
            ]  # fmt: skip
        new = ", ".join(f"{real} was read as {name}" for real, name in names.items())
        audit.keep(connection, who, "read under another name", session.id, rows=rows, new=new, reason=reason)


def _removed(placed: Mapping[str, Placement], real: str, session: Session) -> Placement:
    if real not in placed:
        raise Refused(f"{real} has no placement in session {session.id}.")
    if placed[real].removed_at is None:
        raise Refused(f"{real} is still out at {placed[real].point}; write its removal first.")
    return placed[real]


def _nothing_of_its_own(
    connection: sqlite3.Connection, session: Session, element: Element, placement: Placement, names: Mapping[str, str]
) -> None:
    if said := read_as_of(connection, placement.id):
        raise Refused(f"It is said already that {element.id} was read as {said[0].name}.")
    taken = any(_called(session, element, name).id == element.id for name in names.values())
    if not taken and _read(connection, session, element, placement):
        raise Refused(
            f"{element.id} was read under its own name. If that reading is another element's, say so in the same"
            f" command (OTHER={element.id})."
        )


def _read(
    connection: sqlite3.Connection, session: Session, called: Element, placement: Placement
) -> list[StoredReading]:
    """What was read under a name since an element was removed, as far as it is no other placement's."""
    found = readout(connection, called, placement, session.plan.batch_of(called.reader))
    return [found.used, *found.later] if found.used is not None else []


def _called(session: Session, element: Element, name: str) -> Element:
    """The element under the name that its reader has for it: another element's, or a text nobody knows."""
    other = next((e for e in session.inventory.element if e.id == name), None)
    if other is not None:
        if (other.reader, other.kind) != (element.reader, element.kind):
            raise Refused(
                f"{name} is a {other.kind} of {other.reader}; {element.id} is a {element.kind} of {element.reader}."
            )
        return other
    found = _TEXT.fullmatch(name)
    if found is None:
        raise Refused("Say under which name the element was read.")
    index = None if found["index"] is None else int(found["index"])
    return element.model_copy(update={"id": name, "read_as": found["text"], "element_index": index})
