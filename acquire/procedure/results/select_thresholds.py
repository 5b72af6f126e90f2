"""Readings of a MOSFET: its threshold before and after, and the irradiation between them (for its times only)."""

from __future__ import annotations

from acquire.procedure.records.selection import OfThresholds
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.attempts import Attempt
from acquire.procedure.session.input_state import Inputs


def select_thresholds(choosing: Choosing) -> OfThresholds:
    """By the three steps that the plan has of the point."""
    done, point = choosing.done(), choosing.point
    ends: dict[str, Attempt] = {}
    steps = [s for s in choosing.session.plan.step if s.kind in ("threshold", "irradiate") and point.id in s.measured]
    for name, step in zip(("before", "measurement", "after"), steps, strict=True):
        made = done.get((step.id, choosing.instrument_of(step)), ())
        if not made:
            choosing.problems.append(choosing.not_measured(step.id))
        problems = [p for each in made if (p := choosing.take(each, name, choosing.shared_channel(step)))]
        choosing.problems += problems
        ends |= {name: made[-1]} if made and not problems else {}
        if len(made) > 1 and not problems:  # from the begin of the beam to the end of its rest
            choosing.marked_from(made[0], name)
            choosing.note_of_beams(made)
    if {"before", "after"} <= set(ends):
        inputs = Inputs(choosing.connection, choosing.session)
        if (changed := inputs.changed_between(ends["before"], ends["after"], point)) is not None:
            choosing.problems.append(
                f"The two thresholds of {point.detector} are not of one state: between them {changed}."
            )
    return OfThresholds()
