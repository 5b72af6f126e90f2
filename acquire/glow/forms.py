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
| otor | 1 / (u (1 - R + R u)), u = n0/n (Kitis and Vlachos 2013) | R = A_n/A_m, 0 to 0.98 |
| otor-strong | the same (Sadek et al. 2015) | R, 1 to 10 |

OTOR, traps full at the beginning: u is what solves R (u-1) + (1-R) ln u = τ. Both branches of Lambert's W solve it: for
R < 1, u = ω (1-R)/R with ω = W_0(exp Z) = wrightomega(Z), Z = R/(1-R) - ln((1-R)/R) + τ/(1-R); for R > 1 (retrapping
stronger than recombination, otor-strong), u = w (R-1)/R with w = -W_-1(-exp(-z)), z = (R+τ)/(R-1) - ln(R/(R-1)), whose
exponential is 0 for most z that matter. So from R = 0.98 on, across second order at 1, it is Newton's solution of the
equation itself. R and α tend to first order at 0 and to second order at 1; b is first order at 1, second at 2. Strong
retrapping is a form of its own, to be asked for: with R free from 0 to 10, faint peaks of a sum go to its bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.glow.errors import GlowError
from acquire.glow.solvers import wrightomega

Array = NDArray[np.float64]
_BY_OMEGA = 0.98  # R up to which Wright's omega is as exact as it is quick


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


def _otor_u(tau: Array, r: Array) -> Array:
    """n0/n, from 1 up."""
    weak = np.minimum(r, _BY_OMEGA)
    odds = weak / (1 - weak)
    u: Array = wrightomega(odds + np.log(odds) + tau / (1 - weak)) / odds
    return u if np.all(r <= _BY_OMEGA) else np.where(r > _BY_OMEGA, _otor_u_strong(tau, np.maximum(r, _BY_OMEGA)), u)


def _otor_u_strong(tau: Array, r: Array) -> Array:
    """By Newton from 1 + τ, which is u at R = 1: below it u is greater and above it less, and no step goes too far."""
    u: Array = 1 + tau + 0 * r
    for _ in range(50):
        step = (r * (u - 1) + (1 - r) * np.log(u) - tau) * u / (1 - r + r * u)
        u = np.maximum(u - step, 1.0)
        if np.all(np.abs(step) <= 1e-14 * u):
            break
    return u


def _otor(tau: Array, r: Array) -> Array:
    u: Array = _otor_u(tau, r)
    found: Array = -np.log(u) - np.log1p(r * (u - 1))
    return found


def _otor_slope(tau: Array, r: Array) -> Array:
    grown: Array = 1 + r * (_otor_u(tau, r) - 1)
    slope: Array = -(grown + r + grown - 1) / grown**2
    return slope


FIRST = Form("first", _first, _first_slope)
SECOND = Form("second", _second, _second_slope)
GENERAL = Form("general", _general, _general_slope, "b", 1.001, 2.5, 1.1)
MIXED = Form("mixed", _mixed, _mixed_slope, "alpha", 0.001, 0.999, 0.1)
OTOR = Form("otor", _otor, _otor_slope, "r", 1e-4, 0.98, 0.05)
OTOR_STRONG = Form("otor-strong", _otor, _otor_slope, "r", 1.0, 10.0, 2.0)

FORMS = {form.name: form for form in (FIRST, SECOND, GENERAL, MIXED, OTOR, OTOR_STRONG)}


def form_named(name: str) -> Form:
    """The form of this name. Raises GlowError, naming those there are."""
    if name not in FORMS:
        raise GlowError(f"There is no kinetic form '{name}'; there are {', '.join(FORMS)}.")
    return FORMS[name]
