"""Whether an order stands, now and for a plan: cancelled, a draft, outside its time, changed since the plan."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.cancelled import cancelled
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.order import draft_stop, get_order, versions_of
from acquire.store import audit
from acquire.store.database import transaction


def of_order(connection: sqlite3.Connection, order_id: str, plan_version: int | None) -> list[Stop]:
    """What keeps anything from being measured on an order now; `plan_version`: None where there is no plan yet.

    Nothing where there is no order of that id: routine work is opened with its first plan.
    """
    if not versions_of(connection, order_id):
        return []
    if gone := cancelled(connection, order_id):
        return [gone]
    order = get_order(connection, order_id)
    stops = [draft] if (draft := draft_stop(order)) else []
    if said := order.outside(datetime.now(UTC)):
        stops.append(Stop("order", said))
    held = _held_for(connection, order_id, plan_version)
    if plan_version is not None and order.version > held:
        newest = versions_of(connection, order_id)[-1]
        why = f": {newest.reason.rstrip('.')}" if newest.reason else ""
        stops.append(
            Stop(
                "plan",
                f"Order {order_id} was changed by {newest.who} at {newest.at}{why}. Plan v{plan_version} was made for"
                f" v{held} of the order, and it is v{order.version} now: make a new version of the plan, or state that"
                f" this one holds (acquire plan still-holds {order_id} {plan_version}).",
            )
        )
    return stops


def holds_for(order_id: str, plan_version: int, order_version: int, who: str, reason: str | None) -> audit.Row:
    """The row that says for which version of its order a plan holds; no reason where it was made for it."""
    return audit.row(
        "plan_holds", order_id=order_id, version=plan_version, order_version=order_version, reason=reason, who=who,
        at=utc_now(),
    )  # fmt: skip


def still_holds(connection: sqlite3.Connection, order_id: str, plan_version: int, who: str, reason: str) -> int:
    """State that a plan holds for the order as it is now; returns the order's version.

    Raises Refused: no such plan, no reason, a plan that is of this version already, a cancelled order.
    """
    order = get_order(connection, order_id)
    if not reason.strip():
        raise Refused("Say why the plan holds for the changed order.")
    if gone := cancelled(connection, order_id):
        raise Refused(gone)
    with transaction(connection):
        plans = connection.execute("SELECT version FROM plan WHERE order_id = ?", (order_id,)).fetchall()
        if plan_version not in {row["version"] for row in plans}:
            raise Refused(f"Order {order_id} has no plan version {plan_version}.")
        if _held_for(connection, order_id, plan_version) >= order.version:
            raise Refused(f"Plan v{plan_version} holds for v{order.version} of order {order_id} already.")
        rows = [holds_for(order_id, plan_version, order.version, who, reason)]
        new = f"plan v{plan_version} for order v{order.version}"
        audit.keep(connection, who, "plan holds", order_id, rows=rows, new=new, reason=reason)
    return order.version


def _held_for(connection: sqlite3.Connection, order_id: str, plan_version: int | None) -> int:
    """For which version of the order a plan holds; plans of earlier releases for the first."""
    row = connection.execute(
        "SELECT max(order_version) AS held FROM plan_holds WHERE order_id = ? AND version = ?",
        (order_id, plan_version),
    ).fetchone()
    return int(row["held"] or 1)
