"""MOSFETs: the shift of the threshold voltage between a reading before and one after the irradiation."""

from __future__ import annotations

import msgspec

from acquire.dosimetry import (
    Dose,
    ThresholdScatter,
    believed_threshold,
    enough_life,
    mosfet_dose,
    read_at_same_delay,
    same_sensor,
)
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.calibrations import Calibration
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.detector_needs import detector_needs
from acquire.procedure.methods.method import Method, Sources
from acquire.procedure.methods.rows import components_of, factors_of
from acquire.procedure.records.measured import Threshold, Thresholds
from acquire.procedure.records.needs import DetectorNeeds

OF_POINT = ("cf_energy", "cf_angle")
OF_DETECTOR = ("cf", "limit_mv", "delay_min", "delay_tolerance_min")


def mosfet_needs(sources: Sources, point: Point) -> DetectorNeeds:
    """Factors of energy, angle and sensor; no electrometer's range. Raises Refused."""
    return msgspec.structs.replace(detector_needs(sources, point, OF_POINT, OF_DETECTOR), full_scale_nc=None)


def mosfet_nominal(sources: Sources, point: Point, needs: DetectorNeeds) -> tuple[DetectorNeeds, Thresholds]:
    """Before the beam: the sensor must be able to take the expected, or else the largest plausible, dose.

    Raises Invalid, DosimetryError.
    """
    if needs.threshold_mv is None:
        raise Invalid("The inventory does not say where the sensor's threshold stands (threshold_mv).")
    factors = factors_of(needs.factors)
    per_mv = factors["cf"].value * factors["cf_energy"].value * factors["cf_angle"].value
    enough_life(needs.threshold_mv, factors["limit_mv"].value, 100 * needs.highest_gy, per_mv)
    delay = needs.factors["delay_min"].value
    nominal = Threshold(before_mv=1000.0, after_mv=1100.0, before_min=delay, after_min=delay)
    return needs, Thresholds(threshold=nominal, nominal=True)


def mosfet_point_dose(needs: DetectorNeeds, measured: Thresholds) -> Dose:
    """The dose at the sensor. Raises DosimetryError or Invalid."""
    factors, threshold = factors_of(needs.factors), measured.threshold
    delay, tolerance, limit = (factors.pop(name) for name in ("delay_min", "delay_tolerance_min", "limit_mv"))
    for factor, unit in ((delay, "min"), (tolerance, "min"), (limit, "mV")):
        if factor.unit != unit:
            raise Invalid(f"A limit of the MOSFET's calibration is in {factor.unit}; it must be in {unit}.")
    read_at_same_delay(threshold.before_min, threshold.after_min, delay.value, tolerance.value)
    if threshold.after_mv > limit.value:
        raise Invalid(
            f"The threshold is at {threshold.after_mv:g} mV, beyond the sensor's limit of {limit.value:g} mV."
        )
    if not measured.nominal:
        same_sensor(threshold.before_mv, _recorded_mv(needs))
    scatter = {
        f"threshold {name}": ThresholdScatter(each.u_mv, f"scatter of {each.n} readings", each.n - 1)
        for name, each in sorted((threshold.scatter or {}).items())
    }
    return mosfet_dose(
        before_mv=threshold.before_mv,
        after_mv=threshold.after_mv,
        factors=factors,
        scatter=scatter,
        components=components_of(needs.components),
    )


def _recorded_mv(needs: DetectorNeeds) -> float:
    if needs.threshold_mv is None:
        raise Invalid("The inventory does not say where the sensor's threshold stood (threshold_mv).")
    return needs.threshold_mv


def _believed(point: Point, inventory: Inventory, calibration: Calibration) -> None:
    """Volts typed for millivolts. Raises DosimetryError."""
    stands, limit = inventory.detector_named(point.detector or "").threshold_mv, calibration.factors.get("limit_mv")
    if stands is not None:
        believed_threshold(stands, f"The inventory's threshold of {point.detector}")
    if limit is not None:
        believed_threshold(limit.value, f"The limit of {point.detector}")


METHOD = Method(
    name="mosfet",
    title="MOSFET",
    asks=Asks(way="threshold", kind="mosfet"),
    records=(DetectorNeeds, Thresholds),
    needs=mosfet_needs,
    dose=mosfet_point_dose,
    nominal=mosfet_nominal,
    believed=_believed,
)
