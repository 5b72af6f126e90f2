"""The probability of conformity against drawn doses, and what few degrees of freedom do to a decision."""

from __future__ import annotations

import math

import pytest

from acquire import dosimetry as d


@pytest.mark.parametrize("u_expected", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("dof", [2.0, 5.0, math.inf])
@pytest.mark.parametrize(("deviation", "tolerance"), [(0.0, 5.0), (3.6, 7.0), (-6.0, 7.0), (20.0, 30.0)])
def test_the_probability_of_conformity_is_that_of_draws(deviation, tolerance, dof, u_expected) -> None:
    asked = {
        "deviation_percent": deviation, "tolerance_percent": tolerance, "u_measured_percent": 2.3,
        "u_expected_percent": u_expected, "dof_measured": dof,
    }  # fmt: skip
    drawn = d.p_conform_drawn(**asked, draws=400_000)
    assert d.p_in_tolerance(**asked) == pytest.approx(drawn, abs=3e-3)


def test_two_doses_of_few_degrees_of_freedom_each() -> None:
    asked = {
        "deviation_percent": 2.0, "tolerance_percent": 7.0, "u_measured_percent": 2.0, "u_expected_percent": 2.5,
        "dof_measured": 3.0, "dof_expected": 2.0,
    }  # fmt: skip
    assert d.p_in_tolerance(**asked) == pytest.approx(d.p_conform_drawn(**asked), abs=2e-3)


def test_the_first_order_and_the_normal_distribution_promise_too_much() -> None:
    # a ratio of 1.2 with most of the uncertainty in the expected dose: 0.88 at first order, 0.82 of the draws
    asked = {"u_measured_percent": 2.99, "u_expected_percent": 8.08, "tolerance_percent": 30.0}
    assert d.p_conform(19.83, 30.0, math.hypot(2.99, 8.08)) == pytest.approx(0.881, abs=1e-3)
    assert d.p_in_tolerance(deviation_percent=19.83, **asked) == pytest.approx(0.820, abs=1e-3)
    # two degrees of freedom: the tails of Student's t; P(|T| <= x) = x/√(2 + x²)
    assert d.p_conform(0.0, 3.0, 1.0, 2.0) == pytest.approx(3 / math.sqrt(11))
    few = d.decide(
        dose_gy=2.0, u_measured_percent=1.0, expected_gy=2.0, u_expected_percent=0.0, tolerance_percent=3.0,
        action_percent=5.0, rule="simple-acceptance", dof_measured=2.0,
    )  # fmt: skip
    assert few.p_conform == pytest.approx(3 / math.sqrt(11))
    assert d.false_accept_risk(5.0, 3.0, 1.0, 2.0) == pytest.approx(0.5 - 1 / math.sqrt(6))


def test_without_any_uncertainty_it_conforms_or_does_not() -> None:
    exact = {"tolerance_percent": 5.0, "u_measured_percent": 0.0, "u_expected_percent": 0.0}
    found = [d.p_in_tolerance(deviation_percent=each, **exact) for each in (-5.1, -5.0, 0.0, 5.0, 5.1)]
    assert found == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_a_method_of_few_degrees_of_freedom_is_fit_for_less() -> None:
    u = math.hypot(1.5, 1.0)
    assert d.fit_for(4.0, 1.5, 1.0) == (True, pytest.approx(2 * u))
    assert d.fit_for(4.0, 1.5, 1.0, 3.0) == (False, pytest.approx(d.coverage_factor(6) * u))
    assert "U of the deviation is 4.5 %" in str(d.fitness(4.0, 1.5, 1.0, 3.0))
    assert d.fit_for(4.0, 1.5, 1.0, math.inf, 3.0)[1] == pytest.approx(d.coverage_factor(31) * u)


# --- states ---


def decided(percent: float, rule: str = "simple-acceptance", **more) -> d.Decision:
    """A dose so many percent off an expected one of 64 Gy (exact in binary for eighths of a percent)."""
    asked = {"u_measured_percent": 0.75, "u_expected_percent": 1.0, "tolerance_percent": 6.25, "action_percent": 12.5}
    return d.decide(dose_gy=64.0 + 0.64 * percent, expected_gy=64.0, rule=rule, **asked | more)


@pytest.mark.parametrize(
    ("percent", "rule", "state"),
    [
        (0.0, "guard-band", "PASS"), (3.74, "guard-band", "PASS"), (3.76, "guard-band", "PASS, uncertainty band"),
        (-3.74, "guard-band", "PASS"), (6.25, "guard-band", "PASS, uncertainty band"),
        (6.3, "guard-band", "OUT OF TOLERANCE"), (-6.3, "guard-band", "OUT OF TOLERANCE"),
        (12.5, "guard-band", "OUT OF TOLERANCE"), (12.6, "guard-band", "ACTION"), (-12.6, "guard-band", "ACTION"),
        (6.25, "simple-acceptance", "PASS"), (-6.25, "simple-acceptance", "PASS"),
        (6.3, "simple-acceptance", "OUT OF TOLERANCE"),
    ],
)  # fmt: skip
def test_each_state_ends_at_its_limit(percent: float, rule: str, state: str) -> None:
    # U = 2 √(0.75² + 1²) = 2.5
    found = decided(percent, rule)
    assert (found.state, found.rule, found.u_form) == (state, rule, "first-order")
    assert (found.k, found.expanded_percent) == (2.0, pytest.approx(2.5))
    assert (found.tolerance_percent, found.action_percent) == (6.25, 12.5)
    assert found.deviation_percent == pytest.approx(percent)
    assert found.acceptance_limit_percent == pytest.approx(3.75 if rule == "guard-band" else 6.25)


def test_what_a_state_asks_of_people() -> None:
    asks = {decided(percent).state: decided(percent) for percent in (0.0, 8.0, 20.0)}
    assert [each.accepted for each in asks.values()] == [True, False, False]
    assert decided(5.0, "guard-band").accepted
    assert asks[d.DecisionState.PASS].asks is None
    assert asks[d.DecisionState.OUT_OF_TOLERANCE].asks == "repeat at the next planned fraction, physicist's review"
    assert asks[d.DecisionState.ACTION].asks == (
        "hold before the next fraction; physicist and physician informed the same day"
    )
    blocked = d.invalid("dry the connector")
    assert (blocked.state, blocked.rule, blocked.why) == ("INVALID", "none", "dry the connector")
    assert blocked.asks == "no number; the cause is in the record"
    assert (blocked.accepted, blocked.acceptance_limit_percent, blocked.k) == (False, None, None)
    assert d.Decision(d.DecisionState.PASS, "guard-band", tolerance_percent=5.0).acceptance_limit_percent is None


def test_the_exact_form_widens_u_and_few_degrees_of_freedom_k() -> None:
    exact = decided(4.0, "guard-band", u_form="exact")
    assert exact.expanded_percent == pytest.approx(2.5 * 1.04)
    assert exact.p_conform == pytest.approx(decided(4.0, "guard-band").p_conform, abs=0)
    few = decided(0.0, dof_measured=2.0, dof_expected=3.0)
    # (0.75² + 1)² / (0.75⁴/2 + 1/3) = 4.96: cut down to 4
    assert few.k == pytest.approx(d.coverage_factor(4))
    assert few.p_conform == pytest.approx(
        d.p_in_tolerance(
            deviation_percent=0.0, tolerance_percent=6.25, u_measured_percent=0.75, u_expected_percent=1.0,
            dof_measured=2.0, dof_expected=3.0,
        )
    )  # fmt: skip


def test_limits_and_rules_that_are_none_are_refused() -> None:
    for wrong in ({"rule": "by eye"}, {"u_form": "by eye"}):
        with pytest.raises(d.OutsideValidity, match=r"by eye' is unknown|by eye' with the form"):
            decided(0.0, **wrong)
    for tolerance, action in ((0.0, 5.0), (-1.0, 5.0), (5.1, 5.0)):
        with pytest.raises(d.OutsideValidity, match="must be above 0 and not above the action level"):
            decided(0.0, tolerance_percent=tolerance, action_percent=action)
    assert decided(0.0, tolerance_percent=5.0, action_percent=5.0).state == "PASS"
    assert decided(0.5, tolerance_percent=0.75, action_percent=0.9).state == "PASS"
    with pytest.raises(d.Blocked, match="times the expected"):
        decided(401.0)


def test_without_an_expected_dose_a_believable_one_is_reported() -> None:
    found = d.report_only(0.2, (0.01, 0.3))
    assert (found.state, found.rule, found.p_conform) == (d.DecisionState.REPORT_ONLY, "plausible range", None)
    with pytest.raises(d.Blocked, match="above the plausible 30 cGy"):
        d.report_only(0.31, (0.01, 0.3))


def test_e_n_and_the_risk_of_accepting_falsely() -> None:
    assert d.e_n(2.0, 0.03, 2.05, 0.04) == pytest.approx(1.0)
    assert d.e_n(2.05, 0.03, 2.0, 0.04) == pytest.approx(1.0)
    assert d.false_accept_risk(5.0, 5.0, 1.0) == pytest.approx(0.5)
    assert d.false_accept_risk(5.0, 3.0, 1.0) == pytest.approx(0.02275, abs=1e-5)
    assert d.false_accept_risk(5.0, 3.0, 2.0) == pytest.approx(0.15866, abs=1e-5)
    assert d.p_conform(1.0, 3.0, 2.0) == pytest.approx(0.84134 - 0.02275, abs=1e-4)
    assert d.p_conform(-1.0, 3.0, 2.0) == pytest.approx(0.84134 - 0.02275, abs=1e-4)
    assert d.fit_for(2.5, 0.75, 1.0) == (False, pytest.approx(2.5))
    assert d.fit_for(2.51, 0.75, 1.0)[0]
    assert d.fitness(2.5, 0.75, 1.0) == (
        "The method is not fit for this tolerance: U of the deviation is 2.5 %, the tolerance 2.5 %; a tolerance above"
        " 2.5 % would fit."
    )
    assert d.fitness(2.51, 0.75, 1.0) is None
