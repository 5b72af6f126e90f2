"""MOSFET detectors: dose from the shift of the threshold voltage, and the life that is left.

Forms are the vendors' (textbook); factors, delays and the limit of the threshold are the maker's and the site's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from acquire.dosimetry.believed import believed, believed_threshold
from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.dose import Calculation, Dose, shown
from acquire.dosimetry.errors import Blocked, LifeSpent, OutsideValidity
from acquire.dosimetry.factor import Circumstances, Factor, needed, no_others
from acquire.dosimetry.finite import finite, finite_fields
from acquire.sums import added

SOURCE = "threshold shift, vendors' form (textbook)"
CORRECTIONS = ("cf_energy", "cf_angle")


@finite
def threshold_shift_mv(before_mv: float, after_mv: float) -> float:
    """ΔV_th = V_after - V_before. Raises Blocked when it is not above 0: exchanged readings, or no dose."""
    shift = after_mv - before_mv
    if shift <= 0:
        raise Blocked(f"The threshold voltage changed by {shift:g} mV: before and after may have been exchanged.")
    return shift


@finite
def read_at_same_delay(before_min: float, after_min: float, calibration_min: float, tolerance_min: float) -> None:
    """Raises Blocked for readings not taken at the calibration's delay from the irradiation (fading and creep-up)."""
    for what, delay in (("before", before_min), ("after", after_min)):
        if abs(delay - calibration_min) > tolerance_min:
            raise Blocked(
                f"The threshold was read {delay:g} min {what} irradiation, at calibration {calibration_min:g} min;"
                f" the difference may be {tolerance_min:g} min."
            )


@finite
def same_sensor(before_mv: float, recorded_mv: float) -> None:
    """Raises Blocked for a threshold well below the one the sensor had reached: it fades a little, it does not return.

    The tenth that is allowed only catches another sensor, or volts written as millivolts.
    """
    if before_mv < 0.9 * recorded_mv:
        raise Blocked(
            f"The threshold before irradiation is {before_mv:g} mV, the sensor stood at {recorded_mv:g} mV already: it"
            " is another sensor, or one of the numbers is in another unit."
        )


@dataclass(frozen=True, slots=True)
class ThresholdScatter:
    """Standard uncertainty of a threshold in mV, from repeated readings of it (degrees of freedom) or as stated."""

    u_mv: float
    source: str
    dof: float = math.inf

    def __post_init__(self) -> None:
        finite_fields(self)

    def row(self, name: str, shift_mv: float) -> Contribution:
        """Its part of a dose: the absolute uncertainty against the shift, however high the threshold stands."""
        kind: Literal["A", "B"] = "B" if math.isinf(self.dof) else "A"
        return Contribution(name, 100 * self.u_mv / shift_mv, self.source, kind, dof=self.dof)


@finite
def mosfet_dose(
    *,
    before_mv: float,
    after_mv: float,
    factors: Mapping[str, Factor],
    scatter: Mapping[str, ThresholdScatter] | None = None,
    components: Sequence[Contribution] = (),
    at: Circumstances | None = None,
) -> Dose:
    """D = ΔV_th · CF · CF_energy · CF_angle.

    factors: cf in cGy/mV (of the sensor, bias and beam); cf_energy and cf_angle in "1", 1 only with the reason as its
    source. scatter: of the readings of a threshold, by the name of the row; what is stated in percent of the shift
    stands among the components. Raises MissingFactor, OutsideValidity, Blocked.
    """
    name = "MOSFET dose"
    cf = believed("mosfet", "cf", needed(factors, "cf", "cGy/mV", name, at))
    cfs = {each: believed("mosfet", each, needed(factors, each, "1", name, at)) for each in CORRECTIONS}
    for when, mv in (("before", before_mv), ("after", after_mv)):
        believed_threshold(mv, f"The threshold {when} irradiation")
    no_others(factors, ("cf", *CORRECTIONS), name)
    inputs: dict[str, object] = {
        "before_mv": before_mv, "after_mv": after_mv, "factors": dict(factors), "components": list(components),
        **({"scatter": dict(scatter)} if scatter else {}),
    }  # fmt: skip
    work = Calculation(name, inputs)
    shift = threshold_shift_mv(before_mv, after_mv)
    work.step("ΔV_th", "V_after − V_before", f"{shown(after_mv)} − {shown(before_mv)}", shift, "mV", SOURCE)
    dose_cgy = shift * cf.value
    for correction in cfs.values():
        dose_cgy *= correction.value
    numbers = " × ".join(shown(x) for x in (shift, cf.value, *(c.value for c in cfs.values())))
    work.step("D_w", " · ".join(("ΔV_th", "CF", *cfs)), numbers, dose_cgy, "cGy", SOURCE)
    for each, factor in {"cf": cf, **cfs}.items():
        work.row(each, factor)
    work.rows.extend(each_scatter.row(each, shift) for each, each_scatter in (scatter or {}).items())
    work.rows.extend(components)
    return work.dose(dose_cgy / 100)


@finite
def cf_of_sensitivity(mv_per_gy: float) -> float:
    """CF in cGy/mV of a sensor whose sensitivity is given in mV/Gy. Raises OutsideValidity."""
    if mv_per_gy <= 0:
        raise OutsideValidity("A sensitivity must be above 0 mV/Gy.")
    return 100 / mv_per_gy


@finite
def mosfet_calibration_factor(dose_cgy: float, shifts_mv: Sequence[float]) -> float:
    """CF = D / mean ΔV_th in cGy/mV from irradiations with a known dose. Raises OutsideValidity."""
    if dose_cgy <= 0 or not shifts_mv or min(shifts_mv) <= 0:
        raise OutsideValidity("A MOSFET calibration needs a dose above 0 and threshold shifts above 0 mV.")
    return dose_cgy / (added(shifts_mv) / len(shifts_mv))


@finite
def remaining_mv(threshold_mv: float, limit_mv: float) -> float:
    """Threshold shift left before the end of life. The limit (often 20 000 mV) is the maker's, entered by the site."""
    return max(0.0, limit_mv - threshold_mv)


@finite
def enough_life(threshold_mv: float, limit_mv: float, expected_cgy: float, cf_cgy_per_mv: float) -> float:
    """Shift in mV that the expected dose needs. Raises LifeSpent when less is left: use another sensor."""
    need, left = expected_cgy / cf_cgy_per_mv, remaining_mv(threshold_mv, limit_mv)
    if need > left:
        raise LifeSpent(
            f"The sensor stands at {threshold_mv:g} mV of {limit_mv:g} mV: {left:.0f} mV are left and {need:.0f} mV are"
            " needed for the expected dose; use another sensor."
        )
    return need
