"""How long a chamber's voltage had settled before a reading: by the markers, held against the host's monotonic clock.

The markers have the host's calendar clock, which people and networks set. The readings beside them have both clocks, so
a step between the two attempts shows where both are in one stream, and so of one running of the host. It may have been
before, during or after the wait: the shortest wait that it leaves is what counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from acquire.dosimetry import Blocked, waited
from acquire.procedure.documents.point import Point
from acquire.procedure.records.selection import AttemptTaken, OfCharges, Refs, Selection
from acquire.procedure.results.loading import Bodies
from acquire.procedure.results.preparing import Preparing

STEP_S = 0.5  # docs/noloss.md section 6, "clock steps": less is a clock that is slewed


def must_have_settled(attempt: AttemptTaken, preparing: Preparing) -> None:
    """A reading too soon after a change of voltage does not count, whatever it reads. Raises Blocked.

    The daemon does not see the voltage being changed; it cannot have been before the last step at the other voltage
    ended, so the wait is at most the time since then.
    """
    before, name, settle_s = attempt.changed_after, attempt.name, preparing.point.settle_s
    if before is None or settle_s is None:
        return
    marks, bodies = preparing.marks, preparing.bodies
    seconds = _between(marks[before][1], marks[name][0])
    stepped = _step_s(bodies, before, name) if _in_one_stream(preparing.selection.readings, before, name) else 0.0
    shortest = min(seconds, seconds - stepped)
    if shortest < settle_s <= max(seconds, seconds - stepped):
        raise Blocked(
            f"The host's clock was set {'forward' if stepped > 0 else 'back'} by {abs(stepped):.0f} s between the last"
            f" reading at the other voltage and this one: the wait was {shortest:.0f} s or"
            f" {max(seconds, seconds - stepped):.0f} s, and it counts only after {settle_s:.0f} s."
        )
    waited(shortest, settle_s)


def unheld(selection: Selection, of: OfCharges, point: Point) -> list[str]:
    """A remark for each wait that the host's calendar clock alone tells of: its two attempts are of two streams."""
    if point.settle_s is None:
        return []
    readings = selection.readings
    return [
        f"How long the voltage had settled before {each.step} is by the host's calendar clock alone: the link was lost"
        " in between, or the host restarted, and a step of that clock would not show."
        for each in of.attempts
        if each.changed_after is not None and each.changed_after in readings and each.name in readings
        and not _in_one_stream(readings, each.changed_after, each.name)
    ]  # fmt: skip


def _in_one_stream(readings: Mapping[str, Refs], *names: str) -> bool:
    return len({ref.stream for name in names for ref in readings[name]}) == 1


def _step_s(bodies: Bodies, before: str, after: str) -> float:
    """By how much UTC moved against the monotonic clock between the attempts (s); 0 within what is no step."""
    if not bodies[before] or not bodies[after]:
        return 0.0
    last, first = bodies[before][-1], bodies[after][0]
    step = _between(last["time"], first["time"]) - (first["monotonic_s"] - last["monotonic_s"])
    return step if abs(step) > STEP_S else 0.0


def _between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
