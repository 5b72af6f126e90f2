"""With which standards an element was read, where the reader's records leave that open: two people state it.

It is said of one readout: of another one, after a correction of the placement, it says nothing.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.readouts.read_together import Side
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.attribution import StoredReading
from acquire.store.database import transaction


@dataclass(frozen=True, slots=True)
class RunStated:
    """One statement: the readout, in entry `seq` of `stream`, is of the run of the standards on that side of it."""

    dosimeter: str
    stream: str
    seq: int
    side: Side
    reason: str
    who: str
    confirmed_by: str
    at: str

    @property
    def says(self) -> str:
        """The sentence that stands with the result."""
        return (
            f"{self.who}, confirmed by {self.confirmed_by}, state that {self.dosimeter} was read with the standards"
            f" that stand {self.side} it: {self.reason.strip().rstrip('.')}."
        )


def every_run_stated(connection: sqlite3.Connection, session_id: str) -> list[RunStated]:
    """All statements of a session, oldest first."""
    rows = connection.execute(
        "SELECT dosimeter, stream, seq, side, reason, who, confirmed_by, at FROM reader_run_stated WHERE session = ?"
        " ORDER BY n",
        (session_id,),
    )
    return [RunStated(**dict(row)) for row in rows]


def runs_stated(connection: sqlite3.Connection, session_id: str) -> dict[tuple[str, int], RunStated]:
    """The statement that counts of each readout that has one: the newest."""
    return {(each.stream, each.seq): each for each in every_run_stated(connection, session_id)}


def keep_statements(
    connection: sqlite3.Connection,
    session: Session,
    read: dict[str, StoredReading],
    side: Side,
    who: str,
    confirmed_by: str,
    reason: str,
) -> None:
    """One row for each readout, and one entry of the audit trail. Raises Refused for one person twice, or no reason."""
    two_people("The reader run of an element is stated", who, confirmed_by, reason)
    if not read:
        raise Refused("Name the elements that were read in that run.")
    at = utc_now()
    rows = [
        audit.row(
            "reader_run_stated", session=session.id, dosimeter=name, stream=each.stream, seq=each.seq, side=side,
            reason=reason, who=who, confirmed_by=confirmed_by, at=at,
        )
        for name, each in read.items()
    ]  # fmt: skip
    new = f"{', '.join(read)} read with the standards {side}, confirmed by {confirmed_by}"
    with transaction(connection):
        audit.keep(connection, who, "reader run stated", session.id, rows=rows, new=new, reason=reason)
