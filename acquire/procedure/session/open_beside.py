"""Another session of the same patient and fraction that is open for the same ports: people go on with that one.

Whoever finds it takes it over, or ends it with a reason and starts another one in its place, as long as it has given no
beam: what was measured in it would else be in no result.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from acquire.errors import Refused
from acquire.procedure.documents.beams import marks_of
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.documents.plan import Plan
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.planning import get_plan

OPEN = ("PLANNED", "READY", "MEASURING")
KINDS = ("irradiate", "place")  # of which a patient has one in a fraction


class Open(NamedTuple):
    """An open session, who started it and when, and by what it is the same as another plan, in words."""

    session: str
    order_id: str
    by_whom: str
    at: str
    same: str


def must_be_the_only_one(
    connection: sqlite3.Connection,
    plan: Plan,
    order_id: str,
    fraction: int,
    *,
    instead_of: str | None = None,
    rest_of: str | None = None,
) -> None:
    """Raises Refused, naming it, where another session is open for the same beam or the same place of elements.

    instead_of: the one that the new session takes the place of; rest_of: the one of whose beam it measures the rest.
    """
    for each in open_for_the_same(connection, plan, order_id, fraction):
        if each.session not in (instead_of, rest_of):
            raise Refused(
                f"Session {each.session} ({each.order_id}, fraction {fraction}) is open, started by {each.by_whom} at"
                f" {each.at}, and measures {each.same} too: go on with it (acquire session take-over {each.session}),"
                f" or, while it has given no beam, start this one in its place (--instead-of {each.session} --reason)."
            )
    if instead_of is not None:
        _may_be_ended(connection, order_id, instead_of)


def open_for_the_same(connection: sqlite3.Connection, plan: Plan, order_id: str, fraction: int) -> Iterator[Open]:
    """Sessions of the patient's fraction and course that have not been closed nor cancelled."""
    for order in orders_of_patient(connection, order_id):
        rows = connection.execute(
            "SELECT id, plan_version, started_by, started_at FROM session WHERE order_id = ? AND fraction = ?",
            (order, fraction),
        ).fetchall()
        for row in rows:
            other = get_plan(connection, order, row["plan_version"])
            if other.purpose != "patient" or other.course != plan.course or _state(connection, row["id"]) not in OPEN:
                continue
            if same := next(_same(plan, other), None):
                yield Open(row["id"], order, row["started_by"], row["started_at"], same)


def _same(plan: Plan, other: Plan) -> Iterator[str]:
    for kind in KINDS:
        ours, theirs = ([s for s in each.step if s.kind == kind] for each in (plan, other))
        yield from (said for s in ours for t in theirs if (said := marks_of(plan, s).same(marks_of(other, t))))


def _may_be_ended(connection: sqlite3.Connection, order_id: str, session: str) -> None:
    row = connection.execute("SELECT order_id FROM session WHERE id = ?", (session,)).fetchone()
    if row is None or row["order_id"] not in orders_of_patient(connection, order_id):
        raise Refused(f"Session {session} is none of this patient's.")
    if (state := _state(connection, session)) not in OPEN:
        raise Refused(f"Session {session} is {state}: it is over, and nothing takes its place.")
    if given := next((a for a in attempts(connection, session) if a.begun and a.kind == "irradiate"), None):
        raise Refused(
            f"{given.step} was begun in session {session}: go on with it (acquire session take-over {session}), or"
            " close it; what was measured in it counts."
        )
    out = connection.execute(
        "SELECT dosimeter FROM placement WHERE session = ? AND id NOT IN (SELECT placement FROM removal)", (session,)
    ).fetchone()
    if out is not None:
        raise Refused(f"{out['dosimeter']} lies on the patient in session {session}: take it off there first.")


def _state(connection: sqlite3.Connection, session: str) -> str:
    row = connection.execute(
        "SELECT state FROM session_state WHERE session = ? ORDER BY n DESC LIMIT 1", (session,)
    ).fetchone()
    return str(row["state"])
