"""How much has escaped from a trap by the time a temperature is reached, under a ramp or under any measured heating.

With x = E/kT a trap empties at the rate s exp(-x). Everything here is relative to a peak's own maximum (index m), so
that no number becomes too large: `rate` is exp(x_m - x), and `passed` is its integral over the heating in kelvin of a
linear ramp, the same before division by the ramp's rate for a measured profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integral = Literal["exact", "kitis"]

K_EV = 8.617333262e-5  # eV/K, CODATA 2018
_TERMS = 16
_LARGEST = 60.0  # exp of more than this is of no peak: the trap has been empty for long


def residual_integral(x: Array, integral: Integral) -> Array:
    """g(x) = exp(x) E2(x), with which the integral of exp(-E/kT) from 0 to T is T exp(-x) g(x). x: 3 to 600.

    "exact": the exponential integral E2 by its continued fraction (Abramowitz and Stegun 5.1.22, in its even form), of
    so many terms that what is left out is below 1e-9 of g from x = 3 on, and 1e-12 from x = 5, where all traps are.
    "kitis": 1/x - 2/x², its first two terms, which is what Kitis, Gomez-Ros and Tuyn, J. Phys. D 31 (1998) 2636 put
    into the formula of each order.
    """
    if integral == "kitis":
        return (1 - 2 / x) / x
    tail = x + (2 * _TERMS + 2)
    for k in range(_TERMS, 0, -1):
        tail = (x + 2 * k) - k * (k + 1) / tail
    g: Array = 1 / tail
    return g


def residual_slope(x: Array, g: Array, integral: Integral) -> Array:
    """g'(x)/g(x)."""
    if integral == "kitis":
        return (4 / x - 1) / (x - 2)
    return 1 + 1 / x - 1 / (x * g)


@dataclass(frozen=True, slots=True)
class Escape:
    """What a heating does to P peaks at its N points, each array P × N.

    log_rate: x_m - x. passed: the integral of exp(x_m - x), K. by_t_m, by_e: derivatives of ln(passed), per K and per
    eV. rate_by_t_m, rate_by_e: those of log_rate.
    """

    log_rate: Array
    passed: Array
    by_t_m: Array
    by_e: Array
    rate_by_t_m: Array
    rate_by_e: Array


class Heating(Protocol):
    """A heating, at the points of a curve."""

    def escape(self, t_m: Array, e: Array) -> Escape:
        """For peaks of these maxima (K, column) and energies (eV, column)."""
        ...


@dataclass(frozen=True, slots=True)
class LinearHeating:
    """A ramp that began far below: the integral runs from 0 K, as in every published formula of a peak."""

    temperature_k: Array
    integral: Integral = "exact"

    def escape(self, t_m: Array, e: Array) -> Escape:
        """Closed form, by g(x)."""
        x_m, x = e / (K_EV * t_m), e / (K_EV * self.temperature_k)
        log_rate = np.minimum(x_m - x, _LARGEST)
        g = residual_integral(x, self.integral)
        slope = residual_slope(x, g, self.integral)
        return Escape(
            log_rate=log_rate,
            passed=self.temperature_k * np.exp(log_rate) * g,
            by_t_m=-x_m / t_m,
            by_e=(x_m - x + slope * x) / e,
            rate_by_t_m=-x_m / t_m,
            rate_by_e=(x_m - x) / e,
        )


@dataclass(frozen=True, slots=True)
class MeasuredHeating:
    """A heating as it was measured: K at s, of any form (hot gas, contact heater, plateau), times growing.

    Between two points x is taken as linear in time, so a step is the logarithmic mean of the two rates: exact for
    plateaus, and for ramps to the curvature of x. `ramp_k_s` is the rate of the ramp to which T_m is referred; `at` are
    the points of the curve within the profile, which begins earlier where only a range is fitted.
    """

    time_s: Array
    temperature_k: Array
    ramp_k_s: float
    at: NDArray[np.intp]

    def escape(self, t_m: Array, e: Array) -> Escape:
        """By the numerical integral of the escape probability along the profile."""
        x_m, x = e / (K_EV * t_m), e / (K_EV * self.temperature_k)
        log_rate = np.minimum(x_m - x, _LARGEST)
        rate = np.exp(log_rate)
        steps = np.diff(self.time_s) * self.ramp_k_s
        passed = _along(steps * _log_mean(rate, log_rate), rate[:, :1])
        weighted = rate * (x_m - x) / e
        by_e = _along(steps * (weighted[:, 1:] + weighted[:, :-1]) / 2, weighted[:, :1])
        at, rate_by_e = self.at, (x_m - x) / e
        return Escape(log_rate[:, at], passed[:, at], -x_m / t_m, (by_e / passed)[:, at], -x_m / t_m, rate_by_e[:, at])


def _log_mean(rate: Array, log_rate: Array) -> Array:
    """(b - a)/ln(b/a) of neighbours a, b."""
    d = np.diff(log_rate)
    near = np.abs(d) < 1e-6
    return np.where(near, (rate[:, 1:] + rate[:, :-1]) / 2, np.diff(rate) / np.where(near, 1.0, d))


def _along(steps: Array, first: Array) -> Array:
    """The running sum from the first point; never 0, since its logarithm is taken."""
    tiny = 1e-12 * np.abs(first) + 1e-300
    return np.concatenate([tiny, tiny + np.cumsum(steps, axis=1)], axis=1)
