"""Measured against expected: deviation, its uncertainty, and the state that the site's rule gives it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from acquire.dosimetry.errors import Blocked, OutsideValidity

Rule = Literal["guard-band", "simple-acceptance"]


class State(StrEnum):
    """Decision states, in the words that are printed."""

    PASS = "PASS"
    PASS_BAND = "PASS, uncertainty band"
    OUT_OF_TOLERANCE = "OUT OF TOLERANCE"
    ACTION = "ACTION"
    INVALID = "INVALID"
    REPORT_ONLY = "REPORT ONLY"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, by which rule and with which limits. All percentages of the expected dose."""

    state: State
    rule: str
    deviation_percent: float | None = None
    expanded_percent: float | None = None
    p_conform: float | None = None
    tolerance_percent: float | None = None
    action_percent: float | None = None


def fit_for(tolerance_percent: float, u_measured_percent: float, u_expected_percent: float) -> tuple[bool, float]:
    """Before measuring: (whether any plain PASS is possible, U of the deviation in percent, k = 2)."""
    expanded = 2 * math.hypot(u_measured_percent, u_expected_percent)
    return expanded < tolerance_percent, expanded


def p_conform(deviation_percent: float, tolerance_percent: float, u_percent: float) -> float:
    """Probability that the true deviation lies inside the tolerance (JCGM 106:2012 section 7.4, normal)."""
    upper = (tolerance_percent - deviation_percent) / u_percent
    lower = (-tolerance_percent - deviation_percent) / u_percent
    return _normal(upper) - _normal(lower)


def decide(
    *,
    dose_gy: float,
    u_measured_percent: float,
    expected_gy: float,
    u_expected_percent: float,
    tolerance_percent: float,
    action_percent: float,
    rule: Rule,
) -> Decision:
    """The state of a measured dose against an expected one.

    Guard band (ILAC-G8, w = U): |δ| <= TL - U is PASS, up to TL "PASS, uncertainty band" (accepted, p_conform is
    printed). Simple acceptance: |δ| <= TL is PASS. Then OUT OF TOLERANCE up to the action level, ACTION beyond.
    """
    if expected_gy <= 0 or dose_gy <= 0:
        raise OutsideValidity("Measured and expected dose must both be above 0 Gy to be compared.")
    if not 0.2 <= dose_gy / expected_gy <= 5:
        raise Blocked(
            f"The measured {dose_gy:.4g} Gy is {dose_gy / expected_gy:.3g} times the expected {expected_gy:.4g} Gy:"
            " check the units (Gy and cGy, nC and pC) and the detector before anything else."
        )
    deviation = 100 * (dose_gy / expected_gy - 1)
    u = math.hypot(u_measured_percent, u_expected_percent)
    guard = 2 * u if rule == "guard-band" else 0.0
    size = abs(deviation)
    if size <= tolerance_percent - guard:
        state = State.PASS
    elif size <= tolerance_percent:
        state = State.PASS_BAND
    elif size <= action_percent:
        state = State.OUT_OF_TOLERANCE
    else:
        state = State.ACTION
    chance = p_conform(deviation, tolerance_percent, u)
    return Decision(state, rule, deviation, 2 * u, chance, tolerance_percent, action_percent)


def report_only(dose_gy: float, plausible_gy: tuple[float, float]) -> Decision:
    """No expected dose, but a range that is believable. Blocked outside it: no dose is shown then."""
    low, high = plausible_gy
    if not low <= dose_gy <= high:
        side = "above" if dose_gy > high else "below"
        bound = high if dose_gy > high else low
        raise Blocked(
            f"The result lies {side} the plausible {100 * bound:g} cGy of this point; the unit of a column or factor"
            " may be wrong (mrad, cGy, Gy). No dose is shown."
        )
    return Decision(State.REPORT_ONLY, "plausible range")


def _normal(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))
