"""How long a chamber's voltage had settled before a reading: by the markers, held against the host's monotonic clock.

The markers have the host's calendar clock, which people and networks set. The readings beside them have both clocks, so
a step between the two attempts shows where both are in one stream, and so of one running of the host. It may have been
before, during or after the wait: the shortest wait that it leaves is what counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from acquire.dosimetry import Blocked, waited
from acquire.procedure.documents.point import Point
from acquire.procedure.results.selection import Selection

STEP_S = 0.5  # docs/noloss.md section 6, "clock steps": less is a clock that is slewed

Bodies = Mapping[str, list[dict[str, Any]]]
Marks = Mapping[str, list[str]]  # begin and end on the host's clock, ISO 8601


def must_have_settled(
    attempt: Mapping[str, Any], point: Point, selection: Selection, bodies: Bodies, marks: Marks
) -> None:
    """A reading too soon after a change of voltage does not count, whatever it reads. Raises Blocked.

    The daemon does not see the voltage being changed; it cannot have been before the last step at the other voltage
    ended, so the wait is at most the time since then.
    """
    before, name = attempt.get("changed_after"), attempt["name"]
    if before is None or point.settle_s is None:
        return
    seconds = _between(marks[before][1], marks[name][0])
    stepped = _step_s(bodies, before, name) if _in_one_stream(selection, before, name) else 0.0
    shortest = min(seconds, seconds - stepped)
    if shortest < point.settle_s <= max(seconds, seconds - stepped):
        raise Blocked(
            f"The host's clock was set {'forward' if stepped > 0 else 'back'} by {abs(stepped):.0f} s between the last"
            f" reading at the other voltage and this one: the wait was {shortest:.0f} s or"
            f" {max(seconds, seconds - stepped):.0f} s, and it counts only after {point.settle_s:.0f} s."
        )
    waited(shortest, point.settle_s)


def unheld(selection: Selection, point: Point) -> list[str]:
    """A remark for each wait that the host's calendar clock alone tells of: its two attempts are of two streams."""
    if point.settle_s is None:
        return []
    pairs = [(a["changed_after"], a["name"], a["step"]) for a in selection["attempts"] if "changed_after" in a]
    return [
        f"How long the voltage had settled before {step} is by the host's calendar clock alone: the link was lost in"
        " between, or the host restarted, and a step of that clock would not show."
        for before, name, step in pairs
        if before in selection["readings"] and name in selection["readings"]
        and not _in_one_stream(selection, before, name)
    ]  # fmt: skip


def _in_one_stream(selection: Selection, *names: str) -> bool:
    return len({ref["stream"] for name in names for ref in selection["readings"][name]}) == 1


def _step_s(bodies: Bodies, before: str, after: str) -> float:
    """By how much UTC moved against the monotonic clock between the attempts (s); 0 within what is no step."""
    if not bodies[before] or not bodies[after]:
        return 0.0
    last, first = bodies[before][-1], bodies[after][0]
    step = _between(last["time"], first["time"]) - (first["monotonic_s"] - last["monotonic_s"])
    return step if abs(step) > STEP_S else 0.0


def _between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
