"""What people state of elements that lay on a patient: one is left out with its reason, or imaging was given meanwhile.

No outlier goes without a named reason and a second person; the reading stays, and so does every earlier result.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure import audit
from acquire.procedure.placement import placements
from acquire.procedure.session import Session
from acquire.store.database import transaction


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `dosimeter` is None where it is said of all elements at the point."""

    what: str
    point: str
    dosimeter: str | None
    reason: str
    who: str
    confirmed_by: str | None


def exclude(
    connection: sqlite3.Connection, session: Session, dosimeter: str, who: str, confirmed_by: str, reason: str
) -> None:
    """Leave one placed element out of its point's dose. Raises Refused for one person twice, or no reason."""
    if who == confirmed_by or not reason.strip():
        raise Refused("An element is left out with a reason, by one person and confirmed by another.")
    placed = [p for p in placements(connection, session.id) if p.dosimeter == dosimeter]
    if not placed:
        raise Refused(f"{dosimeter} has no placement in session {session.id}.")
    if any(s.dosimeter == dosimeter for s in statements(connection, session.id)):
        raise Refused(f"{dosimeter} is left out already.")
    _append(connection, session, Statement("excluded", placed[0].point, dosimeter, reason, who, confirmed_by))


def imaging_given(connection: sqlite3.Connection, session: Session, point: str, who: str, reason: str) -> None:
    """Imaging (or another beam) was given while the elements of a point lay there: they hold no therapy dose then.

    Raises Refused for a point without elements, or where it is not said what was given.
    """
    if not session.plan.point_named(point).elements:
        raise Refused(f"Point {point} has no elements that imaging could have reached.")
    if not reason.strip():
        raise Refused("Say what was given: for example 'cone-beam CT before the field'.")
    _append(connection, session, Statement("imaging", point, None, reason, who, None))


def statements(connection: sqlite3.Connection, session_id: str) -> list[Statement]:
    """All statements of a session, oldest first."""
    rows = connection.execute(
        "SELECT what, point, dosimeter, reason, who, confirmed_by FROM element_statement WHERE session = ? ORDER BY n",
        (session_id,),
    )
    return [Statement(*row) for row in rows]


def _append(connection: sqlite3.Connection, session: Session, said: Statement) -> None:
    with transaction(connection):
        connection.execute(
            "INSERT INTO element_statement (session, what, point, dosimeter, reason, who, confirmed_by, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (session.id, said.what, said.point, said.dosimeter, said.reason, said.who, said.confirmed_by, utc_now()),
        )
        new = f"{said.dosimeter or said.point} {said.what}, confirmed by {said.confirmed_by or 'nobody'}"
        audit.append(connection, said.who, "element statement", session.id, new=new, reason=said.reason)
