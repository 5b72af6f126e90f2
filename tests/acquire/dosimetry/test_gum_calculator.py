"""Every dose method against GTC, an independent GUM calculator, on a thousand random budgets from raw readings."""

from __future__ import annotations

import math
from random import Random

import gum_equations as equations
import pytest
from GTC import get_correlation, reporting

from acquire import dosimetry as d


def a_batch(rng: Random, kind: str) -> equations.Batch:
    unit = "cGy/{counts}" if kind == "osl" else "nC/cGy"
    return equations.batch(rng, unit, inverse=kind == "osl", stated=rng.random() < 0.4)


METHODS = {
    "TLD": lambda rng: equations.tld_point(rng, a_batch(rng, "tld")),
    "TLD, linearity that follows the dose": lambda rng: equations.tld_point(rng, a_batch(rng, "tld"), line=True),
    "OSL": lambda rng: equations.osl_point(rng, a_batch(rng, "osl")),
    "reader's own form": equations.readers_form,
    "diode": equations.diode,
    "chamber": equations.chamber,
    "chamber, cross-calibrated": equations.cross_calibrated,
    "MOSFET": equations.mosfet,
}
EACH = 100


def agrees(value: float, budget: d.Budget, theirs: equations.UncertainReal) -> None:
    """Value, u, degrees of freedom and k.

    k is of ν cut down to a whole number (GUM G.4.1), and exactly 2 where ν is infinite; GTC takes ν above 1e5 for that.
    """
    assert value == pytest.approx(theirs.x, rel=1e-12)
    assert budget.u_percent == pytest.approx(100 * theirs.u / abs(theirs.x), rel=1e-9)
    assert budget.dof == pytest.approx(theirs.df, rel=1e-8)
    if math.isfinite(theirs.df):
        assert budget.k == pytest.approx(reporting.k_factor(math.floor(theirs.df * (1 + 1e-12)), 95.45), rel=1.5e-5)
    else:
        assert budget.k == 2.0


@pytest.mark.parametrize("method", METHODS)
def test_a_hundred_random_budgets_of_each_method_are_those_of_gtc(method: str) -> None:
    rng = Random(f"GUM {method}")
    for _ in range(EACH):
        made = METHODS[method](rng)
        agrees(made.ours.value_gy, made.ours.budget, made.theirs)


@pytest.mark.parametrize("kind", ["tld", "osl"])
def test_points_of_one_reader_session_and_their_mean(kind: str) -> None:
    rng = Random(f"GUM session {kind}")
    point = equations.tld_point if kind == "tld" else equations.osl_point
    for _ in range(EACH // 2):
        of = a_batch(rng, kind)
        pair_agrees(point(rng, of), point(rng, of))


def test_points_that_share_a_diodes_calibration_and_their_midline() -> None:
    rng = Random("GUM pair of diodes")
    for _ in range(EACH):
        n_cal = equations.factor(rng, 3.1, "cGy/nC", key="session F")
        one, other = equations.diode(rng, n_cal), equations.diode(rng, n_cal)
        pair_agrees(one, other)
        f_mid, f = equations.factor(rng, 0.98)
        middle = d.midline_mean(one.ours, other.ours, f_mid)
        agrees(middle.value_gy, middle.budget, (one.theirs + other.theirs) / 2 * f)


def pair_agrees(one: equations.Twice, other: equations.Twice) -> None:
    """Correlation, mean, and the degrees of freedom of the mean."""
    doses, budgets = [each.ours.value_gy for each in (one, other)], [each.ours.budget for each in (one, other)]
    r = d.correlation_coefficient(*(d.Term(dose, budget) for dose, budget in zip(doses, budgets, strict=True)))
    assert r == pytest.approx(get_correlation(one.theirs, other.theirs), abs=1e-8)
    mean, theirs = d.mean_of_doses(doses, budgets), (one.theirs + other.theirs) / 2
    agrees(mean.value, mean.budget(), theirs)
    assert (mean.u, mean.dof) == (pytest.approx(theirs.u, rel=1e-9), pytest.approx(theirs.df, rel=1e-8))
