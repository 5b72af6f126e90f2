"""What a method's formula needs besides the signal: a point's factors and budget, from plan and calibrations.

The same collection serves twice: with a nominal signal before the measurement (is the method fit for its tolerance?),
and with the measured one after it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from acquire.errors import Refused
from acquire.procedure.calibrations import Calibrations, Component, FactorEntry
from acquire.procedure.inventory import Inventory
from acquire.procedure.plan import Plan, Point

Inputs = dict[str, Any]

# Which factors the formulas of acquire.dosimetry ask for, and on which side they are written. Nothing has a default.
OF_DETECTOR = {
    "diode": ("n_cal", "svwt", "t_cal"),
    "chamber": ("n_dw", "k_elec", "k_pol", "k_s", "k_q"),
}
OF_POINT = {"diode": ("cf_ssd", "cf_fs", "cf_wedge"), "chamber": (), "tld": ("k_f", "k_l", "k_q")}


def of_point(plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date) -> Inputs:
    """Expected dose, limits, factors and components of a point on a day.

    Raises Refused for a factor that is missing or whose time is over.
    """
    needed: Inputs = {
        "point": point.id,
        "method": point.method,
        "expected": point.expected.model_dump(mode="json") if point.expected else None,
        "limits": point.limits.model_dump(mode="json") if point.limits else None,
        "plausible": point.plausible.model_dump(mode="json") if point.plausible else None,
        "course": point.course.model_dump(mode="json") if point.course else None,
        "components": [_component(c) for c in point.uncertainty],
        "factors": _point_factors(point),
    }
    if point.method == "tld":
        needed |= _of_reader(plan, point, inventory, calibrations, on, needed)
    else:
        needed |= _of_detector(point, inventory, calibrations, on, needed)
    return needed


def ecc(element: str, inventory: Inventory, calibrations: Calibrations, on: date) -> dict[str, Any]:
    """Element correction of one element on its reader. Raises Refused when missing or out of date."""
    return _factor(calibrations.ecc(element, inventory.element_named(element).reader, on))


def _point_factors(point: Point) -> dict[str, Any]:
    for name in OF_POINT[point.method]:
        if name not in point.factors:
            raise Refused(f"Point {point.id} has no {name}; method '{point.method}' needs it, with its source.")
    return {name: _factor(factor) for name, factor in point.factors.items()}


def _of_detector(
    point: Point, inventory: Inventory, calibrations: Calibrations, on: date, needed: Inputs
) -> dict[str, Any]:
    owner = inventory.detector_named(point.detector or "").id
    calibration = calibrations.valid_for(owner, on)
    found = {name: _factor(calibrations.factor(owner, name, on)) for name in OF_DETECTOR[point.method]}
    if point.method == "diode" and point.detector_c is None:
        raise Refused(f"Point {point.id} has no detector_c; the diode's temperature correction needs it.")
    conditions = calibration.conditions.model_dump(mode="json")
    if point.method == "chamber" and None in conditions.values():
        raise Refused(f"Calibration {calibration.id} of {owner} has no t0_c and p0_kpa; the chamber's k_TP needs them.")
    return {
        "factors": needed["factors"] | found,
        "components": needed["components"] + [_component(c) for c in calibration.uncertainty],
        "conditions": conditions,
        "detector_c": point.detector_c,
        "calibration": {"id": calibration.id, "certificate": calibration.certificate},
    }


def _of_reader(
    plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date, needed: Inputs
) -> dict[str, Any]:
    readers = {inventory.element_named(e).reader for e in point.elements}
    if len(readers) != 1:
        raise Refused(f"The elements of {point.id} belong to several readers: {', '.join(sorted(readers))}.")
    (reader,) = readers
    for element in point.elements:
        ecc(element, inventory, calibrations, on)
    batch = plan.batch_of(reader)
    if batch is None:
        raise Refused(f"The plan has no batch for {reader}: say which standards and controls travel with {point.id}.")
    found: dict[str, Any] = {"reader": reader, "pair_limit_percent": point.pair_limit_percent}
    if batch.standards and batch.standard_dose is not None:
        return found | {"standard_dose": _factor(batch.standard_dose), "rcf_u_percent": batch.rcf_u_percent}
    own = {name: _factor(calibrations.factor(reader, name, on)) for name in ("rcf", "background")}
    return found | {"factors": needed["factors"] | own}


def _factor(entry: FactorEntry) -> dict[str, Any]:
    return entry.model_dump(mode="json")


def _component(part: Component) -> dict[str, Any]:
    return part.model_dump(mode="json")
