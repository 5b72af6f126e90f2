"""Routine work: phantoms, calibrations, quality assurance. No physician orders it, and it is never charged as 77331.

A plan of such a purpose names its work where a patient's plan names the order. The work is kept beside the orders, as
a document of its own kind with no patient, so that sessions and results of it stand like any other.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from acquire.canonical import canonical, parse, utc_now
from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.procedure.documents.plan import Plan
from acquire.store import audit

KIND = "routine work"


def rows_of_work(connection: sqlite3.Connection, plan: Plan, who: str) -> list[audit.Row]:
    """The rows with which a plan of routine work opens it; none where it is open, or where the plan is a patient's.

    Raises Refused for a patient's plan under the name of routine work, or without an order.
    """
    known = connection.execute("SELECT 1 FROM orders WHERE id = ?", (plan.order,)).fetchone() is not None
    if plan.purpose == "patient":
        if known and is_routine(connection, plan.order):
            raise Refused(
                f"{plan.order} is routine work, and a patient's plan needs a physician's order; add that order and name"
                " it in the plan."
            )
        return []
    if known:
        return []
    body = canonical({"schema": "routine/1", "id": plan.order, "purpose": plan.purpose, "by": who, "at": utc_now()})
    sha256, file = kept.to_keep(connection, KIND, f"{plan.order}.json", body)
    nobody = f"routine work {plan.order}"  # its own subject: nothing of it is ever put together with a patient's
    return [
        *file,
        audit.row("orders", id=plan.order, sha256=sha256, patient=nobody, added_at=utc_now(), added_by=who),
    ]


def is_routine(connection: sqlite3.Connection, order_id: str) -> bool:
    """Whether what a plan hangs on is routine work, no physician's order."""
    row = connection.execute(
        "SELECT d.kind FROM orders o JOIN document d ON d.sha256 = o.sha256 WHERE o.id = ?", (order_id,)
    ).fetchone()
    return row is not None and row["kind"] == KIND


def opened(body: bytes) -> tuple[str, str, str, datetime]:
    """(id, purpose, who opened it, when) of the document of routine work."""
    said = parse(body)
    return said["id"], said["purpose"], said["by"], datetime.fromisoformat(said["at"])
