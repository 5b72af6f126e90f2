"""A beam that was measured for longer than its background: it shows afterwards alone, and has an honest way out.

A leakage is measured for at least as long as the beam. A beam begun and ended by hand is longer than its MU say, by the
seconds around it. While nothing has been changed the background is measured again after it, for long enough; it then
counts for that beam, and both are told. It is not scaled.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from acquire.dosimetry import DosimetryError
from acquire.procedure.documents.plan import CHARGES, Step
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Invalid, collected
from acquire.procedure.session.attempts import Attempt
from acquire.procedure.session.input_state import Beam, Inputs
from acquire.procedure.session.session import Session


class TooShort(NamedTuple):
    """A beam that was measured for so many s, and the longest background that holds for it, in s."""

    beam: Beam
    background: Step
    beam_s: float
    background_s: float


def lasted_s(inputs: Inputs, attempt: Attempt, point: Point) -> float | None:
    """How long a measurement lasted by its instrument's own clock, in s; None while that is not known."""
    integrates = attempt.in_force.integrates if attempt.in_force else None
    rule = integrates or inputs.session.inventory.instrument_named(attempt.instrument).integrates
    if rule is None:
        return None
    try:
        return collected(inputs.bodies(attempt, point), rule).time_s
    except (Invalid, DosimetryError):
        return None


def long_enough(inputs: Inputs, made: Sequence[Attempt], point: Point, beam_s: float) -> list[Attempt]:
    """The backgrounds among these that lasted at least as long as a beam was measured."""
    return [each for each in made if (lasted_s(inputs, each, point) or 0.0) >= beam_s]


def too_short(connection: sqlite3.Connection, session: Session) -> Iterator[TooShort]:
    """Every ended measurement of a beam that was longer than each background that holds for it, before and after."""
    inputs = Inputs(connection, session)
    for attempt in inputs.ended_attempts():
        step = session.plan.step_named(attempt.step)
        for point in (session.plan.point_named(name) for name in step.measured if step.kind in CHARGES):
            beam = Beam(step, point, attempt)
            background = inputs.step_for("background", beam) if point.instrument == attempt.instrument else None
            beam_s = lasted_s(inputs, attempt, point) if background is not None else None
            if background is None or beam_s is None:
                continue
            made = [*inputs.holding("background", beam), *inputs.holding_after(beam)]
            if made and not long_enough(inputs, made, point, beam_s):
                yield TooShort(beam, background, beam_s, max(lasted_s(inputs, each, point) or 0.0 for each in made))


def too_short_in_words(connection: sqlite3.Connection, session: Session) -> list[str]:
    """One sentence for each, with what to do while it can be done."""
    return [
        f"{each.beam.step.id} was measured for {each.beam_s:.1f} s and its background {each.background.id} for"
        f" {each.background_s:.1f} s: it gives no number so. Before anything is changed measure the background again,"
        f" for longer (acquire session step {session.id} {each.background.id} run --again --seconds"
        f" {each.beam_s + 5:.0f})."
        for each in too_short(connection, session)
    ]
