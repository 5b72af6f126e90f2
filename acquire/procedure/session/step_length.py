"""How long a step runs that the command line begins and ends: as planned, a background as long as its beam at least."""

from __future__ import annotations

from acquire.errors import Refused
from acquire.procedure.documents.plan import Plan, Step
from acquire.procedure.session.foreseen import charges_of, planned_s


def seconds_of(plan: Plan, step: Step, asked: float | None) -> float:
    """In s: what was asked for, or else what the plan says; 0 for a step that collects no charge.

    Raises Refused for a charge that would be collected for no time, or a background shorter than a planned beam.
    """
    if asked is None and step.integrates and step.duration_s is None:
        raise Refused(f"The plan does not say how long {step.id} lasts; say it (--seconds).")
    seconds = (step.duration_s or 0.0) if asked is None else asked
    if step.integrates and not seconds > 0:
        raise Refused(f"Step {step.id} collects a charge and would last {seconds:g} s; say how long (--seconds).")
    if step.kind == "background" and seconds < (longest := _longest_beam(plan, step)):
        raise Refused(
            f"Background {step.id} would last {seconds:g} s, and a beam that it is for {longest:g} s: it must not be"
            " shorter."
        )
    return seconds


def _longest_beam(plan: Plan, background: Step) -> float:
    """Of the points that are measured with the background's detectors on its instruments, as planned; 0 without."""
    detectors = {(p.detector, p.instrument) for p in (plan.point_named(name) for name in background.measured)}
    of = [p for p in plan.point if (p.detector, p.instrument) in detectors]
    return max((planned_s(plan, s) or 0.0 for p in of for s in charges_of(plan, p)), default=0.0)
