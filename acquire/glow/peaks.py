"""Glow peaks by what can be seen of them: height, maximum and energy, and what follows: light, derivatives, area, s.

The maximum T_m is that under a ramp. I(T) = I_m exp(x_m - x) h(τ)/h(τ_m), τ = τ_m passed(T)/passed(T_m).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.glow.escape import K_EV, Heating, Integral, LinearHeating, residual_integral, residual_slope
from acquire.glow.forms import Form

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Maximum:
    """What holds at the maxima of P peaks: τ there, the passed integral there (K), ln h, and how they change."""

    tau: Array
    passed: Array
    log_h: Array
    tau_by_c: Array
    tau_by_q: Array
    c_by_x: Array
    x_m: Array
    slope: Array


def at_maximum(form: Form, t_m: Array, e: Array, q: Array, integral: Integral) -> Maximum:
    """For peaks of these T_m (K), E (eV) and form parameters, arrays of one shape."""
    x_m = e / (K_EV * t_m)
    g = residual_integral(x_m, integral)
    slope = residual_slope(x_m, g, integral)
    c = x_m * g
    tau, by_c, by_q = _maximum_of(form, c, q)
    return Maximum(tau, t_m * g, form.log_h(tau, q), by_c, by_q, g * (1 + x_m * slope), x_m, slope)


def _maximum_of(form: Form, c: Array, q: Array) -> tuple[Array, Array, Array]:
    """τ_m and its derivatives by c and q: closed where the form has no parameter, else by implicit differentiation."""
    if form.parameter is None:
        if form.name == "first":
            return c, np.ones_like(c), np.zeros_like(c)
        return c / (2 - c), 2 / (2 - c) ** 2, np.zeros_like(c)
    tau = form.at_maximum(c, q)
    h = 1e-5 * tau
    by_tau = (-(tau + h) * form.slope(tau + h, q) + (tau - h) * form.slope(tau - h, q)) / (2 * h)
    k = 1e-5 * q
    miss_by_q = tau * (form.slope(tau, q - k) - form.slope(tau, q + k)) / (2 * k)
    return tau, 1 / by_tau, -miss_by_q / by_tau


def shapes(form: Form, heating: Heating, t_m: Array, e: Array, q: Array, integral: Integral) -> Array:
    """Light of P peaks of height 1 at the heating's N points, P × N."""
    top = at_maximum(form, t_m, e, q, integral)
    gone = heating.escape(t_m[:, None], e[:, None])
    tau = (top.tau / top.passed)[:, None] * gone.passed
    light: Array = np.exp(gone.log_rate + form.log_h(tau, q[:, None]) - top.log_h[:, None])
    return light


def shapes_and_slopes(
    form: Form, heating: Heating, t_m: Array, e: Array, q: Array, integral: Integral
) -> tuple[Array, Array, Array, Array | None]:
    """The same with its derivatives by T_m (1/K), E (1/eV) and q; the last is None for a form without a parameter.

    Of the logarithm of the light, the derivative is that of the rate, plus h'/h times that of τ, minus h'/h times that
    of τ_m; the peak's own columns and no others.
    """
    top = at_maximum(form, t_m, e, q, integral)
    gone = heating.escape(t_m[:, None], e[:, None])
    tau = (top.tau / top.passed)[:, None] * gone.passed
    column = q[:, None]
    light = np.exp(gone.log_rate + form.log_h(tau, column) - top.log_h[:, None])
    bent = tau * form.slope(tau, column)
    tau_by_x = top.tau_by_c * top.c_by_x
    bent_m = form.slope(top.tau, q)
    by = []
    for x_by, passed_by, gone_by, rate_by in (
        (-top.x_m / t_m, 1 / t_m - top.slope * top.x_m / t_m, gone.by_t_m, gone.rate_by_t_m),
        (top.x_m / e, top.slope * top.x_m / e, gone.by_e, gone.rate_by_e),
    ):
        of_tau_m = tau_by_x * x_by
        own = of_tau_m / top.tau - passed_by
        by.append(light * (rate_by + bent * (own[:, None] + gone_by) - (bent_m * of_tau_m)[:, None]))
    if form.parameter is None:
        return light, by[0], by[1], None
    k = 1e-5 * q
    kc = k[:, None]
    straight = (form.log_h(tau, column + kc) - form.log_h(tau, column - kc)) / (2 * kc)
    straight_m = (form.log_h(top.tau, q + k) - form.log_h(top.tau, q - k)) / (2 * k)
    by_q = straight + bent * (top.tau_by_q / top.tau)[:, None] - (straight_m + bent_m * top.tau_by_q)[:, None]
    return light, by[0], by[1], light * by_q


def areas(form: Form, i_m: Array, t_m: Array, e: Array, q: Array, integral: Integral) -> Array:
    """∫ I dT of each peak under a ramp, in signal · K; of first order I_m (kT_m²/E) exp(x_m g(x_m))."""
    top = at_maximum(form, t_m, e, q, integral)
    return i_m * top.passed / top.tau * np.exp(-top.log_h)


def widths(form: Form, t_m: Array, e: Array, q: Array, integral: Integral) -> Array:
    """Full width at half height under a ramp, K, of each peak; by straight lines on a grid of 0.4 % of T_m."""
    relative = np.arange(0.6, 1.6, 0.004)
    own = LinearHeating(t_m[:, None] * relative, integral)  # each peak's light at temperatures of its own
    wide: list[float] = []
    for light in shapes(form, own, t_m, e, q, integral):
        top = int(light.argmax())
        cold = np.interp(0.5, light[: top + 1], relative[: top + 1])
        hot = np.interp(-0.5, -light[top:], relative[top:])
        wide.append(float(hot - cold))
    return np.asarray(t_m * np.array(wide))


def log10_frequency_factors(form: Form, t_m: Array, e: Array, q: Array, ramp_k_s: float, integral: Integral) -> Array:
    """log10 of s in 1/s, of a ramp in K/s; of first order s = (βE/(kT_m²)) exp(x_m)."""
    top = at_maximum(form, t_m, e, q, integral)
    found: Array = np.log10(ramp_k_s * top.tau / top.passed) + top.x_m / np.log(10)
    return found
