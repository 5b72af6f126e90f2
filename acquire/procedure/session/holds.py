"""What holds the next session of a course: notices that nobody has lifted, and results that are not there in time.

It is this program's own session that waits, so that nobody goes on silently; no beam is held by it, and it says so. A
new plan is never held: it may be the answer. What is under way goes on: the patient lies there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.documents.plan import Plan
from acquire.procedure.session import due
from acquire.procedure.session.notices import SAYS, Notice, notices
from acquire.procedure.session.planning import get_plan

_NOT_A_BEAM = "The treatment is not held by this: treat without this measurement where it cannot wait, and write why."


def holding(connection: sqlite3.Connection, order_id: str, plan: Plan) -> list[Notice]:
    """The notices that hold a session of this plan: of the same patient and course, whichever order they are of."""
    if plan.purpose != "patient":
        return []
    orders = set(orders_of_patient(connection, order_id))
    return [
        each for each in notices(connection)
        if each.is_holding and each.order in orders and _course(connection, each.session) == plan.course
    ]  # fmt: skip


def of_next(
    connection: sqlite3.Connection, order_id: str, plan: Plan, fraction: int, session: str | None = None
) -> Iterator[Stop]:
    """What holds a session that is to begin; `session`: its own id, where it was started already."""
    found = [each for each in holding(connection, order_id, plan) if each.session != session]
    for each in found:
        second = " and a second person" if each.cause == "ACTION" else ""
        yield Stop(
            "hold",
            f"Notice {each.n} holds the next fraction: {each.says}. A physicist or physician lifts it with a reason"
            f"{second} (acquire hold lift {each.n}). {_NOT_A_BEAM}",
        )
    told = {(each.session, each.point) for each in notices(connection) if each.cause == "RESULT NOT THERE"}
    for missing in due.missing(connection, order_id, plan):
        if missing.before_fraction <= fraction and missing.key not in told and missing.session != session:
            yield Stop(
                "hold",
                f"{missing.point} of session {missing.session} {SAYS['RESULT NOT THERE']}: it was due before fraction"
                f" {missing.before_fraction}. {_NOT_A_BEAM}",
            )


def _course(connection: sqlite3.Connection, session_id: str) -> int:
    row = connection.execute("SELECT order_id, plan_version FROM session WHERE id = ?", (session_id,)).fetchone()
    return get_plan(connection, row["order_id"], row["plan_version"]).course
