"""What TLD and OSL have in common: element sensitivity, depletion, fading, linearity, batch and reader checks.

Forms after AAPM TG-191 (recalled, not re-read). All numbers of a site (rates, slopes, limits) are arguments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Literal

from acquire.dosimetry.errors import Blocked, MissingFactor, OutsideValidity
from acquire.dosimetry.finite import finite
from acquire.sums import added

Background = Literal["after-sensitivity", "before-sensitivity"]
Depletion = Literal["growing", "falling"]


@finite
def element_sensitivities(signals: Mapping[str, float]) -> dict[str, float]:
    """k_s,i (ECC) = mean(M)/M_i of elements that all received the same dose, background taken off.

    Raises OutsideValidity.
    """
    if len(signals) < 2 or min(signals.values()) <= 0:
        raise OutsideValidity("Element sensitivities need at least two elements with a net signal above 0.")
    mean = fmean(signals.values())
    return {element: mean / signal for element, signal in signals.items()}


@finite
def net_signal(signal: float, sensitivity: float, background: float, form: Background) -> float:
    """Signal of an element, corrected for its sensitivity and background.

    "after-sensitivity": M k_s - B, B from sensitivity-corrected control elements. "before-sensitivity": (M - B) k_s, B
    a raw reading (of this element, or of the reader). The site chooses; the step that uses it prints the form.
    Raises OutsideValidity.
    """
    match form:
        case "after-sensitivity":
            return signal * sensitivity - background
        case "before-sensitivity":
            return (signal - background) * sensitivity
    raise OutsideValidity(f"The background form '{form}' is unknown: after-sensitivity or before-sensitivity.")


def net_formula(form: Background, signal: str = "Q", sensitivity: str = "ECC") -> str:
    """The form of `net_signal` in print."""
    if form == "after-sensitivity":
        return f"{signal} · {sensitivity} − B"
    return f"({signal} − B) · {sensitivity}"


@finite
def depletion_corrected(readings: Sequence[float], loss: float, form: Depletion) -> list[float]:
    """Repeated readings of one element brought back to the first; loss is the fraction lost per reading (0.0005).

    "growing": M_j (1 + loss)^(j-1). "falling": M_j (1 - loss)^-(j-1). They differ by loss² per reading.
    Raises OutsideValidity.
    """
    if not 0 <= loss < 0.2:
        raise OutsideValidity(f"A depletion of {loss} per reading lies outside 0 to 0.2; give it as a fraction.")
    if form not in ("growing", "falling"):
        raise OutsideValidity(f"The depletion form '{form}' is unknown: growing or falling.")
    ratio = 1 + loss if form == "growing" else 1 / (1 - loss)
    return [reading * ratio**j for j, reading in enumerate(readings)]


@finite
def depletion_of(readings: Sequence[float]) -> float:
    """Fraction lost per reading, from repeated readings of one element: slope of the logarithm (at least five).

    Raises OutsideValidity.
    """
    n = len(readings)
    if n < 5 or min(readings) <= 0:
        raise OutsideValidity("A depletion needs at least five readings above 0 of one element.")
    logs, middle = [math.log(r) for r in readings], (n - 1) / 2
    slope = added((j - middle) * y for j, y in enumerate(logs)) / added((j - middle) ** 2 for j in range(n))
    return 1 - math.exp(slope)


@finite
def fading_linear(per_day: float, days: float, days_of_standards: float) -> float:
    """k_F = 1 + rate (days - days of the standards), the rate a fraction per day; times from the placement record.

    Raises OutsideValidity.
    """
    if days < 0 or days_of_standards < 0 or not 0 <= per_day <= 0.05:
        raise OutsideValidity("Fading needs days of 0 or more and a rate of 0 to 0.05 per day.")
    return 1 + per_day * (days - days_of_standards)


@finite
def within_days(days: float, low: float, high: float, what: str) -> None:
    """Raises Blocked for a readout outside the days for which a fading curve or waiting rule holds."""
    if not low <= days <= high:
        raise Blocked(f"{what} was read {days:g} d after irradiation; its fading is known from {low:g} to {high:g} d.")


@finite
def linearity_line(apparent_gy: float, slope_per_gy: float, at_gy: float, valid_gy: tuple[float, float]) -> float:
    """k_L = 1 - slope (D_app - D_0): a site's straight line through 1 at the dose of the standards.

    Raises OutsideValidity outside the doses for which the line was fitted.
    """
    if not valid_gy[0] <= apparent_gy <= valid_gy[1]:
        raise OutsideValidity(
            f"The apparent dose {apparent_gy:.4g} Gy lies outside {valid_gy[0]:g} to {valid_gy[1]:g} Gy, where the"
            " linearity was measured."
        )
    return 1 - slope_per_gy * (apparent_gy - at_gy)


@finite
def angle_factor(response: float) -> float:
    """k_θ = 1/response; a dot edge-on at 6 MV, calibrated face-on, responds with 0.96 (PMC3133805).

    Raises OutsideValidity.
    """
    if not 0.5 <= response <= 1.5:
        raise OutsideValidity(f"A relative response of {response} lies outside 0.5 to 1.5.")
    return 1 / response


@finite
def background_of_controls(signals: Sequence[float]) -> float:
    """Mean signal of the control elements of the session, in the reader's unit.

    Raises MissingFactor when none was read, OutsideValidity for a negative one.
    """
    if not signals:
        raise MissingFactor("The control elements of this reader session are missing: without them there is no result.")
    if min(signals) < 0:
        raise OutsideValidity(f"A control element reads {min(signals):g}; a signal of light is not negative.")
    return fmean(signals)


@finite
def detection_limit_cgy(blank_sd: float, rcf: float) -> float:
    """Three standard deviations of zero-dose readings, as a dose in cGy; rcf in signal per cGy."""
    return 3 * blank_sd / rcf


@finite
def blank_sd(blanks: Sequence[float]) -> float:
    """Standard deviation of zero-dose readings, in the reader's unit; at least ten are wanted (detection limit, HPS).

    Raises OutsideValidity for fewer.
    """
    if len(blanks) < 10:
        raise OutsideValidity(f"A detection limit needs at least 10 zero-dose readings; there are {len(blanks)}.")
    return stdev(blanks)


@finite
def check_element(reading: float, expected: float, limit_percent: float, what: str = "The check element") -> float:
    """Deviation in percent of a reader's check element of known signal. Raises Blocked beyond the limit."""
    deviation = 100 * (reading / expected - 1)
    if abs(deviation) > limit_percent:
        raise Blocked(f"{what} reads {deviation:+.1f} %, the limit is ±{limit_percent:g} %: service the reader first.")
    return deviation


@finite
def below_cumulative_limit(accumulated_gy: float, limit_gy: float, element: str) -> None:
    """Raises Blocked for an element that has received more than its limit: its sensitivity is no longer known."""
    if accumulated_gy > limit_gy:
        raise Blocked(f"{element} has received {accumulated_gy:g} Gy in all, above its limit of {limit_gy:g} Gy.")


@finite
def second_read(signal: float, first_signal: float, emptied_below: float = 0.05) -> bool:
    """Whether a later readout of an element is that of an emptied one (under 5 % of the first): no new dose."""
    return signal < emptied_below * first_signal
