"""What belongs to one course of treatment: every order of the same patient, with all its plan versions and sessions.

The patient is an id of the store's own, merges followed. An order does not name its course; a second
course of the same patient counts with the first, so that nothing is counted too low.
"""

from __future__ import annotations

import sqlite3

from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.documents.plan import CHARGES
from acquire.procedure.documents.point import Point
from acquire.procedure.session.planning import get_plan
from acquire.procedure.session.transcribed import in_force


def same_place(one: Point, other: Point) -> bool:
    """Whether two points are one place on the patient: by name, by port and side of the beam, or by site and side."""
    of_port = one.port is not None and (one.port, one.surface) == (other.port, other.surface)
    place, there = ((_plain(each.site), _plain(each.side)) for each in (one, other))
    return one.id == other.id or of_port or place == there


def carried(
    connection: sqlite3.Connection, order_id: str, point: Point, *, but: str | None = None
) -> set[tuple[int, str]]:
    """On which fractions of the course a place carried a detector: (fraction, day UTC), without those of session `but`.

    An irradiation that was begun counts unless it was said to have given no beam, and so does an element placed there.
    """
    found: set[tuple[int, str]] = set()
    for order in orders_of_patient(connection, order_id):
        sessions = connection.execute(
            "SELECT id, plan_version, fraction FROM session WHERE order_id = ?1 AND id IS NOT ?2", (order, but)
        ).fetchall()
        for row in sessions:
            irradiated, placed = _irradiated(connection, row["id"]), _placed(connection, row["id"])
            if irradiated or placed:
                plan = get_plan(connection, order, row["plan_version"])
                names = {each.id for each in plan.point if same_place(each, point)}
                steps = {s.id for s in plan.step if names & set(s.named)}
                days = [day for step, day in irradiated if step in steps]
                days += [day for name, day in placed if name in names]
                found |= {(row["fraction"], day) for day in days}
    return found


def _irradiated(connection: sqlite3.Connection, session: str) -> list[tuple[str, str]]:
    """(step, day UTC) of every irradiation that was begun in a session, or entered from a form (the form's day)."""
    rows = connection.execute(
        "SELECT a.step, a.kind, m.at FROM attempt a JOIN attempt_mark m ON m.measurement = a.measurement AND"
        " m.mark = 'begun' WHERE a.session = ? AND NOT EXISTS (SELECT 1 FROM attempt_mark x"
        " WHERE x.measurement = a.measurement AND x.mark = 'abandoned' AND x.beam_given = 0)",
        (session,),
    )
    begun = [(row["step"], row["at"][:10]) for row in rows if row["kind"] in CHARGES]
    return begun + [(each.step, each.read_at[:10]) for each in in_force(connection, session).values()]


def _placed(connection: sqlite3.Connection, session: str) -> list[tuple[str, str]]:
    """(point, day UTC) of every element that was placed in a session."""
    rows = connection.execute("SELECT point, placed_at FROM placement WHERE session = ?", (session,))
    return [(row["point"], row["placed_at"][:10]) for row in rows]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
