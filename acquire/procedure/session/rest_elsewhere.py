"""In which other session a beam began whose rest is measured now: of the same patient, course and fraction."""

from __future__ import annotations

import sqlite3

from acquire.errors import Refused
from acquire.procedure.documents.beams import marks_of
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.documents.plan import Plan, Step
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beams_given import may_have_given
from acquire.procedure.session.planning import get_plan


def may_go_on(connection: sqlite3.Connection, order_id: str, plan: Plan, fraction: int, began_in: str) -> None:
    """Raises Refused unless a session may be started for the rest of a beam that began in another one."""
    first = same_fraction(connection, order_id, plan, fraction, began_in)
    steps = [s for s in plan.step if s.kind == "irradiate"]
    if not any(beam_in(connection, began_in, first, plan, s) for s in steps):
        raise Refused(f"No beam of this plan was begun in session {began_in}: there is no rest of it.")


def same_fraction(connection: sqlite3.Connection, order_id: str, plan: Plan, fraction: int, began_in: str) -> Plan:
    """The plan of a session of the same patient, course and fraction. Raises Refused."""
    row = connection.execute(
        "SELECT order_id, plan_version, fraction FROM session WHERE id = ?", (began_in,)
    ).fetchone()
    if row is None:
        raise Refused(f"There is no session {began_in}.")
    first = get_plan(connection, row["order_id"], row["plan_version"])
    if row["order_id"] not in orders_of_patient(connection, order_id) or first.purpose != plan.purpose:
        raise Refused(f"Session {began_in} is of another patient than {order_id}, or for another purpose.")
    if (row["fraction"], first.course) != (fraction, plan.course):
        raise Refused(
            f"Session {began_in} is of fraction {row['fraction']} of course {first.course}; the rest of its beam is of"
            f" that fraction, not of fraction {fraction} of course {plan.course}."
        )
    return first


def beam_in(connection: sqlite3.Connection, began_in: str, first: Plan, plan: Plan, step: Step) -> str | None:
    """The step of a session that may have given part of a step's beam; None where none did."""
    marks = marks_of(plan, step)
    same = [s.id for s in first.step if s.kind == "irradiate" and marks.same(marks_of(first, s))]
    for each in same:
        if any(may_have_given(connection, began_in, a) for a in attempts(connection, began_in, each)):
            return each
    return None
