"""Which result gives rise to a notice. A day of results within tolerance raises none."""

from __future__ import annotations

import sqlite3

from acquire.canonical import parse
from acquire.dosimetry import DecisionState, repeats_out
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.documents.point import Point
from acquire.procedure.records.output import output_of
from acquire.procedure.records.selection import OfElements, OfTranscribed, Selection
from acquire.procedure.session.course import same_place
from acquire.procedure.session.notices import Cause
from acquire.procedure.session.planning import get_plan
from acquire.procedure.session.session import Session

ACCEPTED = (DecisionState.PASS, DecisionState.PASS_BAND)
BEFORE_THE_BEAM = ("background", "before")  # names of measurements that hold no dose
DECIDED = (*ACCEPTED, DecisionState.OUT_OF_TOLERANCE, DecisionState.ACTION)


def cause_of(
    connection: sqlite3.Connection, session: Session, selection: Selection, decision: str, before: str | None
) -> Cause | None:
    """Why people are told of a new version of a result; `before`: the decision of the version before it.

    Not where the decision is the same as before, nor of a point at which nothing was measured: that is written with its
    reason by whoever left it out.
    """
    if session.plan.purpose != "patient" or decision == before:
        return None
    match decision:
        case DecisionState.ACTION:
            return "ACTION"
        case DecisionState.OUT_OF_TOLERANCE:
            again = repeats_out([_last_accepted(connection, session, selection.point), False])
            return "TWICE OUT" if again else "OUT OF TOLERANCE"
        case DecisionState.INVALID:
            return "INVALID" if _was_measured(selection) else None
    return None


def _was_measured(selection: Selection) -> bool:
    """Whether there was a chance to measure that is gone now; an element that is still to be read holds its dose."""
    if isinstance(selection.of, OfElements):
        return any(selection.readings.get(each) for each in selection.of.elements)
    return any(name not in BEFORE_THE_BEAM for name in selection.measurements) or isinstance(
        selection.of, OfTranscribed
    )


def _last_accepted(connection: sqlite3.Connection, session: Session, point_id: str) -> bool:
    """Whether the last decided result at the same place, of an earlier fraction of the course, was accepted.

    True where there is none: one result is no second one.
    """
    point, last = session.plan.point_named(point_id), True
    earlier = [
        row for order in orders_of_patient(connection, session.order_id)
        for row in connection.execute(
            "SELECT id, order_id, plan_version, fraction FROM session WHERE order_id = ? AND fraction < ?",
            (order, session.fraction),
        )
    ]  # fmt: skip
    for row in sorted(earlier, key=lambda row: int(row["fraction"])):
        plan = get_plan(connection, row["order_id"], row["plan_version"])
        if plan.purpose == "patient" and plan.course == session.plan.course:
            found = [_decision(connection, row["id"], p) for p in plan.point if same_place(p, point)]
            decided = [each in ACCEPTED for each in found if each in DECIDED]
            last = all(decided) if decided else last
    return last


def _decision(connection: sqlite3.Connection, session_id: str, point: Point) -> str | None:
    row = connection.execute(
        "SELECT output FROM result WHERE session = ? AND point = ? ORDER BY version DESC LIMIT 1",
        (session_id, point.id),
    ).fetchone()
    return None if row is None else output_of(parse(row["output"])).decision
