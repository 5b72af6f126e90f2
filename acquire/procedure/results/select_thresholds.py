"""Readings of a MOSFET: its threshold before and after, and the irradiation between them (for its times only)."""

from __future__ import annotations

from acquire.procedure.records.selection import OfThresholds
from acquire.procedure.results.choosing import Choosing


def select_thresholds(choosing: Choosing) -> OfThresholds:
    """By the three steps that the plan has of the point."""
    done, point = choosing.done(), choosing.point
    steps = [s for s in choosing.session.plan.step if s.kind in ("threshold", "irradiate") and point.id in s.measured]
    for name, step in zip(("before", "measurement", "after"), steps, strict=True):
        made = done.get((step.id, choosing.instrument_of(step)), ())
        if not made:
            choosing.problems.append(choosing.not_measured(step.id))
        problems = [p for each in made if (p := choosing.take(each, name, choosing.shared_channel(step)))]
        choosing.problems += problems
        if len(made) > 1 and not problems:  # from the begin of the beam to the end of its rest
            choosing.marked_from(made[0], name)
            choosing.note_of_beams(made)
    return OfThresholds()
