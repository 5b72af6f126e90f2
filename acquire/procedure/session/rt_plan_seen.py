"""RT Plans that were read for an order: which file, and what it says of the plan that is here.

A plan that was made from one file, while another one (other UID, other bytes) was read for its order since, may expect
doses that hold no longer: they wait to be confirmed, in a new version. Nothing of the file is kept but UID and digest.
"""

from __future__ import annotations

import sqlite3

from acquire.canonical import utc_now
from acquire.procedure.documents.plan import Plan
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
