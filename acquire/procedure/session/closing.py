"""Closing a session: only when nothing can still be on its way, or by a person's word over what is missing.

What comes after closing is stored and attached all the same; the session then asks for an amendment (docs/noloss.md
rules 4.10 and 4.11). Nothing else that instruments do then changes its record: whoever has printed it can sign it.
"""

from __future__ import annotations

import sqlite3

from acquire.errors import Refused
from acquire.procedure.readouts.elements import readout
from acquire.procedure.readouts.placed import placements
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.placement import still_out
from acquire.procedure.session.progress import StepStatus, progress
from acquire.procedure.session.session import Session, SessionState, get_session, move
from acquire.procedure.session.transcribed import in_force
from acquire.store import audit
from acquire.store.attribution import UNENDED, StoredReading, measurement, outstanding
from acquire.store.database import transaction
from acquire.store.made import Made
from acquire.sums import added


def keeps_open(connection: sqlite3.Connection, session: Session) -> list[str]:
    """What keeps the session from closing, one sentence each; empty when it may close."""
    reasons = []
    for status in progress(connection, session):
        if status.progress in ("waiting", "running"):
            what = " ".join(status.missing) or _way_out(session, status)
            reasons.append(f"Step {status.step.id} is not settled. {what}")
    reasons += [
        f"{each.says}: a second person compares it (acquire downtime check)."
        for each in in_force(connection, session.id).values()
        if each.checked_by is None
    ]
    if out := still_out(placements(connection, session.id)):
        reasons.append(f"Not everything came back: {', '.join(out)}.")
    begun = [a.measurement for a in attempts(connection, session.id) if a.begun]
    return reasons + outstanding(connection, session.instruments, begun)


def _way_out(session: Session, status: StepStatus) -> str:
    of = f"acquire session step {session.id} {status.step.id}"
    if status.progress == "running":
        return f"It is running: end it ({of} end), or give it up ({of} abandon --reason)."
    return f"It waits to be done, or to be written as not measured ({of} skip --reason)."


def close_session(
    connection: sqlite3.Connection,
    session_id: str,
    who: str,
    *,
    over: str | None = None,
) -> list[str]:
    """Close; returns what it was closed over (empty when nothing was missing).

    `over` is a person's reason for closing although something is missing; it goes into the audit trail and the record.
    Raises Refused, naming all that is missing, where no such reason is given.
    """
    session = get_session(connection, session_id)
    missing = keeps_open(connection, session)
    if missing and not (over and over.strip()):
        raise Refused(*missing)
    with transaction(connection):
        reason = f"Closed over what is missing: {over} ({' '.join(missing)})" if missing else None
        move(connection, session_id, SessionState.MEASURED, who, reason)
        if missing:
            audit.keep(connection, who, "closed over", session_id, new=" ".join(missing), reason=over)
    return missing


async def close_when_settled(
    connection: sqlite3.Connection, session_id: str, who: str, *, within_s: float = 30, every_s: float = 0.05
) -> None:
    """Close as soon as the store has confirmed everything. Raises Refused when it has not within the given time."""
    import asyncio  # noqa: PLC0415 - most ask here what keeps a session open

    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    session = get_session(connection, session_id)
    while loop.time() < until and keeps_open(connection, session):  # noqa: ASYNC110 (another process commits; no event)
        await asyncio.sleep(every_s)
    close_session(connection, session_id, who)


def closed(connection: sqlite3.Connection, session_id: str) -> tuple[Made, str | None] | None:
    """(when, what it was closed over) or None while it is open."""
    row = connection.execute(
        "SELECT made_after, at, reason FROM session_state WHERE session = ? AND state = ?",
        (session_id, SessionState.MEASURED),
    ).fetchone()
    return (Made(row["made_after"], row["at"]), row["reason"]) if row else None


def asks_for_amendment(connection: sqlite3.Connection, session: Session) -> list[str]:
    """What came of the session after it was closed, one sentence for each measurement or element: readings, or the end
    that was missing then.

    Derived, like attribution itself: nothing has to notice them when they come. A session that was closed by an earlier
    version says that its clock alone tells so.
    """
    found_closed = closed(connection, session.id)
    if found_closed is None:
        return []
    at, over = found_closed
    by = ", by the store's clock" if at.by_clock else ""
    late = []
    for attempt in attempts(connection, session.id):
        view = measurement(connection, attempt.measurement)
        if count := _after(view.readings, at):
            late.append(f"{count} reading(s) of {attempt.step} came after closing{by}.")
        if attempt.measurement in (over or "") and view.state not in UNENDED:
            late.append(f"The end of {attempt.step}, over which the session was closed, came after closing.")
    for placement in placements(connection, session.id):
        element = session.inventory.element_named(placement.dosimeter)
        found = readout(connection, element, placement, session.plan.batch_of(element.reader))
        if _after(found.early if found.used is None else (found.used,), at):
            late.append(f"The reading of {placement.dosimeter} came after closing{by}.")
    return late


def _after(readings: tuple[StoredReading, ...], at: Made) -> int:
    return added(at.precedes(r.received) for r in readings)
