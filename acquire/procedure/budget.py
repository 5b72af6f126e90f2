"""The uncertainty a method will have, known before the measurement from the plan and the calibrations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from acquire.procedure.calibrations import Calibrations
from acquire.procedure.errors import Refused
from acquire.procedure.inventory import Inventory
from acquire.procedure.plan import Plan, Point

# What each method's formula asks of the calibration (certificate) and of the plan's point. Nothing here has a default.
OF_DETECTOR = {
    "diode": ("n_cal", "svwt", "t_cal"),
    "chamber": ("n_dw", "k_elec", "k_pol", "k_s", "k_q"),
}
OF_POINT = {"diode": ("cf_ssd", "cf_fs", "cf_wedge"), "chamber": (), "tld": ("k_f", "k_l", "k_q")}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a budget: relative standard uncertainty in percent, k = 1."""

    name: str
    u_percent: float
    source: str


def planned(plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date) -> list[Line]:
    """Every component of the uncertainty at a point. Raises Refused for a factor that is missing or out of date."""
    return list(_lines(plan, point, inventory, calibrations, on))


def u_percent(lines: list[Line]) -> float:
    """Root of the sum of squares: relative standard uncertainty of a product (GUM 5.1.6)."""
    return math.sqrt(sum(line.u_percent**2 for line in lines))


def deviation_u_percent(lines: list[Line], point: Point) -> float:
    """Standard uncertainty of the deviation from the expected dose; that of the dose where none is expected."""
    expected = point.expected.u_percent if point.expected else 0.0
    return math.hypot(u_percent(lines), expected)


def _lines(plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date) -> Iterator[Line]:
    if point.method == "tld":
        yield from _element_lines(plan, point, inventory, calibrations, on)
    else:
        owner = point.detector or ""
        inventory.detector_named(owner)
        for name in OF_DETECTOR[point.method]:
            factor = calibrations.factor(owner, name, on)
            yield Line(name, factor.u_percent, factor.source)
        for part in calibrations.valid_for(owner, on).uncertainty:
            yield Line(part.name, part.u_percent, part.source)
    for name in OF_POINT[point.method]:
        if name not in point.factors:
            raise Refused(f"Point {point.id} has no {name}; method '{point.method}' needs it, with its source.")
    for name, factor in point.factors.items():
        yield Line(name, factor.u_percent, factor.source)
    share = math.sqrt(max(1, len(point.elements)))
    for part in point.uncertainty:
        yield Line(part.name, part.u_percent / (share if part.per == "element" else 1.0), part.source)


def _element_lines(
    plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date
) -> Iterator[Line]:
    eccs = [calibrations.ecc(e, inventory.element_named(e).reader, on) for e in point.elements]
    mean_square = sum(ecc.u_percent**2 for ecc in eccs) / len(eccs)
    reader = inventory.element_named(point.elements[0]).reader
    batch = plan.batch_of(reader)
    if batch is None:
        raise Refused(f"The plan has no batch for {reader}: say which standards and controls travel with {point.id}.")
    if batch.standards:
        yield Line("rcf", batch.rcf_u_percent or 0.0, "standards read in the same reader session")
    else:
        for name in ("rcf", "background"):
            factor = calibrations.factor(reader, name, on)
            yield Line(name, factor.u_percent, factor.source)
    yield Line("ecc", math.sqrt(mean_square / len(eccs)), eccs[0].source)
