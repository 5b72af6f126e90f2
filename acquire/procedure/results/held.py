"""A beam that may have been on still when its electrometer was held, or already when it was reset: it gives no number.

One that is reset and held shows nothing of before and after. Its own measuring time stands still from the hold on.
Where the charge rose up to the last of that time, or from its very beginning, the beam may have been on outside of it;
what it gave there is in no reading, and nothing is estimated.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from math import hypot

from acquire.dosimetry.beam_parts import ABOVE_NOISE, ON_SHARE
from acquire.procedure.documents.plan import CHARGES
from acquire.procedure.methods.beam_seen import Still, beam_seen, last_digit_nc
from acquire.procedure.methods.collected_charge import Body, Invalid, curve
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.beams_given import without_beam
from acquire.procedure.session.session import Session
from acquire.store.attribution import measurement
from acquire.sums import added


def cut_off(bodies: Sequence[Body], without: Still, instrument: str) -> str | None:
    """What is wrong where a charge that began at a reset rose from its beginning on, or until it was held. Pure.

    It rises where the beam is seen to be on anywhere else: by more than 1 % of its own rate, and out of the scatter.
    """
    try:
        times, charges = curve(bodies)
        parts = beam_seen(bodies, without, from_reset=True).parts
    except Invalid:
        return None  # it has no charge, and says so by itself
    if not parts:
        return None
    rate = added(abs(p.nc) for p in parts) / added(p.duration_s for p in parts)
    noise = ABOVE_NOISE * hypot(without.scatter_nc, last_digit_nc(bodies))

    def rises(seconds: float, nc: float) -> bool:
        return seconds > 0 and abs(nc - without.nc_per_s * seconds) > max(ON_SHARE * rate * seconds, noise)

    before = max((n for n, t in enumerate(times) if t < times[-1]), default=0)
    if rises(times[-1] - times[before], charges[-1] - charges[before]):
        return (
            f"the charge rose until {instrument} was held: what a beam gave after that is in no reading, and nothing is"
            " estimated. Hold it a moment after the beam."
        )
    if rises(times[0], charges[0]):
        return (
            f"the charge rose from the moment {instrument} was started: what a beam gave before that is in no reading,"
            " and nothing is estimated. Begin a moment before the beam."
        )
    return None


def cut_off_in(connection: sqlite3.Connection, session: Session, attempt: Attempt) -> str | None:
    """The same of an ended measurement of a beam, on an instrument that is reset and held; None of any other."""
    resets = attempt.in_force is not None and attempt.in_force.integrates == "reset"
    if attempt.kind not in CHARGES or not attempt.ended or not resets:
        return None
    bodies = [reading.body for reading in measurement(connection, attempt.measurement).readings]
    return cut_off(bodies, without_beam(connection, session.id, attempt.instrument), attempt.instrument)


def held_in_beam(connection: sqlite3.Connection, session: Session) -> Iterator[str]:
    """One sentence for each measurement of a beam that gives no number because of that."""
    for attempt in attempts(connection, session.id):
        if (said := cut_off_in(connection, session, attempt)) is not None:
            yield f"{attempt.step}: {said}"
