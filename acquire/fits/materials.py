"""Which preset the curve of an element is fitted with: that of its material in the newest inventory that names it.

Inventories are read by the process that fits, one at a time: a long one takes a while, and nothing else waits for it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import NamedTuple

_INVENTORIES = (
    "SELECT inventory FROM session ORDER BY audit_entry NULLS FIRST, started_at, id LIMIT -1 OFFSET ?"  # append-only
)


class Known(NamedTuple):
    """An element as an inventory has it; preset None: there is none for its material."""

    reader: str
    read_as: str
    place: int | None  # on a card
    dosimeter: str
    material: str
    preset: str | None


@dataclass(slots=True)
class Materials:
    """What the inventories of the store's sessions say of their elements; the newest that names one counts."""

    _sessions: int = 0  # so many are followed
    _last: str | None = None
    _known: dict[tuple[str, str], dict[int | None, Known]] = field(default_factory=dict)

    def unread(self, connection: sqlite3.Connection) -> tuple[str, str, bytes] | None:
        """(SHA-256, name, bytes) of the next inventory that is to be read, or None."""
        for (sha256,) in connection.execute(_INVENTORIES, (self._sessions,)).fetchall():
            if sha256 != self._last:
                row = connection.execute("SELECT name, body FROM document WHERE sha256 = ?", (sha256,)).fetchone()
                if row is not None:
                    return sha256, str(row["name"]), bytes(row["body"])
            self._sessions += 1
        return None

    def read(self, sha256: str, elements: list[Known]) -> None:
        """What the inventory that `unread` gave says."""
        self._last = sha256
        self._sessions += 1
        for each in elements:
            self._known.setdefault((each.reader, each.read_as), {})[each.place] = each

    def forget(self) -> None:
        """It is another store, or another life of it."""
        self._sessions, self._last = 0, None
        self._known.clear()

    def candidates(self, reader: str, read_as: str) -> list[Known]:
        """The elements that a reader may mean by this text: one, or those of a card."""
        return list(self._known.get((reader, read_as), {}).values())

    def element(self, reader: str, read_as: str, index: int | None) -> Known | None:
        """The element, as acquire.procedure.readouts.elements finds it: an inventory that gives no index takes any."""
        of_text = self._known.get((reader, read_as), {})
        return of_text.get(index) or of_text.get(None)
