"""What is wrong with a background that was measured, said while its beam is still to come.

A result would say the same afterwards. Readings that are still on their way say nothing yet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from acquire.dosimetry import DosimetryError, slope
from acquire.procedure.documents.plan import Plan, Step
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Invalid, curve
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.bound import channel_of
from acquire.procedure.session.foreseen import background_before, charges_of, planned_s
from acquire.procedure.session.once_more import WITHOUT_RULE
from acquire.procedure.session.session import Session
from acquire.store import entries
from acquire.store.attribution import measurement


class BackgroundSeen(NamedTuple):
    """How long a background lasted in s, its leakage in nC/s, and why it is of no use, if it is of none."""

    lasted_s: float
    nc_per_s: float
    why: str | None


def backgrounds_in_doubt(connection: sqlite3.Connection, session: Session) -> list[str]:
    """One sentence for each background of a beam that has not begun, and that gives no leakage or was too short."""
    begun = {a.step for a in attempts(connection, session.id) if a.begun}
    left_out = connection.execute("SELECT step FROM not_measured WHERE session = ?", (session.id,))
    over = begun | {row["step"] for row in left_out}
    return list(dict.fromkeys(_of_points(connection, session, over)))


def measured_backgrounds(
    connection: sqlite3.Connection, session: Session, step: str, instrument: str | None
) -> list[Attempt]:
    """The attempts at a background on an instrument that were ended, in the order made."""
    own = attempts(connection, session.id, step)
    return [a for a in own if a.instrument == instrument and a.ended and a.abandoned is None]


def seen(connection: sqlite3.Connection, session: Session, point: Point, background: Attempt) -> BackgroundSeen | None:
    """What a background shows of a point's detector; None while readings of it are on their way."""
    view = measurement(connection, background.measurement)
    if view.state in ("open", "not-begun"):
        return None
    if view.state != "ended" or view.stream is None or view.begin_seq is None or view.end_seq is None:
        return BackgroundSeen(0.0, 0.0, f"it is {view.state}: {view.reason}")
    own, bodies = channel_of(session.inventory, point), [r.body for r in view.readings]
    if own not in (None, view.channel):
        within = entries.between(connection, view.stream, view.begin_seq, view.end_seq)
        scalars = (entries.decoded(view.stream, e) for e in within if (e.status, e.kind) == ("stored", "scalar"))
        bodies = [body for body in scalars if body.get("channel") == own]
    try:
        times, charges = curve(bodies)
        rate = slope(times, charges)
    except (Invalid, DosimetryError) as reason:
        return BackgroundSeen(0.0, 0.0, str(reason))
    lasted, longest = times[-1] - times[0], _longest(session.plan, charges_of(session.plan, point))
    short = f"it lasted {lasted:.1f} s, and the beam of {point.id} is planned for {longest:g} s: it must not be shorter"
    return BackgroundSeen(lasted, rate, short if lasted < longest else None)


def _of_points(connection: sqlite3.Connection, session: Session, over: set[str]) -> Iterator[str]:
    plan = session.plan
    for point in plan.point:
        beams = charges_of(plan, point) if point.asks.way == "charge" else []
        first = next((s for s in beams if s.kind == "irradiate"), None)
        background = background_before(plan, point, first.id, session.inventory) if first is not None else None
        if first is None or background is None or first.id in over:
            continue
        made = measured_backgrounds(connection, session, background.id, point.instrument)
        found = [each for a in made if (each := seen(connection, session, point, a)) is not None]
        if found and all(each.why for each in found):
            way_out = (
                f"begin a new session, and measure it again, since {WITHOUT_RULE}"
                if plan.background_rule is None
                else f"measure it again (acquire session step {session.id} {background.id} run --again)"
            )
            yield (
                f"Background {background.id}: {(found[-1].why or '').rstrip('.')}. {first.id} would have no dose with"
                f" it; nothing is lost before the beam: {way_out}."
            )


def _longest(plan: Plan, beams: Sequence[Step]) -> float:
    return max((planned_s(plan, s) or 0.0 for s in beams), default=0.0)
