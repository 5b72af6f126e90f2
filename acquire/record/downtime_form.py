"""The form that is printed beforehand, for the day on which the computer is down: one page, everything known on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from acquire.dosimetry import DosimetryError
from acquire.errors import Refused
from acquire.printable import printable
from acquire.procedure.documents.plan import CHARGES, Step
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.method import Sources
from acquire.procedure.methods.registry import method_of
from acquire.procedure.session.stops import Execution, expected_nc
from acquire.record.page import environment, packaged


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the form: one point of one step, in the order of the plan."""

    n: int
    step: Step
    point: Point
    detector: str
    on: str
    factors: str
    expected: str


def form_page(asked: Execution, n: int, printed_at: str, who: str) -> bytes:
    """The form with its number, as HTML. It names no patient: the label is stuck on by hand."""
    plan, lines = asked.plan, [*_lines(asked)]
    handled = [s for s in plan.step if s.kind in ("place", "remove")]
    page = (
        environment()
        .get_template("downtime.html")
        .render(
            a=asked, plan=plan, n=n, lines=lines, printed_at=printed_at, who=who, css=Markup(packaged("downtime.css")),
            elements=[(s, s.points, [e for p in s.points for e in plan.point_named(p).elements]) for s in handled],
            ambient=any(line.point.asks.ambient for line in lines),
        )
    )  # fmt: skip
    return printable(page).encode()


def _lines(asked: Execution) -> Iterator[Line]:
    n = 0
    for step in asked.plan.step:
        for name in step.measured if step.has_markers else ():
            point, n = asked.plan.point_named(name), n + 1
            channel = f", channel {point.channel}" if point.channel else ""
            beam = step.kind in CHARGES
            yield Line(
                n, step, point, _detector(asked, point), f"{step.instrument or point.instrument}{channel}",
                _factors(asked, point) if beam else "", _expected(asked, point) if beam else "",
            )  # fmt: skip


def _detector(asked: Execution, point: Point) -> str:
    if point.detector is None:
        return "—"
    return f"{point.detector}, serial {asked.inventory.detector_named(point.detector).serial}"


def _factors(asked: Execution, point: Point) -> str:
    """Every factor that is known today, for whoever must estimate a dose by hand."""
    try:
        needs = method_of(point.method).needs(Sources(asked.plan, asked.inventory, asked.calibrations, asked.on), point)
    except (Refused, DosimetryError, Invalid) as reason:
        return f"not known today: {reason}"
    factors = getattr(needs, "factors", {})
    return ", ".join(f"{name} {each.value:g}{_unit(each.unit)}" for name, each in sorted(factors.items()))


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def _expected(asked: Execution, point: Point) -> str:
    if point.expected is None:
        return "report only"
    nc = expected_nc(asked.plan, point, asked.inventory, asked.calibrations, asked.on)
    return f"{100 * point.expected.dose_gy:g} cGy" + (f", about {nc:.4g} nC" if nc else "")
