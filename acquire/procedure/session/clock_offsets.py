"""How far the clocks of other machines are from this computer's: written down and printed; nothing rests on them."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.moment import has_happened
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.database import transaction

FARTHEST_S = 86_400.0  # beyond a day it is the date that was mistyped
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class ClockCompared:
    """What two clocks showed at one moment, with their offsets from UTC."""

    machine: str
    theirs: str
    ours: str
    who: str
    at: str

    @property
    def behind_s(self) -> float:
        """How far the machine's clock is behind this computer's, in s; below 0 it is ahead."""
        return (datetime.fromisoformat(self.ours) - datetime.fromisoformat(self.theirs)).total_seconds()

    @property
    def says(self) -> str:
        """A sentence."""
        side = "behind" if self.behind_s >= 0 else "ahead of"
        return (
            f"The clock of {self.machine} was {abs(self.behind_s):g} s {side} this computer's ({self.theirs} there,"
            f" {self.ours} here; {self.who}). Nothing is attributed by it."
        )


def compare_clock(
    connection: sqlite3.Connection, session: Session, machine: str, theirs: str, ours: str, who: str
) -> ClockCompared:
    """Write down what two clocks showed. Raises Refused: no moment, one in the future, more than a day apart."""
    if not machine.strip() or len(machine) > LONGEST_NAME:
        raise Refused(f"Name the machine whose clock it is, in up to {LONGEST_NAME} characters.")
    for moment in (theirs, ours):
        has_happened(moment)
    found = ClockCompared(machine.strip(), theirs, ours, who, utc_now())
    if abs(found.behind_s) > FARTHEST_S:
        raise Refused(f"{theirs} and {ours} are more than a day apart: look at the dates and the offsets from UTC.")
    made = audit.row("clock_compared", session=session.id, **asdict(found))
    with transaction(connection):
        new = f"{found.machine} {found.behind_s:g} s behind"
        audit.keep(connection, who, "clock compared", session.id, rows=[made], new=new)
    return found


def clocks_compared(connection: sqlite3.Connection, session_id: str) -> list[ClockCompared]:
    """Every comparison of a session, oldest first."""
    rows = connection.execute(
        "SELECT machine, theirs, ours, who, at FROM clock_compared WHERE session = ? ORDER BY n", (session_id,)
    )
    return [ClockCompared(**dict(row)) for row in rows]


def clock_of(connection: sqlite3.Connection, machine: str) -> ClockCompared | None:
    """The newest comparison of a machine, of whatever session."""
    row = connection.execute(
        "SELECT machine, theirs, ours, who, at FROM clock_compared WHERE machine = ? ORDER BY n DESC LIMIT 1",
        (machine,),
    ).fetchone()
    return ClockCompared(**dict(row)) if row else None
