"""A beam that may have been on still when its electrometer was held: one that is reset and held shows nothing of after.

Its own measuring time stands still from then on. Where the charge rose up to the last of that time, the beam ended
within one interval between readings of it, or went on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from acquire.procedure.documents.plan import CHARGES
from acquire.procedure.methods.beam_seen import beam_seen
from acquire.procedure.methods.collected_charge import Invalid, curve
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beams_given import without_beam
from acquire.procedure.session.session import Session
from acquire.store.attribution import measurement


def held_in_beam(connection: sqlite3.Connection, session: Session) -> Iterator[str]:
    """One sentence for each ended measurement of a beam in which the charge rose until the instrument was held."""
    for attempt in attempts(connection, session.id):
        resets = attempt.in_force is not None and attempt.in_force.integrates == "reset"
        if attempt.kind not in CHARGES or not attempt.ended or not resets:
            continue
        bodies = [reading.body for reading in measurement(connection, attempt.measurement).readings]
        try:
            times, _ = curve(bodies)
            seen = beam_seen(bodies, without_beam(connection, session.id, attempt.instrument), from_reset=True)
        except Invalid:
            continue  # the result says why there is no charge
        if seen.parts and seen.parts[-1].end_s >= times[-1]:
            yield (
                f"{attempt.step}: the charge rose until {attempt.instrument} was held. What a beam gave after that is"
                " in no reading: compare its MU with the console, and hold the instrument a moment after the beam."
            )
