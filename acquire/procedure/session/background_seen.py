"""What is wrong with a background that was measured, said while its beam is still to come.

A result would say the same afterwards. Readings that are still on their way say nothing yet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from acquire.dosimetry import DosimetryError, slope
from acquire.procedure.documents.plan import Step
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Invalid, curve
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.foreseen import background_before, charges_of
from acquire.procedure.session.session import Session
from acquire.store.attribution import measurement


def backgrounds_in_doubt(connection: sqlite3.Connection, session: Session) -> list[str]:
    """One sentence for each background of a beam that has not begun, and that gives no leakage or was too short."""
    own = attempts(connection, session.id)
    done = {a.step: a for a in own if a.ended and a.abandoned is None}
    begun = {a.step for a in own if a.begun}
    left_out = connection.execute("SELECT step FROM not_measured WHERE session = ?", (session.id,))
    over = begun | {row["step"] for row in left_out}
    return list(dict.fromkeys(_of_points(connection, session, done, over)))


def _of_points(
    connection: sqlite3.Connection, session: Session, done: dict[str, Attempt], over: set[str]
) -> Iterator[str]:
    for point in session.plan.point:
        beams = charges_of(session.plan, point) if point.asks.way == "charge" else []
        first = next((s for s in beams if s.kind == "irradiate"), None)
        background = background_before(session.plan, point, first.id, session.inventory) if first is not None else None
        if first is None or background is None or first.id in over or background.id not in done:
            continue
        if said := _wrong(connection, point, beams, done[background.id]):
            yield (
                f"Background {background.id}: {said.rstrip('.')}. {first.id} would have no dose with it; nothing is"
                " lost before the beam: begin a new session, and measure it again."
            )


def _wrong(connection: sqlite3.Connection, point: Point, beams: list[Step], background: Attempt) -> str | None:
    view = measurement(connection, background.measurement)
    if view.state != "ended":
        return None
    try:
        times, charges = curve([r.body for r in view.readings])
        slope(times, charges)
    except (Invalid, DosimetryError) as reason:
        return str(reason)
    lasted, longest = times[-1] - times[0], max((s.duration_s or 0.0 for s in beams), default=0.0)
    if lasted >= longest:
        return None
    return f"it lasted {lasted:.1f} s, and the beam of {point.id} is planned for {longest:g} s: it must not be shorter"
