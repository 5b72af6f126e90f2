"""Results with a due time: elements are read days later; the plan says before which fraction their result is needed.

Whether a result is late for a fraction rests on no clock: it is late when the session of that fraction is to begin. The
moments of the plan only say when people are reminded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point, ResultDue
from acquire.procedure.readouts.placed import placements
from acquire.procedure.session.notices import Cause, has_result, is_made, make
from acquire.procedure.session.planning import get_plan
from acquire.store.database import transaction


@dataclass(frozen=True, slots=True)
class Missing:
    """A result that is awaited of a point where something was measured."""

    session: str
    point: str
    due: ResultDue

    @property
    def key(self) -> tuple[str, str]:
        """Session and point."""
        return self.session, self.point

    @property
    def before_fraction(self) -> int:
        """The fraction before which it is needed."""
        return self.due.fraction


def missing(connection: sqlite3.Connection, order_id: str, plan: Plan) -> Iterator[Missing]:
    """What is awaited in the course of a plan: over all orders and plan versions of its patient."""
    for order in orders_of_patient(connection, order_id) if plan.purpose == "patient" else ():
        for row in connection.execute("SELECT id FROM session WHERE order_id = ?", (order,)).fetchall():
            of, found = missing_in(connection, row["id"])
            yield from found if of.course == plan.course else ()


def missing_in(connection: sqlite3.Connection, session_id: str) -> tuple[Plan, list[Missing]]:
    """The plan of a session, and what is awaited in it: results of elements that lay there and gave none."""
    row = connection.execute("SELECT order_id, plan_version FROM session WHERE id = ?", (session_id,)).fetchone()
    plan = get_plan(connection, row["order_id"], row["plan_version"])
    asked = plan.point if plan.purpose == "patient" and not is_cancelled(connection, session_id) else ()
    return plan, [
        Missing(session_id, point.id, point.result_due)
        for point in asked
        if point.result_due is not None
        and _has_lain(connection, session_id, point)
        and not has_result(connection, session_id, point.id)
    ]


def is_cancelled(connection: sqlite3.Connection, session_id: str) -> bool:
    """Whether a session was given up: nothing is awaited of it."""
    given_up = "SELECT 1 FROM session_state WHERE session = ? AND state = 'CANCELLED'"
    return connection.execute(given_up, (session_id,)).fetchone() is not None


def remind(connection: sqlite3.Connection, session_id: str, now: datetime) -> bool:
    """Make the notices of a session whose moment has come; whether anything in it may still become due."""
    _, found = missing_in(connection, session_id)
    for each in found:
        cause = _cause(each.due, now)
        if cause is not None and not is_made(connection, session_id, each.point, cause, 0):
            with transaction(connection):
                make(connection, session_id, each.point, cause, 0)
    return bool(found)


def _cause(asked: ResultDue, now: datetime) -> Cause | None:
    if asked.by <= now:
        return "RESULT NOT THERE"
    return "RESULT AWAITED" if asked.remind_at is not None and asked.remind_at <= now else None


def come_due(connection: sqlite3.Connection, order_id: str, plan: Plan, fraction: int) -> None:
    """A fraction is to begin: make the notices of what was due before it, whatever any clock says."""
    late = [each for each in missing(connection, order_id, plan) if each.before_fraction <= fraction]
    if late:
        with transaction(connection):
            for each in late:
                make(connection, each.session, each.point, "RESULT NOT THERE", 0)


def _has_lain(connection: sqlite3.Connection, session_id: str, point: Point) -> bool:
    return any(each.point == point.id for each in placements(connection, session_id))
