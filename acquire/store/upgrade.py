"""What migration 0013 does that SQL cannot: the rows people made before it are sealed by audit entries as they are.

One entry a session and an order, and one for the files, of at most a thousand rows each. They say what was there at the
upgrade, not that it was what people had entered: that is known from then on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from acquire.store import audit
from acquire.store.canonical_rows import shape
from acquire.store.present import PROGRAM
from acquire.store.record_tables import PEOPLE

MOST_ROWS = 1000

_OF_ORDERS = {"orders": "id", "plan": "order_id", "expected_confirmed": "order_id"}
_OF_FILES = "document"


def seal_rows(connection: sqlite3.Connection) -> None:
    """Seal every row that people made, inside the migration's transaction."""
    _keep(connection, "files", _rows(connection, _OF_FILES, "1"))
    for (order,) in connection.execute("SELECT id FROM orders ORDER BY added_at, id"):
        _keep(
            connection, order, (r for t, key in _OF_ORDERS.items() for r in _rows(connection, t, f"{key} = ?1", order))
        )
    ours = [table for table in PEOPLE if table not in _OF_ORDERS and table != _OF_FILES]
    for (session,) in connection.execute("SELECT id FROM session ORDER BY started_at, id"):
        _keep(connection, session, (r for t in ours for r in _rows(connection, t, PEOPLE[t].of, session)))


def _keep(connection: sqlite3.Connection, subject: str, rows: Iterable[audit.Sealed]) -> None:
    waiting = iter(rows)
    while part := list(islice(waiting, MOST_ROWS)):
        audit.append(connection, PROGRAM, audit.ON_UPGRADE, subject, part)


def _rows(connection: sqlite3.Connection, table: str, where: str, *of: str) -> Iterator[audit.Sealed]:
    shaped = shape(connection, table)
    if not shaped.columns:  # of a later migration
        return
    order = ", ".join(f'"{name}"' for name in shaped.key)
    for row in connection.execute(f"{shaped.select} WHERE {where} ORDER BY {order}", of):
        yield table, shaped.key_of(row), shaped.digest(row)
