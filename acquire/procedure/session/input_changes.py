"""What people say of an instrument's input: a cable, a detector, a range was changed, or since when it is on.

No reading tells that a connector was unscrewed. Whoever did it says so; the zero and the leakage of before end with it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal, get_args

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.moment import has_happened
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.database import transaction

Change = Literal["cable", "detector", "channel", "range", "voltage", "switched-off", "on-since"]


@dataclass(frozen=True, slots=True)
class InputChange:
    """One statement. moment: when it was, as said (ISO 8601, with its offset); None: just before it was written."""

    n: int
    instrument: str
    what: str
    moment: str | None
    reason: str
    who: str
    at: str


def state_change(
    connection: sqlite3.Connection,
    session: Session,
    instrument: str,
    what: Change,
    who: str,
    reason: str,
    moment: str | None = None,
) -> None:
    """Something was changed at an instrument's input. Raises Refused: no reason, not of this session, in the future."""
    if instrument not in session.instruments:
        raise Refused(f"{instrument} is not used in session {session.id}; it uses {', '.join(session.instruments)}.")
    if what not in get_args(Change):
        raise Refused(f"'{what}' is nothing that changes an input; allowed are {', '.join(get_args(Change))}.")
    if not reason.strip():
        raise Refused("Say what was done: for example 'D-14 plugged in instead of D-11'.")
    if what == "on-since" and moment is None:
        raise Refused("Say since when it is on: --at, with its offset, as in 2027-02-05T07:30:00+01:00.")
    if moment is not None:
        has_happened(moment)
    said = {"instrument": instrument, "what": what, "moment": moment, "reason": reason, "who": who, "at": utc_now()}
    with transaction(connection):
        rows = [audit.row("input_changed", session=session.id, **said)]
        new = f"{instrument}: {what}{f' at {moment}' if moment else ''}"
        audit.keep(connection, who, "input changed", session.id, rows=rows, new=new, reason=reason)


def input_changes(connection: sqlite3.Connection, session_id: str) -> list[InputChange]:
    """All that was said of inputs in a session, oldest first."""
    rows = connection.execute(
        "SELECT n, instrument, what, moment, reason, who, at FROM input_changed WHERE session = ? ORDER BY n",
        (session_id,),
    )
    return [InputChange(**dict(row)) for row in rows]
