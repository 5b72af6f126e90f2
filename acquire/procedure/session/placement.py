"""Elements on the patient: placed one by one, removed one by one, counted, and corrected in the open.

The placement record is what attaches a chip's reading to a point, days later if need be (by element id, never by the
order of a file or by clocks of readers).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.inventory import Element
from acquire.procedure.documents.people import same_person
from acquire.procedure.readouts.elements import readout
from acquire.procedure.readouts.placed import Placement, last_removed, placements, where_out
from acquire.procedure.session import stops
from acquire.procedure.session.presence import beam_is_asked
from acquire.procedure.session.session import Session, SessionState, get_session
from acquire.store import audit
from acquire.store.database import transaction


def place(
    connection: sqlite3.Connection, session: Session, point: str, dosimeter: str, who: str, place: str | None = None
) -> None:
    """One element onto one point.

    Raises Refused: before the time-out, another element than planned, one that is out already (here or elsewhere), or
    one that has not been read since it came back: it would show the sum of two doses.
    """
    planned = session.plan.point_named(point).elements
    element = session.inventory.element_named(dosimeter)
    if session.state not in (SessionState.READY, SessionState.MEASURING):
        raise Refused(f"Session {session.id} is {session.state}; elements are placed after the time-out.")
    if dosimeter not in planned:
        raise Refused(f"{dosimeter} is not planned at {point}; planned are {', '.join(planned) or 'no elements'}.")
    if wrong := stops.of_session(connection, session.now, [session.plan.point_named(point)]):
        raise Refused(*wrong)
    with transaction(connection):
        if says := cannot_be_placed(connection, element):
            raise Refused(says)
        placed = audit.row(
            "placement", session=session.id, point=point, dosimeter=dosimeter, place=place, placed_at=utc_now(),
            placed_by=who,
        )  # fmt: skip
        audit.keep(connection, who, "element placed", session.id, rows=[placed], new=f"{dosimeter} at {point}")


def cannot_be_placed(connection: sqlite3.Connection, element: Element) -> str | None:
    """Why an element cannot be laid anywhere now: it is out, or holds a dose still; None where nothing is wrong."""
    if where := where_out(connection, element.id):
        return f"{element.id} is out already, at {where}."
    if last := _unread(connection, element):
        return (
            f"{element.id} came back from {last.point} in session {last.session} and has not been read since: it"
            " holds that dose still. Read it first; if it was annealed unread, leave it out there (acquire session"
            " exclude)."
        )
    return None


def remove(connection: sqlite3.Connection, session: Session, dosimeter: str, who: str) -> None:
    """One element off the patient.

    Raises Refused when it is not out in this session, or where nothing says yet whether the beam was given that no
    instrument measures: the order in which it is written tells later what the element was in.
    """
    with transaction(connection):
        found = [p for p in placements(connection, session.id) if p.dosimeter == dosimeter and p.removed_at is None]
        if not found:
            raise Refused(f"{dosimeter} is not out in session {session.id}.")
        if asked := beam_is_asked(connection, session, found[0]):
            raise Refused(asked)
        removed = audit.row("removal", placement=found[0].id, removed_at=utc_now(), removed_by=who)
        new = f"{dosimeter} from {found[0].point}"
        audit.keep(connection, who, "element removed", session.id, rows=[removed], new=new)


def correct(
    connection: sqlite3.Connection, session: Session, wrong: str, right: str, who: str, confirmed_by: str, reason: str
) -> None:
    """The placed element was another one than written: append the correction, by one person and confirmed by another.

    The old row stays. Raises Refused for one person twice, no reason, an element that was not placed, or one in its
    place that lay elsewhere, travels with the batch, or is read on another reader.
    """
    written, found_out = session.inventory.element_named(wrong), session.inventory.element_named(right)
    if (written.kind, written.reader) != (found_out.kind, found_out.reader):
        raise Refused(
            f"{right} is a {found_out.kind} of {found_out.reader}; {wrong} is a {written.kind} of {written.reader}."
        )
    if any(right in batch.travelling for batch in session.plan.batch):
        raise Refused(f"{right} is a standard, control or check element of this plan; it was not on the patient.")
    if same_person(who, confirmed_by) or not reason.strip():
        raise Refused("A correction needs a reason and a second person who confirms it.")
    with transaction(connection):
        found = [p for p in placements(connection, session.id) if p.dosimeter == wrong]
        if not found:
            raise Refused(f"{wrong} has no placement in session {session.id}.")
        if elsewhere := next((p.point for p in placements(connection, session.id) if p.dosimeter == right), None):
            raise Refused(
                f"{right} was placed at {elsewhere} in this session; it cannot have been at {found[0].point} too."
            )
        if where := where_out(connection, right):
            raise Refused(f"{right} is out, at {where}.")
        old = found[0]
        (number,) = connection.execute("SELECT max(id) + 1 FROM placement").fetchone()
        rows = [audit.row(
            "placement", id=number, session=session.id, point=old.point, dosimeter=right, place=old.place,
            placed_at=old.placed_at, placed_by=old.placed_by, replaces=old.id, confirmed_by=confirmed_by, reason=reason,
            made_after=old.made_after,
        )]  # fmt: skip
        if old.removed_at is not None:
            rows.append(audit.row(
                "removal", placement=number, removed_at=old.removed_at, removed_by=old.removed_by,
                made_after=old.removed_after,
            ))  # fmt: skip
        audit.keep(connection, who, "placement corrected", session.id, rows=rows, old=wrong, new=right, reason=reason)


def still_out(found: Sequence[Placement]) -> list[str]:
    """Elements that did not come back: out must equal back before the patient leaves."""
    return [p.dosimeter for p in found if p.removed_at is None]


def _unread(connection: sqlite3.Connection, element: Element) -> Placement | None:
    """Where an element lay last, if it has not been read since and nobody has left it out there."""
    last = last_removed(connection, element.id)
    if last is None:
        return None
    left_out = connection.execute(
        "SELECT 1 FROM statement WHERE session = ? AND what = 'excluded' AND dosimeter = ?", (last.session, element.id)
    ).fetchone()
    batch = get_session(connection, last.session).plan.batch_of(element.reader)
    return None if left_out or readout(connection, element, last, batch).used is not None else last
