"""Readings of a MOSFET: its threshold before and after, and the irradiation between them (for its times only)."""

from __future__ import annotations

from acquire.procedure.records.selection import OfThresholds
from acquire.procedure.results.choosing import Choosing


def select_thresholds(choosing: Choosing) -> OfThresholds:
    """By the three steps that the plan has of the point."""
    done, point = choosing.done(), choosing.point
    steps = [s for s in choosing.session.plan.step if s.kind in ("threshold", "irradiate") and s.point == point.id]
    for name, step in zip(("before", "measurement", "after"), steps, strict=True):
        if step.id not in done:
            choosing.problems.append(choosing.not_measured(step.id))
        elif problem := choosing.take(done[step.id], name):
            choosing.problems.append(problem)
    return OfThresholds()
