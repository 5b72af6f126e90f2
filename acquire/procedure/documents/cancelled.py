"""An order that was cancelled: nothing of it is planned, started or begun any more; what was measured stays."""

from __future__ import annotations

import sqlite3

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.order import get_order
from acquire.store import audit
from acquire.store.database import transaction


def cancel_order(connection: sqlite3.Connection, order_id: str, who: str, reason: str) -> None:
    """Cancel an order, with the reason. Raises Refused: no such order, cancelled already, no reason."""
    with transaction(connection):
        put_cancellation(connection, order_id, who, reason)


def put_cancellation(connection: sqlite3.Connection, order_id: str, who: str, reason: str) -> None:
    """`cancel_order` inside the caller's transaction."""
    get_order(connection, order_id)
    if not reason.strip():
        raise Refused("Say why the order is cancelled.")
    if said := cancelled(connection, order_id):
        raise Refused(said)
    rows = [audit.row("order_cancelled", order_id=order_id, who=who, reason=reason, at=utc_now())]
    audit.keep(connection, who, "order cancelled", order_id, rows=rows, reason=reason)


def cancelled(connection: sqlite3.Connection, order_id: str) -> Stop | None:
    """The sentence where an order was cancelled; None where it stands."""
    row = connection.execute("SELECT * FROM order_cancelled WHERE order_id = ?", (order_id,)).fetchone()
    if row is None:
        return None
    reason = row["reason"].strip().rstrip(".")
    return Stop("order", f"Order {order_id} was cancelled by {row['who']} at {row['at']}: {reason}.")
