"""Checks for what a formula cannot see: mixed units, a wrong polarity, old environment readings, unlike repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from acquire.dosimetry.errors import Blocked, OutsideValidity, RangeTooSmall
from acquire.dosimetry.finite import finite
from acquire.sums import added

_NO_BEAM = 0.02  # no beam is so far off; what is collected beside it is
SCALE_LIMITS = (0.2, 5.0)  # measured/expected outside these is a mistake of units or detector, not a dose deviation

# What a result is too high by when two units were mixed up, and what was probably taken for what.
_MIXED = (
    (1e3, "mrad or mGy read as cGy or Gy, or pC as nC"),
    (100.0, "cGy read as Gy (a coefficient in cGy/nC used as Gy/nC)"),
    (10.0, "mGy read as cGy, or hPa as kPa"),
    (0.1, "cGy read as mGy"),
    (0.01, "Gy read as cGy (a coefficient in Gy/nC used as cGy/nC)"),
    (1e-3, "cGy or Gy read as mrad or mGy, or nC as pC"),
)


@finite
def likely_unit(ratio: float) -> str:
    """What may have been mixed up when a result is `ratio` times what was expected; "" when no pair of units fits."""
    for factor, text in _MIXED:
        if factor / 2 < ratio < factor * 2:
            return text
    return ""


@finite
def same_scale(dose_gy: float, expected_gy: float) -> None:
    """The factor-100 guard. Raises Blocked for a dose below a fifth or above five times the expected one, both in Gy.

    Raises OutsideValidity where one of them is not above 0.
    """
    if expected_gy <= 0 or dose_gy <= 0:
        raise OutsideValidity("Measured and expected dose must both be above 0 Gy to be compared.")
    ratio = dose_gy / expected_gy
    if not SCALE_LIMITS[0] <= ratio <= SCALE_LIMITS[1]:
        hint = likely_unit(ratio) or "Gy and cGy, nC and pC"
        unseen = " Perhaps no beam was seen." if ratio < _NO_BEAM else ""
        raise Blocked(
            f"The measured {dose_gy:.4g} Gy is {ratio:.3g} times the expected {expected_gy:.4g} Gy:"
            f" check the units ({hint}) and the detector before anything else.{unseen}"
        )


@finite
def believable(dose_gy: float, low_gy: float, high_gy: float) -> None:
    """Raises Blocked, naming the likely unit, for a dose outside the plausible range entered before the measurement.

    Raises OutsideValidity where that is no range.
    """
    if not 0 <= low_gy < high_gy:
        raise OutsideValidity(
            f"A plausible range needs a lowest dose below a highest one, not {low_gy} to {high_gy} Gy."
        )
    if low_gy <= dose_gy <= high_gy:
        return
    side, bound = ("above", high_gy) if dose_gy > high_gy else ("below", low_gy)
    middle = (low_gy * high_gy) ** 0.5 or high_gy / 2
    hint = likely_unit(dose_gy / middle)
    raise Blocked(
        f"The result lies {side} the plausible {100 * bound:g} cGy of this point; the unit of a column or factor may be"
        f" wrong ({hint or 'mrad, cGy, Gy'}). No dose is shown."
    )


def fresh(read_at: datetime, used_at: datetime, at_most: timedelta, what: str = "The temperature and pressure") -> None:
    """Raises Blocked for an environment reading further from the measurement, before or after it, than the site allows.

    Raises OutsideValidity for times without a zone.
    """
    if read_at.tzinfo is None or used_at.tzinfo is None:
        raise OutsideValidity(f"{what} and the measurement need times with a time zone to be compared.")
    age = used_at - read_at
    if abs(age) > at_most:
        side = "before" if age > timedelta(0) else "after"
        minutes = abs(age).total_seconds() / 60
        raise Blocked(
            f"{what} were read {minutes:.0f} min {side} the measurement; at most {at_most.total_seconds() / 60:.0f} min"
            " are allowed: read them again beside the phantom."
        )


@finite
def polarity_as_at_calibration(reading_nc: float, positive_at_calibration: bool, what: str = "the chamber") -> None:
    """Raises Blocked for a reading whose sign shows the other polarity than the detector was calibrated with.

    Raises OutsideValidity for a reading of zero.
    """
    if reading_nc == 0:
        raise OutsideValidity("A reading of zero shows no polarity.")
    if (reading_nc > 0) != positive_at_calibration:
        signs = ("positive", "negative") if positive_at_calibration else ("negative", "positive")
        raise Blocked(
            f"The reading {reading_nc:g} nC is {signs[1]}, {what} was calibrated with {signs[0]} readings:"
            " the polarity is swapped, or the reference and opposite readings have been exchanged."
        )


@finite
def one_sign(readings: Sequence[float]) -> None:
    """Raises Blocked for repeats of which some are positive and some negative: two polarities in one series.

    Any unit will do.
    """
    if min(readings) < 0 < max(readings):
        raise Blocked("The repeats have both signs: readings of two polarities are mixed in one series.")


@finite
def alike(readings: Sequence[float], limit_percent: float, what: str = "The repeats") -> None:
    """Raises Blocked for repeats, all in one unit, whose span is above a limit in percent of their mean."""
    mean = added(readings) / len(readings)
    span = 100 * (max(readings) - min(readings)) / abs(mean) if mean else float("inf")
    if span > limit_percent:
        raise Blocked(
            f"{what} differ by {span:.2f} %, above {limit_percent:g} %: look for drift, settling or a mistyped digit."
        )


@finite
def without_overload(value: float | None, flags: Sequence[str]) -> float:
    """The value of a reading that carries one, in its unit. Raises Blocked, naming the flags, where it does not."""
    if value is None:
        said = ", ".join(flags) or "no value"
        raise Blocked(f"The reading carries no number ({said}): the measurement is invalid, nothing is extrapolated.")
    return value


@finite
def own_detector_is_largest(own: str, charges_nc: Mapping[str, float]) -> None:
    """Raises Blocked where another detector than a port's own collected the most: they may have been exchanged."""
    if own not in charges_nc:
        raise Blocked(f"Detector {own} of this port collected nothing that was read.")
    largest = max(charges_nc, key=lambda name: abs(charges_nc[name]))
    if largest != own:
        raise Blocked(
            f"During this port {largest} collected {abs(charges_nc[largest]):g} nC and its own {own}"
            f" {abs(charges_nc[own]):g} nC: the detector of the point is in doubt; confirm the serials on the patient."
        )


@finite
def range_holds(expected_nc: float, full_scale_nc: float, margin: float = 0.8) -> None:
    """Raises RangeTooSmall, before the beam, for a range that the expected charge would overload (above 80 % of it)."""
    if abs(expected_nc) > margin * full_scale_nc:
        raise RangeTooSmall(
            f"The expected {abs(expected_nc):.4g} nC would overload the range of {full_scale_nc:g} nC:"
            " take the next one.",
            abs(expected_nc),
        )


@finite
def pre_irradiated(received_gy: float, needed_gy: float = 10.0) -> None:
    """Raises Blocked for a chamber with too little dose today to have settled (TRS-398 Rev.1: more than 10 Gy)."""
    if received_gy < needed_gy:
        raise Blocked(f"The chamber has received {received_gy:g} Gy today; its readings settle after {needed_gy:g} Gy.")
