"""HDR brachytherapy: decay of the source, and whether the console's dwell time is the plan's, corrected for it.

Forms are the textbook's; half-life and air kerma strength (U) are those that the source's certificate states.
"""

from __future__ import annotations

import math
from datetime import datetime

from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.factor import Factor
from acquire.dosimetry.finite import finite

IR192_HALF_LIFE_D = 73.83  # days; textbook, to hold a certificate's value against


def days_between(start: datetime, end: datetime) -> float:
    """Days from one moment to another; both with a time zone, or both without. Raises OutsideValidity."""
    if (start.tzinfo is None) != (end.tzinfo is None):
        raise OutsideValidity("Of the two times one has a time zone and the other has none.")
    return (end - start).total_seconds() / 86400


@finite
def decay_factor(days: float, half_life_d: float) -> float:
    """exp(-ln 2 · t/T½), t and T½ in days. Raises OutsideValidity."""
    if half_life_d <= 0:
        raise OutsideValidity("A half-life must be above 0 d.")
    if not 0 <= days <= 20 * half_life_d:
        raise OutsideValidity(
            f"{days:.2f} d since the certificate is not a time after it: check the date of the source."
        )
    return math.exp(-math.log(2) * days / half_life_d)


@finite
def source_strength(at_certificate: Factor, half_life: Factor, days: float) -> Factor:
    """Air kerma strength (U) after some days, with the uncertainty of the half-life by its sensitivity ln2 t/T½.

    Raises OutsideValidity.
    """
    if at_certificate.unit != "U" or half_life.unit != "d":
        raise OutsideValidity("A source strength is given in U and its half-life in d.")
    value = at_certificate.value * decay_factor(days, half_life.value)
    decay_percent = math.log(2) * days / half_life.value * half_life.u_percent
    u_percent = math.hypot(at_certificate.u_percent, decay_percent)
    source = f"{at_certificate.source}, decayed {days:.4f} d"
    return Factor(value, "U", u_percent, source, at_certificate.dof, at_certificate.shared_key)


@finite
def dwell_time_s(planned_s: float, planned_strength_u: float, strength_u: float) -> float:
    """Total dwell time in s for the same dose with today's source, strengths in U. Raises OutsideValidity."""
    if min(planned_s, planned_strength_u, strength_u) <= 0:
        raise OutsideValidity("Dwell time and source strengths must be above 0.")
    return planned_s * planned_strength_u / strength_u


@finite
def check_dwell_time(console_s: float, expected_s: float, limit_percent: float) -> float:
    """Deviation of the console's total dwell time in percent. Raises Blocked beyond the site's limit."""
    deviation = 100 * (console_s / expected_s - 1)
    if abs(deviation) > limit_percent:
        raise Blocked(
            f"The console's dwell time of {console_s:g} s differs by {deviation:+.2f} % from the {expected_s:.1f} s of"
            f" plan and decay, the limit is ±{limit_percent:g} %: check source strength, date and plan."
        )
    return deviation
