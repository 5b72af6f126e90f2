"""Every kinetic form and every heating, against the rate equation stepped by somebody else's integrator."""

from __future__ import annotations

import numpy as np
import pytest
from rate_equations import light
from scipy.integrate import quad
from scipy.special import expn, lambertw

from acquire.glow import Settings, analyse, forms, glow_curve
from acquire.glow.escape import K_EV, LinearHeating, MeasuredHeating, residual_integral
from acquire.glow.forms import FORMS, form_named
from acquire.glow.peaks import areas, log10_frequency_factors, shapes, shapes_and_slopes

CASES = [("first", 0.0), ("second", 0.0), ("general", 1.2), ("general", 1.9), ("mixed", 0.2), ("mixed", 0.9),
         ("otor", 0.01), ("otor", 0.3), ("otor", 0.95), ("otor-strong", 1.0), ("otor-strong", 1.5),
         ("otor-strong", 9.0)]  # fmt: skip
T_M, E, RAMP = np.array([480.0]), np.array([1.3]), 5.0
START = 280.0


def q_of(q: float) -> np.ndarray:
    return np.array([q])


@pytest.mark.parametrize(("name", "q"), CASES)
def test_a_form_under_a_ramp_is_what_its_rate_equation_gives(name: str, q: float) -> None:
    form = form_named(name)
    kelvin = np.linspace(START, 620.0, 400)
    log_s = float(log10_frequency_factors(form, T_M, E, q_of(q), RAMP, "exact")[0]) * np.log(10)
    stepped = light(name, q, 1.3, log_s, (kelvin - START) / RAMP, lambda t: START + RAMP * t)
    ours = shapes(form, LinearHeating(kelvin), T_M, E, q_of(q), "exact")[0]
    assert np.abs(ours - stepped / stepped.max()).max() < 2e-4  # the grid misses the very maximum
    assert kelvin[ours.argmax()] == pytest.approx(480, abs=0.9)


@pytest.mark.parametrize(("name", "q"), CASES)
def test_a_form_under_a_contact_heater_is_what_its_rate_equation_gives(name: str, q: float) -> None:
    """T(t) = 573 - (573 - 293) exp(-0.1 t): no ramp at all, and at the end a plateau."""
    form = form_named(name)
    seconds = np.linspace(0.0, 60.0, 600)

    def heater(t: float) -> float:
        return float(573.0 - 280.0 * np.exp(-0.1 * t))

    kelvin = np.array([heater(t) for t in seconds])
    log_s = float(log10_frequency_factors(form, T_M, E, q_of(q), RAMP, "exact")[0]) * np.log(10)
    stepped = light(name, q, 1.3, log_s, seconds, heater)
    ours = shapes(form, MeasuredHeating(seconds, kelvin, RAMP, np.arange(seconds.size)), T_M, E, q_of(q), "exact")[0]
    assert np.abs(ours / ours.max() - stepped / stepped.max()).max() < 2e-3


@pytest.mark.parametrize(("name", "q"), CASES)
def test_the_area_of_a_peak_is_its_integral(name: str, q: float) -> None:
    form = form_named(name)
    kelvin = np.linspace(150.0, 2000.0, 60_001)
    light = shapes(form, LinearHeating(kelvin), T_M, E, q_of(q), "exact")[0]
    area = float(areas(form, np.ones(1), T_M, E, q_of(q), "exact")[0])
    assert area == pytest.approx(np.trapezoid(light, kelvin), rel=2e-4)


@pytest.mark.parametrize(("name", "q"), CASES)
@pytest.mark.parametrize("heating", ["ramp", "heater"])
def test_the_slopes_are_those_of_the_light(name: str, q: float, heating: str) -> None:
    form = form_named(name)
    seconds = np.linspace(0, 60, 200)
    kelvin = 300 + 5 * seconds if heating == "ramp" else 573.0 - 280.0 * np.exp(-0.1 * seconds)
    how = (
        LinearHeating(kelvin) if heating == "ramp" else MeasuredHeating(seconds, kelvin, RAMP, np.arange(seconds.size))
    )

    def at(t_m: float, e: float, q: float) -> np.ndarray:
        return shapes(form, how, np.array([t_m]), np.array([e]), np.array([q]), "exact")[0]

    _, by_t, by_e, by_q = shapes_and_slopes(form, how, T_M, E, q_of(q), "exact")
    h = 1e-4
    slack = 1e-6 if heating == "ramp" else 2e-3  # the profile's own slopes are those of a step, not of a sum
    assert np.abs(by_t[0] - (at(480 + h, 1.3, q) - at(480 - h, 1.3, q)) / (2 * h)).max() < slack
    assert np.abs(by_e[0] - (at(480, 1.3 + h, q) - at(480, 1.3 - h, q)) / (2 * h)).max() < 20 * slack
    if by_q is None:
        assert form.parameter is None
    else:
        assert np.abs(by_q[0] - (at(480, 1.3, q + h) - at(480, 1.3, q - h)) / (2 * h)).max() < 1e-4


def test_the_exact_integral_is_the_exponential_integral() -> None:
    x = np.geomspace(5, 300, 50)
    assert residual_integral(x, "exact") == pytest.approx(np.exp(x) * expn(2, x), rel=1e-11)
    by_hand, _ = quad(lambda t: np.exp(1.3 / (K_EV * 480) - 1.3 / (K_EV * t)), 1, 480, epsabs=0, epsrel=1e-12)
    assert 480 * residual_integral(np.array([1.3 / (K_EV * 480)]), "exact")[0] == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize(("name", "b"), [("first", 1.0), ("second", 2.0), ("general", 1.5)])
def test_kitis_formulas_come_out_as_published(name: str, b: float) -> None:
    """J. Phys. D 31 (1998) 2636: Δ = 2kT/E, u = (E/kT)(T - T_m)/T_m."""
    kelvin = np.linspace(350, 600, 200)
    x, x_m = 1.3 / (K_EV * kelvin), 1.3 / (K_EV * 480)
    u, d, d_m = x_m - x, 2 / x, 2 / x_m
    grown = (kelvin / 480) ** 2 * np.exp(u) * (1 - d)
    if name == "first":
        published = np.exp(1 + u - grown - d_m)
    elif name == "second":
        published = 4 * np.exp(u) * (grown + 1 + d_m) ** -2
    else:
        published = b ** (b / (b - 1)) * np.exp(u) * ((b - 1) * grown + 1 + (b - 1) * d_m) ** (-b / (b - 1))
    ours = shapes(form_named(name), LinearHeating(kelvin, "kitis"), T_M, E, q_of(b), "kitis")[0]
    assert ours == pytest.approx(published, rel=1e-9)


def test_the_published_triples_of_the_intercomparison_agree() -> None:
    """Curve 002 of RPD 47 (1993) 473: E, T_m and s of its peaks at 8.4 K/s; s as log10. And curve 001 at 1 K/s."""
    t_m, e = np.array([417.2, 456.6, 484.1, 511.7]), np.array([1.3834, 1.4883, 1.5832, 2.0038])
    found = log10_frequency_factors(FORMS["first"], t_m, e, np.zeros(4), 8.4, "exact")
    assert found == pytest.approx(np.log10([3.981e16, 1.6401e16, 2.0054e16, 4.0695e19]), abs=0.07)
    one = log10_frequency_factors(FORMS["first"], np.array([490.5]), np.array([1.1824]), np.zeros(1), 1.0, "exact")
    assert one[0] == pytest.approx(np.log10(8.0573e10), abs=0.01)


def test_forms_meet_where_they_must() -> None:
    kelvin = np.linspace(350, 600, 100)
    heating = LinearHeating(kelvin)

    def of(name: str, q: float) -> np.ndarray:
        return shapes(form_named(name), heating, T_M, E, q_of(q), "exact")[0]

    assert of("general", 2.0) == pytest.approx(of("second", 0), rel=1e-9, abs=1e-12)
    for name, q in (("general", 1.0), ("mixed", 1e-7), ("otor", 1e-7)):
        assert np.abs(of(name, q) - of("first", 0)).max() < 1e-4, name
    assert np.abs(of("mixed", 1 - 1e-6) - of("second", 0)).max() < 1e-4
    assert of("otor-strong", 1.0) == pytest.approx(of("second", 0), rel=1e-9, abs=1e-12)
    below, above = of("otor", 0.98), of("otor-strong", 1.0)
    assert 0 < np.abs(below - above).max() < 0.01


@pytest.mark.parametrize("r", [1.02, 1.5, 3.0, 10.0])
def test_strong_retrapping_is_the_other_branch_of_lamberts_w(r: float) -> None:
    """Sadek et al. 2015: with z as in forms.py, w = -W_-1(-exp(-z)), where that exponential is not 0 yet."""
    tau = np.geomspace(1e-4, 30, 60)
    z = (r + tau) / (r - 1) - np.log(r / (r - 1))
    shown = z < 700
    assert shown.sum() > 20
    w = -lambertw(-np.exp(-z[shown]), -1).real
    published = np.log(r / (r - 1) ** 2 / (w**2 - w))
    ours = FORMS["otor-strong"].log_h(tau[shown], np.full(int(shown.sum()), r))
    assert ours == pytest.approx(published, rel=1e-6, abs=1e-9)


def test_weak_retrapping_by_omega_and_by_newton_is_the_same() -> None:
    tau = np.geomspace(1e-6, 1e4, 200)
    for r in (0.5, 0.9, 0.979):
        by_omega = forms._otor_u(tau, np.full(tau.size, r))
        assert forms._otor_u_strong(tau, np.full(tau.size, r)) == pytest.approx(by_omega, rel=1e-11)


@pytest.mark.parametrize("r", [1.5, 4.0])
def test_a_trap_that_retraps_strongly_is_found_again(r: float) -> None:
    """From its rate equation, with noise of a thousandth of the maximum."""
    kelvin = np.linspace(START, 700.0, 300)
    log_s = float(log10_frequency_factors(FORMS["otor-strong"], T_M, E, q_of(r), RAMP, "exact")[0]) * np.log(10)
    stepped = light("otor-strong", r, 1.3, log_s, (kelvin - START) / RAMP, lambda t: START + RAMP * t)
    signal = 1000 * stepped / stepped.max() + np.random.default_rng(1).normal(0, 1, kelvin.size)
    found = analyse(
        glow_curve(kelvin, signal, ramp_k_s=RAMP), "single", Settings(form="otor-strong", background="none")
    )
    (peak,) = found.peaks
    assert (peak.t_m_k, peak.e_ev) == (pytest.approx(480, abs=0.5), pytest.approx(1.3, abs=0.02))
    assert peak.shape == pytest.approx(r, rel=0.1)
    assert found.fom_percent is not None
    assert found.fom_percent < 0.5
