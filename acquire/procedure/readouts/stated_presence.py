"""What people state of elements and the beam: that it was given, that one lay there, that one was off before a readout.

The commands that say so, and what must hold before they may, are in acquire.procedure.session.presence.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from acquire.store.made import Made

What = Literal["beam-given", "no-beam", "was-there", "was-removed"]
_ELEMENT = "(SELECT p.dosimeter FROM placement p WHERE p.id = placement) AS dosimeter"
_COLUMNS = f"what, point, placement, {_ELEMENT}, stream, seq, reason, who, confirmed_by, at, made_after, audit_entry"


@dataclass(frozen=True, slots=True)
class PresenceStated:
    """One statement, of a point or a dosimeter's placement; 'was-removed' of its readout (entry `seq` of `stream`).

    `audit_entry` orders it among what people did; `made_after` says what had been received then.
    """

    what: What
    point: str
    placement: int | None
    dosimeter: str | None
    stream: str | None
    seq: int | None
    reason: str
    who: str
    confirmed_by: str | None
    at: str
    made_after: int | None
    audit_entry: int

    @property
    def made(self) -> Made:
        """When it was stated, for what was received since."""
        return Made(self.made_after, self.at)

    @property
    def people(self) -> str:
        """Who says so, and why, as it stands with the result."""
        confirmed = f", confirmed by {self.confirmed_by}" if self.confirmed_by else ""
        return f"{self.reason.strip().rstrip('.')} ({self.who}{confirmed})"


def presence_stated(connection: sqlite3.Connection, session_id: str) -> list[PresenceStated]:
    """All statements of a session, oldest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM presence_stated WHERE session = ? ORDER BY n", (session_id,))
    return [PresenceStated(**dict(row)) for row in rows]


def stated_of(connection: sqlite3.Connection, session_id: str, placement: int, what: What) -> PresenceStated | None:
    """The newest statement of a kind about one placement."""
    said = [s for s in presence_stated(connection, session_id) if (s.what, s.placement) == (what, placement)]
    return said[-1] if said else None
