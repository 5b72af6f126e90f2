"""What there is, newest first, a line each: sessions, orders and plans with their day and state."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Literal

from acquire.procedure.documents.order import list_orders
from acquire.procedure.session.session import SessionState

OrderState = Literal["draft", "ordered", "planned", "measured", "cancelled"]
PlanState = Literal["newest", "replaced", "cancelled"]

_SESSIONS = """
SELECT s.id AS session, s.order_id AS "order", s.plan_version, s.fraction, s.simulated, s.started_at, s.started_by,
    (SELECT t.state FROM session_state t WHERE t.session = s.id ORDER BY t.n DESC LIMIT 1) AS state
FROM session s ORDER BY s.audit_entry DESC NULLS LAST, s.started_at DESC, s.id
"""
_PLANS = """
SELECT p.order_id AS "order", p.version, p.added_at, p.added_by,
    (SELECT count(*) FROM session s WHERE s.order_id = p.order_id AND s.plan_version = p.version) AS sessions,
    CASE WHEN EXISTS (SELECT 1 FROM order_cancelled c WHERE c.order_id = p.order_id) THEN 'cancelled'
        WHEN p.version < (SELECT max(q.version) FROM plan q WHERE q.order_id = p.order_id) THEN 'replaced'
        ELSE 'newest' END AS state
FROM plan p ORDER BY p.audit_entry DESC NULLS LAST, p.added_at DESC, p.order_id, p.version DESC
"""


def sessions(connection: sqlite3.Connection, state: SessionState | None = None) -> list[dict[str, Any]]:
    """Every session, or those in this state."""
    found = [dict(row) | {"simulated": bool(row["simulated"])} for row in connection.execute(_SESSIONS)]
    return [each for each in found if state in (None, each["state"])]


def plans(connection: sqlite3.Connection, state: PlanState | None = None) -> list[dict[str, Any]]:
    """Every version of every plan, or those in this state: a newer one takes the place of the one before."""
    return [dict(row) for row in connection.execute(_PLANS) if state in (None, row["state"])]


def orders(connection: sqlite3.Connection, state: OrderState | None = None) -> Iterator[tuple[Any, OrderState]]:
    """Every order, or those in this state. Raises Refused for one that cannot be read."""
    cancelled = _ids(connection, "SELECT order_id FROM order_cancelled")
    planned = _ids(connection, "SELECT order_id FROM plan")
    done = {each["order"] for each in sessions(connection) if each["state"] in ("MEASURED", "CALCULATED")}
    for order in reversed(list_orders(connection)):
        now: OrderState = "ordered"
        if order.id in cancelled:
            now = "cancelled"
        elif order.draft:
            now = "draft"
        elif order.id in done:
            now = "measured"
        elif order.id in planned:
            now = "planned"
        if state in (None, now):
            yield order, now


def _ids(connection: sqlite3.Connection, query: str) -> set[str]:
    return {row[0] for row in connection.execute(query)}
