"""Measured against expected: deviation, its uncertainty, and the state that the site's rule gives it.

Guard bands after ILAC-G8, the probability of conformity after JCGM 106:2012; the limits are the plan's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from acquire.dosimetry.budget import coverage_factor, effective_dof
from acquire.dosimetry.distributions import student_cdf, two_errors_cdf
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite
from acquire.dosimetry.guards import believable, same_scale

Rule = Literal["guard-band", "simple-acceptance"]
UncertaintyForm = Literal["first-order", "exact"]


class DecisionState(StrEnum):
    """Decision states, in the words that are printed."""

    PASS = "PASS"
    PASS_BAND = "PASS, uncertainty band"
    OUT_OF_TOLERANCE = "OUT OF TOLERANCE"
    ACTION = "ACTION"
    INVALID = "INVALID"
    REPORT_ONLY = "REPORT ONLY"


_ASKS = {
    DecisionState.OUT_OF_TOLERANCE: "repeat at the next planned fraction, physicist's review",
    DecisionState.ACTION: "hold before the next fraction; physicist and physician informed the same day",
    DecisionState.INVALID: "no number; the cause is in the record",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, by which rule and with which limits. All percentages of the expected dose."""

    state: DecisionState
    rule: str
    deviation_percent: float | None = None
    expanded_percent: float | None = None
    p_conform: float | None = None
    tolerance_percent: float | None = None
    action_percent: float | None = None
    k: float | None = None
    u_form: str | None = None
    why: str | None = None

    @property
    def accepted(self) -> bool:
        """PASS and the uncertainty band count as accepted."""
        return self.state in (DecisionState.PASS, DecisionState.PASS_BAND)

    @property
    def asks(self) -> str | None:
        """What the state asks of people; None for an accepted or a reported result: it raises no alarm."""
        return _ASKS.get(self.state)

    @property
    def acceptance_limit_percent(self) -> float | None:
        """Largest deviation of a plain PASS: TL - U with a guard band (ILAC-G8, w = U), TL with simple acceptance."""
        if self.tolerance_percent is None or self.expanded_percent is None:
            return None
        guard = self.expanded_percent if self.rule == "guard-band" else 0.0
        return self.tolerance_percent - guard


@finite
def fit_for(
    tolerance_percent: float,
    u_measured_percent: float,
    u_expected_percent: float,
    dof_measured: float = math.inf,
    dof_expected: float = math.inf,
) -> tuple[bool, float]:
    """Before measuring: (whether any plain PASS is possible, U of the deviation in percent)."""
    k = coverage_factor(effective_dof([(u_measured_percent, dof_measured), (u_expected_percent, dof_expected)]))
    expanded = k * math.hypot(u_measured_percent, u_expected_percent)
    return expanded < tolerance_percent, expanded


@finite
def fitness(
    tolerance_percent: float, u_measured_percent: float, u_expected_percent: float, dof_measured: float = math.inf
) -> str | None:
    """The sentence to say while planning when the method cannot show conformity; None when it can."""
    fit, expanded = fit_for(tolerance_percent, u_measured_percent, u_expected_percent, dof_measured)
    if fit:
        return None
    return (
        f"The method is not fit for this tolerance: U of the deviation is {expanded:.1f} %, the tolerance"
        f" {tolerance_percent:g} %; a tolerance above {expanded:.1f} % would fit."
    )


@finite
def p_conform(deviation_percent: float, tolerance_percent: float, u_percent: float, dof: float = math.inf) -> float:
    """Probability (0 to 1) that a deviation with this u lies inside the tolerance (JCGM 106:2012, Student's t).

    u is taken as the same everywhere; `p_in_tolerance` knows that the deviation is a ratio of two doses.
    """
    upper = (tolerance_percent - deviation_percent) / u_percent
    lower = (-tolerance_percent - deviation_percent) / u_percent
    return student_cdf(upper, dof) - student_cdf(lower, dof)


@finite
def p_in_tolerance(
    *,
    deviation_percent: float,
    tolerance_percent: float,
    u_measured_percent: float,
    u_expected_percent: float,
    dof_measured: float = math.inf,
    dof_expected: float = math.inf,
) -> float:
    """Probability (0 to 1) that the true measured dose is within the tolerance of the true expected one.

    D <= (1 + TL) E is asked as D - (1 + TL) E <= 0, linear in both: no first order in the ratio (Fieller 1954). Each
    dose has Student's distribution with its effective degrees of freedom (JCGM 101 and 106:2012; held against draws,
    `p_conform_drawn`). Raises OutsideValidity.
    """
    ratio = 1 + deviation_percent / 100

    def below(percent: float) -> float:
        """Probability of a true deviation below `percent`."""
        limit = 1 + percent / 100
        measured = (u_measured_percent / 100 * ratio, dof_measured)
        expected = (u_expected_percent / 100 * abs(limit), dof_expected)
        return two_errors_cdf(limit - ratio, measured, expected)

    if u_measured_percent == 0 and u_expected_percent == 0:
        return float(abs(deviation_percent) <= tolerance_percent)
    return below(tolerance_percent) - below(-tolerance_percent)


@finite
def decide(
    *,
    dose_gy: float,
    u_measured_percent: float,
    expected_gy: float,
    u_expected_percent: float,
    tolerance_percent: float,
    action_percent: float,
    rule: Rule,
    dof_measured: float = math.inf,
    dof_expected: float = math.inf,
    u_form: UncertaintyForm = "first-order",
) -> Decision:
    """The state of a measured dose against an expected one.

    Guard band (ILAC-G8, w = U): |δ| <= TL - U is PASS, up to TL "PASS, uncertainty band" (accepted, p_conform is
    printed). Simple acceptance: |δ| <= TL is PASS. Then OUT OF TOLERANCE up to the action level, ACTION beyond.
    u_form: "first-order" u_δ = √(u_meas² + u_exp²), or "exact" with the factor (1 + δ) of the GUM; the Decision says
    which. U = k u with k from the effective degrees of freedom, 2 for ample ones. The probability of conformity takes
    no notice of the form: see `p_in_tolerance`. Raises OutsideValidity.
    """
    same_scale(dose_gy, expected_gy)
    if rule not in ("guard-band", "simple-acceptance") or u_form not in ("first-order", "exact"):
        raise OutsideValidity(
            f"The rule '{rule}' with the form '{u_form}' is unknown: choose guard-band or simple-acceptance, and"
            " first-order or exact."
        )
    if not 0 < tolerance_percent <= action_percent:
        raise OutsideValidity(
            f"The tolerance of {tolerance_percent:g} % must be above 0 and not above the action level of"
            f" {action_percent:g} %."
        )
    deviation = 100 * (dose_gy / expected_gy - 1)
    u = math.hypot(u_measured_percent, u_expected_percent) * (1 + deviation / 100 if u_form == "exact" else 1.0)
    k = coverage_factor(effective_dof([(u_measured_percent, dof_measured), (u_expected_percent, dof_expected)]))
    state = _state(abs(deviation), tolerance_percent, action_percent, k * u if rule == "guard-band" else 0.0)
    chance = p_in_tolerance(
        deviation_percent=deviation, tolerance_percent=tolerance_percent, u_measured_percent=u_measured_percent,
        u_expected_percent=u_expected_percent, dof_measured=dof_measured, dof_expected=dof_expected,
    )  # fmt: skip
    return Decision(state, rule, deviation, k * u, chance, tolerance_percent, action_percent, k, u_form)


def _state(size: float, tolerance: float, action: float, guard: float) -> DecisionState:
    if size <= tolerance - guard:
        return DecisionState.PASS
    if size <= tolerance:
        return DecisionState.PASS_BAND
    return DecisionState.OUT_OF_TOLERANCE if size <= action else DecisionState.ACTION


@finite
def report_only(dose_gy: float, plausible_gy: tuple[float, float]) -> Decision:
    """No expected dose, but a range that is believable. Blocked outside it: no dose is shown then."""
    believable(dose_gy, *plausible_gy)
    return Decision(DecisionState.REPORT_ONLY, "plausible range")


def invalid(why: str) -> Decision:
    """The decision where a block forbids a number; `why` is the block's sentence."""
    return Decision(DecisionState.INVALID, "none", why=why)


@finite
def e_n(value: float, expanded: float, other: float, other_expanded: float) -> float:
    """E_n = |a - b| / √(U_a² + U_b²), all in one unit and both U at k = 2 (ISO 13528); up to 1 the two agree."""
    return abs(value - other) / math.hypot(expanded, other_expanded)


@finite
def false_accept_risk(
    tolerance_percent: float, acceptance_limit_percent: float, u_percent: float, dof: float = math.inf
) -> float:
    """Largest risk (0 to 1) that a result at the acceptance limit is truly outside the tolerance (one side)."""
    return student_cdf((acceptance_limit_percent - tolerance_percent) / u_percent, dof)
