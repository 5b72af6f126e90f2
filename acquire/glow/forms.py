"""Kinetic forms: how fast a trap's charge is used up, as a function of what has escaped.

Every form is one function h of τ, the integral of the escape probability: the light is rate · h(τ), h begins at 1 and
integrates to 1. That is all that tells first order from OTOR; heating and integral are elsewhere. From h follows where
the maximum lies: the light is highest where -τ h'/h = c, and c = x_m g(x_m) is the same for every form.

| form | h(τ) | its parameter |
|---|---|---|
| first | exp(-τ) (Randall and Wilkins 1945) | |
| second | (1 + τ)^-2 (Garlick and Gibson 1948) | |
| general | (1 + (b-1) τ)^(-b/(b-1)) (May and Partridge 1964; Kitis 1998) | b, 1 to 2.5 |
| mixed | m² exp(mτ) / (exp(mτ) - α)², m = 1 - α (Chen, Kristianpoller 1981) | α = n0/(n0 + c), 0 to 1 |
| otor | R / ((1-R)² (ω + ω²)), ω = wrightomega(Z) (Kitis and Vlachos 2013) | R = A_n/A_m, 0 to 1 |

OTOR: Z = R/(1-R) - ln((1-R)/R) + τ/(1-R), traps full at the beginning. R above 1 (more retrapping than second order)
is not offered. R and α tend to first order at 0 and to second order at 1; b is first order at 1, second at 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import wrightomega

from acquire.glow.errors import GlowError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Form:
    """A kinetic form.

    log_h(τ, q) gives ln h; slope(τ, q) gives d ln h/dτ; q is the form's own parameter (None where it has none: zeros
    are passed). low, high, start: its bounds and where a fit begins.
    """

    name: str
    log_h: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    parameter: str | None = None
    low: float = 0.0
    high: float = 0.0
    start: float = 0.0

    def at_maximum(self, c: Array, q: Array) -> Array:
        """τ where -τ h'/h = c, 0 < c < 1, by Newton from the first-order solution; a few steps suffice everywhere."""
        tau = c / (1 + 0.5 * (1 - c))
        for _ in range(30):
            h = 1e-6 * tau
            miss = -tau * self.slope(tau, q) - c
            steeper = (-(tau + h) * self.slope(tau + h, q) - c - miss) / h
            step = np.clip(miss / steeper, -tau / 2, tau)
            tau = tau - step
            if np.all(np.abs(step) <= 1e-13 * tau):
                break
        return tau


def _first(tau: Array, _: Array) -> Array:
    return -tau


def _first_slope(tau: Array, _: Array) -> Array:
    return np.full_like(tau, -1.0)


def _second(tau: Array, _: Array) -> Array:
    return -2 * np.log1p(tau)


def _second_slope(tau: Array, _: Array) -> Array:
    return -2 / (1 + tau)


def _general(tau: Array, b: Array) -> Array:
    more: Array = np.maximum(b - 1, 1e-6)
    return -(1 + more) / more * np.log1p(more * tau)


def _general_slope(tau: Array, b: Array) -> Array:
    more: Array = np.maximum(b - 1, 1e-6)
    slope: Array = -(1 + more) / (1 + more * tau)
    return slope


def _mixed_growth(tau: Array, alpha: Array) -> Array:
    """(exp(mτ) - α)/(m exp(mτ)), m = 1 - α, where both go to 0 together near second order."""
    m = 1 - alpha
    grown: Array = 1 - alpha * np.expm1(-m * tau) / m
    return grown


def _mixed(tau: Array, alpha: Array) -> Array:
    found: Array = -(1 - alpha) * tau - 2 * np.log(_mixed_growth(tau, alpha))
    return found


def _mixed_slope(tau: Array, alpha: Array) -> Array:
    m: Array = 1 - alpha
    slope: Array = -m - 2 * alpha * np.exp(-m * tau) / _mixed_growth(tau, alpha)
    return slope


def _otor_omega(tau: Array, r: Array) -> Array:
    omega: Array = wrightomega(r / (1 - r) + np.log(r / (1 - r)) + tau / (1 - r))
    return omega


def _otor(tau: Array, r: Array) -> Array:
    omega: Array = _otor_omega(tau, r)
    found: Array = np.log(r) - 2 * np.log1p(-r) - np.log(omega) - np.log1p(omega)
    return found


def _otor_slope(tau: Array, r: Array) -> Array:
    omega: Array = _otor_omega(tau, r)
    return -(1 + 2 * omega) / ((1 + omega) ** 2 * (1 - r))


FIRST = Form("first", _first, _first_slope)
SECOND = Form("second", _second, _second_slope)
GENERAL = Form("general", _general, _general_slope, "b", 1.001, 2.5, 1.1)
MIXED = Form("mixed", _mixed, _mixed_slope, "alpha", 0.001, 0.999, 0.1)
OTOR = Form("otor", _otor, _otor_slope, "r", 1e-4, 0.98, 0.05)

FORMS = {form.name: form for form in (FIRST, SECOND, GENERAL, MIXED, OTOR)}


def form_named(name: str) -> Form:
    """The form of this name. Raises GlowError, naming those there are."""
    if name not in FORMS:
        raise GlowError(f"There is no kinetic form '{name}'; there are {', '.join(FORMS)}.")
    return FORMS[name]
