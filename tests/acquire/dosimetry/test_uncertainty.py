"""The GUM: coverage factors of its own table, correlation, Monte Carlo as a cross-check, and control charts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire import dosimetry as d

# GUM table G.2: t for 68.27, 95.45 and 99.73 % by degrees of freedom.
TABLE_G2 = {
    1: (1.84, 13.97, 235.80), 2: (1.32, 4.53, 19.21), 3: (1.20, 3.31, 9.22), 4: (1.14, 2.87, 6.62),
    5: (1.11, 2.65, 5.51), 10: (1.05, 2.28, 3.96), 20: (1.03, 2.13, 3.42), 50: (1.01, 2.05, 3.16),
    100: (1.005, 2.025, 3.077),
}  # fmt: skip


@pytest.mark.parametrize("dof", TABLE_G2)
def test_coverage_factors_are_those_of_the_gum(dof: int) -> None:
    for p, stated in zip((0.6827, 0.9545, 0.9973), TABLE_G2[dof], strict=True):
        assert d.coverage_factor(dof, p) == pytest.approx(stated, rel=1.5e-3, abs=0.006)


def test_coverage_is_two_for_ample_degrees_of_freedom_and_cut_down_otherwise() -> None:
    assert d.coverage_factor(math.inf) == 2.0
    assert d.coverage_factor(math.inf, 0.95) == pytest.approx(1.959964, abs=1e-6)
    assert d.coverage_factor(4.9) == d.coverage_factor(4)


def test_gum_example_h1_effective_degrees_of_freedom() -> None:
    # JCGM 100:2008, H.1.6: u_c 32 nm, ν_eff 16 (unrounded 16.7)
    parts = [(25.0, 18), (9.7, 25.6), (2.9, 50), (16.6, 2)]
    assert d.quadrature([u for u, _ in parts]) == pytest.approx(32, abs=0.7)
    assert math.floor(d.effective_dof(parts)) == 16


def test_gum_example_h2_correlated_resistance_reactance_impedance() -> None:
    # JCGM 100:2008, H.2: V, I, φ with their correlations; R = V cos φ / I and |Z| = V/I
    inputs = {
        "v": d.InputQuantity(4.9990, 0.0032), "i": d.InputQuantity(19.661e-3, 0.0095e-3),
        "phi": d.InputQuantity(1.04446, 0.00075)
    }  # fmt: skip
    r = {("v", "i"): -0.36, ("v", "phi"): 0.86, ("i", "phi"): -0.65}
    resistance = d.propagate(lambda v, i, phi: v / i * math.cos(phi), inputs, r)
    assert resistance.value == pytest.approx(127.732, abs=5e-3)
    assert resistance.u == pytest.approx(0.071, abs=2e-3)
    impedance = d.propagate(lambda v, i, phi: v / i, inputs, r)
    assert impedance.u == pytest.approx(0.236, abs=2e-3)
    drawn = d.simulate(
        lambda v, i, phi: v / i * np.cos(phi),
        {name: d.Distribution(q.value, q.u) for name, q in inputs.items()},
        correlations=r,
    )
    assert drawn.u == pytest.approx(0.071, abs=2e-3)


def test_monte_carlo_confirms_the_budget_of_a_product_and_contradicts_a_wrong_one() -> None:
    inputs = {"n": d.Distribution(3.1, 0.03), "m": d.Distribution(16.0, 0.08), "cf": d.Distribution(0.99, 0.005)}
    drawn = d.simulate(lambda n, m, cf: n * m * cf, inputs)
    value, u = 3.1 * 16.0 * 0.99, 3.1 * 16.0 * 0.99 * math.hypot(0.03 / 3.1, 0.005, 0.005 / 0.99)
    assert d.confirms(value, u, 2.0, drawn, digits=1).confirmed
    assert not d.confirms(value, 1.5 * u, 2.0, drawn, digits=1).confirmed
    assert drawn == d.simulate(lambda n, m, cf: n * m * cf, inputs)


def test_a_model_that_is_not_linear_shows_in_the_cross_check() -> None:
    # a reading at background: the law of propagation knows nothing of the curvature of 1/(1 - x)
    inputs = {"x": d.Distribution(0.5, 0.12)}
    drawn = d.simulate(lambda x: 1 / (1 - x), inputs)
    first_order = d.propagate(lambda x: 1 / (1 - x), {"x": d.InputQuantity(0.5, 0.12)})
    assert not d.confirms(first_order.value, first_order.u, 2.0, drawn).confirmed
    assert drawn.value > first_order.value


@pytest.mark.parametrize("shape", ["normal", "rectangular", "triangular", "arcsine"])
def test_every_shape_has_the_stated_standard_uncertainty(shape: str) -> None:
    drawn = d.simulate(lambda x: x, {"x": d.Distribution(2.0, 0.1, shape)})
    assert (drawn.value, drawn.u) == (pytest.approx(2.0, abs=1e-3), pytest.approx(0.1, rel=0.01))


def test_a_mean_of_correlated_and_of_weighted_results() -> None:
    lab = d.Contribution("n_dw", 1.0, "certificate", shared_key="lab")
    budgets = [d.Budget((lab, d.Contribution("reading", u, "own"))) for u in (0.5, 2.0)]
    plain, weighted = d.mean_of_doses([2.0, 2.1], budgets), d.weighted_mean([2.0, 2.1], budgets)
    assert weighted.u < plain.u
    assert 2.0 < weighted.value < 2.05 < plain.value + 1e-9
    r = d.correlation_coefficient(d.Term(2.0, budgets[0]), d.Term(2.1, budgets[1]))
    assert r == pytest.approx(1.0 / (math.hypot(1, 0.5) * math.hypot(1, 2.0)))


@given(st.floats(0.1, 5), st.floats(0.1, 5))
def test_a_difference_of_results_loses_what_they_share(a: float, b: float) -> None:
    lab = d.Contribution("n_dw", 1.0, "certificate", shared_key="lab")
    terms = [d.Term(a, d.Budget((lab,))), d.Term(b, d.Budget((lab,)), -1.0)]
    assert d.combine(terms).u == pytest.approx(abs(a - b) / 100, abs=1e-12)


def test_the_exact_form_of_the_deviation_has_its_factor_and_its_name() -> None:
    common = {
        "dose_gy": 2.2, "expected_gy": 2.0, "u_measured_percent": 1.5, "u_expected_percent": 1.0,
        "tolerance_percent": 15.0, "action_percent": 20.0, "rule": "guard-band",
    }  # fmt: skip
    first, exact = d.decide(**common), d.decide(**common, u_form="exact")
    assert exact.expanded_percent == pytest.approx(1.1 * first.expanded_percent)
    assert (first.u_form, exact.u_form) == ("first-order", "exact")
    few = d.decide(**common, dof_measured=3)
    assert few.k > 2
    assert few.expanded_percent == pytest.approx(few.k * math.hypot(1.5, 1.0))


def test_the_table_of_a_budget_can_be_added_up() -> None:
    rows = (d.Contribution("N_D,w", 0.55, "certificate"), d.Contribution("reading", 0.2, "n = 5", kind="A", dof=4))
    lines = d.budget_table(d.Budget(rows)).splitlines()
    parts = [float(line.split()[-1]) for line in lines[1:-1]]
    assert math.hypot(*parts) == pytest.approx(d.Budget(rows).u_percent, abs=1e-4)
    assert f"{d.Budget(rows).u_percent:.4f}" in lines[-1]


def test_degrees_of_freedom_and_types_survive_a_combination() -> None:
    rows = (d.Contribution("reading", 1.0, "n = 3", kind="A", dof=2), d.Contribution("lab", 0.5, "b", shared_key="lab"))
    budget = d.mean_of_doses([2.0, 2.0], [d.Budget(rows)] * 2).budget()
    assert [(row.name, row.kind, row.dof) for row in budget.rows if row.kind == "A"] == [("reading", "A", 2)] * 2
    assert budget.k > 2


# --- trends ---


def series(values: list[float], detector: str = "D-11") -> list[d.Observation]:
    start = datetime(2027, 2, 1, 9, 0)
    return [d.Observation(start + timedelta(days=i), v, detector, "entrance", "LA-1") for i, v in enumerate(values)]


STEADY = [0.4, -0.6, 0.1, 0.8, -0.3, 0.2, -0.5, 0.6, -0.1, 0.3]


def test_a_steady_detector_raises_nothing() -> None:
    chart = d.chart(series(STEADY))
    assert chart.signals == ()
    assert chart.lower < min(STEADY) < max(STEADY) < chart.upper


def test_a_point_beyond_a_shift_and_a_drift_are_named() -> None:
    assert "lies outside" in d.chart(series([*STEADY, 5.0]), baseline=10).signals[0]
    shifted = d.chart(series([*STEADY, *[1.2 + x / 10 for x in STEADY]]), baseline=10)
    assert any("one side" in signal for signal in shifted.signals)
    drifting = d.chart(series([*STEADY, *[0.1 * i for i in range(6)]]), baseline=10)
    assert any("drift" in signal for signal in drifting.signals)


def test_charts_are_kept_apart_and_small_groups_wait() -> None:
    found = d.charts([*series(STEADY), *series(STEADY[:5], "D-12")])
    assert list(found) == [("D-11", "entrance", "LA-1")]
    with pytest.raises(d.OutsideValidity, match="at least eight"):
        d.chart(series(STEADY[:5]))


def test_a_slow_drift_shows_in_the_moving_average_first() -> None:
    drift = [0.05 * i for i in range(40)]
    beyond = [i for i, (_, _, out) in enumerate(d.ewma(drift, 0.0, 0.4, 0.2)) if out]
    assert beyond
    assert drift[beyond[0]] < 3 * 0.4
