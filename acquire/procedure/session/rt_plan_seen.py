"""RT Plans that were read for an order: which file, and what it says of the plan that is here.

A plan that was made from one file, while another one (other UID, other bytes) was read for its order since, may expect
doses that hold no longer: they wait to be confirmed, in a new version. Nothing of the file is kept but UID and digest;
the patient's number is compared and goes nowhere.
"""

from __future__ import annotations

import sqlite3

from acquire.canonical import parse, utc_now
from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.procedure.documents.beams import patient_key
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.routine_work import is_routine
from acquire.store import audit
from acquire.store.database import transaction


def saw_rt_plan(connection: sqlite3.Connection, order_id: str, uid: str, sha256: str, who: str) -> int | None:
    """Keep that a file was read for an order; returns the newest plan version then, None where there was none."""
    version = connection.execute("SELECT max(version) FROM plan WHERE order_id = ?", (order_id,)).fetchone()[0]
    row = audit.row("rt_plan_seen", order_id=order_id, version=version, uid=uid, sha256=sha256, who=who, at=utc_now())
    with transaction(connection):
        audit.keep(connection, who, "RT Plan read", order_id, rows=[row], new=f"{uid} {sha256}")
    return None if version is None else int(version)


def another_rt_plan(connection: sqlite3.Connection, plan: Plan) -> str | None:
    """Why the expected doses of a plan wait: another file was read for its order since. None where they stand."""
    if plan.rt_plan is None:
        return None
    seen = connection.execute(
        "SELECT uid, sha256, who, at FROM rt_plan_seen WHERE order_id = ? AND version = ? ORDER BY n DESC LIMIT 1",
        (plan.order, plan.version),
    ).fetchone()
    if seen is None or (seen["uid"], seen["sha256"]) == (plan.rt_plan.uid, plan.rt_plan.sha256):
        return None
    differs = "other UID" if seen["uid"] != plan.rt_plan.uid else "same UID, other content"
    return (
        f"Plan v{plan.version} of {plan.order} was made from another RT Plan than {seen['who']} read at {seen['at']}"
        f" ({differs}): its expected doses are to be confirmed. Add a new version that is made from that file."
    )


def same_patient(connection: sqlite3.Connection, order_id: str, patient: str) -> bool:
    """Whether the file is of the order's patient; False where the order states no number to compare by.

    Raises Refused where the order states numbers and none is the file's. No number is printed.
    """
    known = _record_numbers(connection, order_id)
    row = connection.execute("SELECT patient FROM orders WHERE id = ?", (order_id,)).fetchone()
    if patient and patient in {*known, patient_key(row["patient"]) or ""}:
        return True
    if known:
        raise Refused(f"The file is of another patient than order {order_id}: their record numbers differ.")
    return False


def _record_numbers(connection: sqlite3.Connection, order_id: str) -> set[str]:
    """The patient's numbers that the order's own bytes state."""
    if is_routine(connection, order_id):
        return set()
    row = connection.execute("SELECT sha256 FROM orders WHERE id = ?", (order_id,)).fetchone()
    subject = parse(kept.fetch(connection, row["sha256"])[1]).get("subject") or {}
    number = (subject.get("identifier") or {}).get("value")
    return {str(number)} if number else set()
