"""One table of what a dose is made of: every factor and every component with value, uncertainty and source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NO_SOURCE = "the plan names no source"


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A line: `value` in `unit` (UCUM) where it is a number of the formula, `u_percent` where it has a share."""

    name: str
    value: float | None
    unit: str
    u_percent: float | None
    kind: str
    dof: float | None
    source: str


def budget_lines(point: dict[str, Any]) -> list[BudgetLine]:
    """The factors of a point's formula with their shares, then the components that are no number of it."""
    factors, shares = dict(point["inputs"]["factors"]), list(point["result"]["budget"])
    lines = []
    for name, factor in sorted(factors.items()):
        share = next((b for b in shares if b["name"] == name), None)
        if share is not None:
            shares.remove(share)
        lines.append(_line(name, factor["value"], factor["unit"], share, factor["source"]))
    lines += _of_the_plan(point)
    return [*lines, *(_line(b["name"], None, "1", b, b["source"]) for b in shares if b["u_percent"])]


def largest(lines: list[BudgetLine]) -> float:
    """The largest share in percent, to which bars are drawn."""
    return max((line.u_percent or 0.0 for line in lines), default=0.0)


def _of_the_plan(point: dict[str, Any]) -> Iterator[BudgetLine]:
    """The detector's temperature, which a formula uses and the plan states."""
    if point["inputs"].get("detector_c") is not None and "t_cal" in point["inputs"]["factors"]:
        stated = point.get("detector_c_source") or NO_SOURCE
        yield BudgetLine(
            "T", point["inputs"]["detector_c"], "Cel", None, "", None, f"temperature of the detector: {stated}"
        )


def _line(name: str, value: float | None, unit: str, share: dict[str, Any] | None, source: str) -> BudgetLine:
    if share is None:
        return BudgetLine(name, value, unit, None, "", None, source)
    return BudgetLine(name, value, unit, share["u_percent"], share["kind"], share["dof"], source)
