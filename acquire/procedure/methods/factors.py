"""What a method's formula needs besides the signal: a point's factors and budget, from plan and calibrations.

The same collection serves twice: with a nominal signal before the measurement (is the method fit for its tolerance?),
and with the measured one after it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from acquire.dosimetry.osl import energy_factor
from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibrations, Component, FactorEntry
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Batch, Plan
from acquire.procedure.documents.point import Point

Inputs = dict[str, Any]

# Which factors the formulas of acquire.dosimetry ask for, and on which side they are written. Nothing has a default.
OF_DETECTOR = {
    "diode": ("n_cal", "svwt", "t_cal"),
    "chamber": ("n_dw", "k_elec", "k_q"),
    "mosfet": ("cf", "limit_mv", "delay_min", "delay_tolerance_min"),
}
AS_WRITTEN = {
    "expected", "limits", "plausible", "window", "course", "surface", "position", "protocol", "fff", "fading",
    "linearity", "spectrum", "pre_irradiation_gy",
}  # fmt: skip
AT_CALIBRATION = ("k_pol_q0", "k_s_q0")  # where the laboratory did not apply these corrections itself
OF_READER = ("rcf", "n_dw", "reader_factor", "background")  # of the standards, or of the reader's own calibration
OF_POINT = {
    "diode": ("cf_ssd", "cf_fs", "cf_wedge"),
    "chamber": (),
    "mosfet": ("cf_energy", "cf_angle"),
    "midline": ("f_mid",),
}


def of_point(plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date) -> Inputs:
    """Expected dose, limits, factors and components of a point on a day.

    Raises Refused for a factor that is missing, for another beam, or whose time is over.
    """
    written = point.model_dump(mode="json", include=AS_WRITTEN, exclude_none=True)
    needed: Inputs = {
        "point": point.id,
        "method": point.method,
        **dict.fromkeys(("expected", "limits", "plausible", "course")),
        **written,
        "components": [_component(c) for c in point.uncertainty],
    }
    if point.method == "spectrum":
        if (kind := inventory.detector_named(point.detector or "").kind) != "microdosimeter":
            raise Refused(f"Point {point.id} has method 'spectrum', but {point.detector} is a {kind}.")
        return needed
    if point.by_element:
        return needed | _of_reader(plan, point, inventory, calibrations, on)
    needed["factors"] = _point_factors(point, OF_POINT[point.method])
    if point.method != "midline":
        needed |= _of_detector(point, inventory, calibrations, on, needed)
    return needed


def ecc(element: str, plan: Plan, inventory: Inventory, calibrations: Calibrations, on: date) -> dict[str, Any]:
    """Element correction of one element on its reader. Raises Refused when missing, of another form or out of date."""
    reader = inventory.element_named(element).reader
    batch = plan.batch_of(reader)
    form = "sensitivity" if batch is not None and batch.chain == "reader" else "ecc"
    return _factor(calibrations.ecc(element, reader, on, form))


def _point_factors(point: Point, wanted: tuple[str, ...]) -> dict[str, Any]:
    """The factors that the plan states. Raises Refused where one is missing, or is another's to state."""
    for name, states in _of_others(point).items():
        if name in point.factors:
            raise Refused(f"Point {point.id} states {name}, which {states}: take it out of the plan.")
    of_place = (*(("cf_backscatter",) if point.surface == "exit" else ()), *(("k_vol",) if point.fff else ()))
    for name in (*wanted, *of_place):
        if name not in point.factors:
            raise Refused(f"Point {point.id} has no {name}; method '{point.method}' needs it, with its source.")
    return {name: _factor(factor) for name, factor in point.factors.items()}


def _of_others(point: Point) -> dict[str, str]:
    """What a plan must not state beside whatever else states it: one of the two would be left out unseen."""
    if point.by_element:
        own = dict.fromkeys(OF_READER, "comes from the standards or from the calibration of the reader")
        counted = {"k_f": point.fading, "k_l": point.linearity}
        return own | {name: "its own curve gives" for name, curve in counted.items() if curve is not None}
    names = [*OF_DETECTOR.get(point.method, ())]
    if point.method == "chamber":
        names += ["k_pol", "k_s", *AT_CALIBRATION]
    return dict.fromkeys(names, f"the calibration of {point.detector} or the session gives")


def _of_detector(
    point: Point, inventory: Inventory, calibrations: Calibrations, on: date, needed: Inputs
) -> dict[str, Any]:
    detector = inventory.detector_named(point.detector or "")
    if detector.kind != point.method:
        raise Refused(
            f"Point {point.id} is measured by method '{point.method}', but {detector.id} is a {detector.kind}."
        )
    calibration = calibrations.valid_for(detector.id, on, point.beam, point.surface)
    wanted = [*OF_DETECTOR[point.method], *(name for name in AT_CALIBRATION if name in calibration.factors)]
    if point.method == "chamber":
        measured = {"k_pol": point.polarity, "k_s": point.recombination}
        wanted += [name for name, in_session in measured.items() if in_session is None]
    found = {name: _factor(calibration.factor(name)) for name in wanted}
    if point.method == "diode" and point.detector_c is None:
        raise Refused(f"Point {point.id} has no detector_c; the diode's temperature correction needs it.")
    received, allowed = detector.accumulated_gy, calibration.valid_until_gy
    if allowed is not None and received is None:
        raise Refused(
            f"Calibration {calibration.id} of {detector.id} ends at {allowed:g} Gy, and the inventory does not say what"
            " the detector has received (accumulated_gy)."
        )
    if received is not None and allowed is not None and received >= allowed:
        raise Refused(
            f"Calibration {calibration.id} of {detector.id} ended at {allowed:g} Gy, and the detector has received"
            f" {received:g} Gy: calibrate it again, or use another."
        )
    full_scale = inventory.instrument_named(point.instrument or "").full_scale_nc
    conditions = calibration.conditions.model_dump(mode="json", exclude_none=True)
    if point.method == "chamber" and not {"t0_c", "p0_kpa"} <= set(conditions):
        raise Refused(
            f"Calibration {calibration.id} of {detector.id} has no t0_c and p0_kpa; the chamber's k_TP needs them."
        )
    if point.method in ("chamber", "diode") and "reading" not in conditions:
        raise Refused(
            f"Calibration {calibration.id} of {detector.id} does not say which sign its readings had"
            " (conditions.reading, positive or negative); without it a swapped polarity would not show."
        )
    in_session = {
        name: stated.model_dump(mode="json")
        for name, stated in (("polarity", point.polarity), ("recombination", point.recombination))
        if stated is not None
    }
    return {
        "factors": needed["factors"] | found,
        "components": needed["components"] + [_component(c) for c in calibration.uncertainty],
        "conditions": conditions,
        "detector_c": point.detector_c,
        "calibration": {"id": calibration.id, "certificate": calibration.certificate},
        **({"full_scale_nc": full_scale} if full_scale is not None and point.method != "mosfet" else {}),
        **({"threshold_mv": detector.threshold_mv} if detector.threshold_mv is not None else {}),
        **in_session,
    }


def _of_reader(plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date) -> dict[str, Any]:
    readers = {inventory.element_named(e).reader for e in point.elements}
    if len(readers) != 1:
        raise Refused(f"The elements of {point.id} belong to several readers: {', '.join(sorted(readers))}.")
    (reader,) = readers
    batch = plan.batch_of(reader)
    if batch is None:
        raise Refused(f"The plan has no batch for {reader}: say which standards and controls travel with {point.id}.")
    for element in point.elements:
        if inventory.element_named(element).kind != point.method:
            raise Refused(f"{element} of {point.id} is no {point.method.upper()} element.")
        ecc(element, plan, inventory, calibrations, on)
    _fading_can_be_counted(point, batch, inventory)
    checks = batch.model_dump(mode="json", include={"blanks", "check"}, exclude_none=True)
    found: dict[str, Any] = {
        "reader": reader,
        **checks,
        "pair_limit_percent": point.pair_limit_percent,
        "pair_rule": point.pair_rule,
        "pair_named": point.pair_named,
        "background_form": batch.background,
        "factors": _point_factors(point, _of_elements(point, batch)),
    }
    if point.method == "osl":
        found |= {
            "chain": batch.chain,
            "depletion_per_reading": batch.depletion_per_reading or 0.0,
            "depletion": batch.depletion or "growing",
        }
    return found | _coefficient(point, batch, calibrations, on, found["factors"])


def _fading_can_be_counted(point: Point, batch: Batch, inventory: Inventory) -> None:
    """Before anything lies on a patient: the reader's clock has a zone, and the standards have their days."""
    if point.fading is None:
        return
    if inventory.instrument_named(batch.reader).clock_zone is None:
        raise Refused(
            f"The inventory names no clock_zone of {batch.reader}; the fading of {point.id} is counted on it."
        )
    if (point.fading.days_of_standards is None) == (batch.standards_irradiated is None):
        raise Refused(
            f"{point.id}: fading needs days_of_standards, or standards_irradiated in the batch of {batch.reader}; one"
            " of them, not both."
        )


def _of_elements(point: Point, batch: Batch) -> tuple[str, ...]:
    """The corrections of a luminescence chain; with the site's fading and linearity k_F and k_L are not entered."""
    k_f = () if point.fading is not None else ("k_f",)
    k_l = () if point.linearity is not None else ("k_l",)
    if point.method == "tld":
        return (*k_f, *k_l, "k_q")
    energy = energy_factor(point.position)
    return (*k_f, energy) if batch.chain == "reader" else (*k_f, *k_l, energy, "k_theta")


def _coefficient(
    point: Point, batch: Batch, calibrations: Calibrations, on: date, factors: dict[str, Any]
) -> dict[str, Any]:
    """Standards of the same reader session, or the reader's own calibration; never both."""
    if batch.standards and batch.standard_dose is not None:
        own = {"coefficient_range": list(batch.coefficient_range)} if batch.coefficient_range is not None else {}
        return {"standard_dose": _factor(batch.standard_dose), "rcf_u_percent": batch.rcf_u_percent, **own}
    name = "rcf" if point.method == "tld" else {"tg191": "n_dw", "reader": "reader_factor"}[batch.chain]
    calibration = calibrations.valid_for(batch.reader, on)
    return {"factors": factors | {each: _factor(calibration.factor(each)) for each in (name, "background")}}


def _factor(entry: FactorEntry) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude_none=True)


def _component(part: Component) -> dict[str, Any]:
    return part.model_dump(mode="json", exclude_none=True)
