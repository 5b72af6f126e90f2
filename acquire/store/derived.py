"""What is derived from the store is derived once within a transaction, and again where something was written since.

A dose asks for the same measurement many times over: for its charge, for the leakage before it, for what cut it off.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class Connection(sqlite3.Connection):
    """A connection with what was derived in the transaction that it is in."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.derived: dict[object, Any] = {}
        self.changes = 0  # `total_changes` when it was derived
        self.left: Left | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """What a transaction leaves for the next one, which need not read it where nobody has written since."""

    what: Any
    version: int
    changes: int

    @classmethod
    def of(cls, connection: sqlite3.Connection, what: Any) -> Left:
        """To be made within the transaction, after its last change, and kept (`leave`) once that is committed."""
        return cls(what, _version(connection), connection.total_changes)


def leave(connection: sqlite3.Connection, left: Left) -> None:
    """The transaction is committed."""
    if isinstance(connection, Connection):
        connection.left = left


def take(connection: sqlite3.Connection) -> Any:
    """Within a transaction: what the last one left, or None; if this one fails, nothing is left.

    Another connection's commit changes the version (sqlite.org, "PRAGMA data_version"), this one's changes are counted.
    """
    if not isinstance(connection, Connection) or connection.left is None:
        return None
    left, connection.left = connection.left, None
    return left.what if (left.version, left.changes) == (_version(connection), connection.total_changes) else None


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def once(connection: sqlite3.Connection, what: object, derive: Callable[[], T]) -> T:
    """What `derive` gives, which nobody may change; `what` names it, with all that it depends on but the store."""
    if not isinstance(connection, Connection) or not connection.in_transaction:
        return derive()
    if connection.changes != connection.total_changes:
        connection.derived.clear()
        connection.changes = connection.total_changes
    if what not in connection.derived:
        connection.derived[what] = derive()
    made: T = connection.derived[what]
    return made


def forget(connection: sqlite3.Connection) -> None:
    """To be called where a transaction begins or ends."""
    if isinstance(connection, Connection):
        connection.derived.clear()
