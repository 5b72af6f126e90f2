"""Least squares of a model with bounds, and the covariance of what it found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.glow.model import Model, Peaks
from acquire.glow.statistics import covariance_of

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

E_EV = (0.5, 3.0)  # what an energy may be at all: below is no dosimetric trap, above no fitted peak of a real material
_E_ROOM = 0.8  # eV to either side of where a fit begins
_T_ROOM = 25.0  # K to either side, and never past the neighbour
_NEAR = 1e-6  # of a bound's room: nearer than this a parameter lies at its bound
_PRECISION = 1e-6  # of the sum of squares, gained by the last step
_OFF = 1e-3  # of its room, by which a parameter that begins at a bound is taken off it
_STRIDE, _SNAP = 0.7, 1e-3
_MOST_STEPS, _MOST_TRIES = 60, 12


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lowest, highest, and what each parameter is measured in."""

    low: Array
    high: Array
    scale: Array


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit: parameters, light and Jacobian (parameters × N) there, weighted sum of squares, which lie at bounds."""

    model: Model
    p: Array
    light: Array
    slopes: Array
    chi2: float
    at_bound: Bools

    @property
    def peaks(self) -> Peaks:
        """The peaks of the solution."""
        return self.model.unpack(self.p)[0]

    @property
    def under(self) -> Array:
        """The background's parameters."""
        return self.model.unpack(self.p)[1]

    def bic(self, known_noise: bool) -> float:
        """Schwarz's criterion: the lower, the better are so many free parameters worth their while."""
        n, k = self.light.size, int(np.sum(~self.at_bound))
        lack = self.chi2 if known_noise else n * np.log(max(self.chi2, 1e-300) / n)
        return float(lack + k * np.log(n))


def bounds_of(model: Model, peaks: Peaks, temperature_k: Array, top: float) -> Bounds:
    """Physical bounds round a start: heights from 0, T_m by at most 25 K and between its neighbours, E 0.5 to 3 eV."""
    n = peaks.t_m.size
    gaps = 0.7 * np.diff(peaks.t_m, prepend=-np.inf, append=np.inf)
    cold = np.maximum(peaks.t_m - np.minimum(_T_ROOM, gaps[:-1]), temperature_k.min() - 15)
    hot = np.minimum(peaks.t_m + np.minimum(_T_ROOM, gaps[1:]), temperature_k.max() + 15)
    weak, deep = np.maximum(peaks.e - _E_ROOM, E_EV[0]), np.minimum(peaks.e + _E_ROOM, E_EV[1])
    low, high = model.background.bounds(top)
    form = model.form
    return Bounds(
        model.pack(Peaks(np.zeros(n), cold, weak, np.full(n, form.low)), low),
        model.pack(Peaks(np.full(n, 10 * top), hot, deep, np.full(n, form.high)), high),
        model.pack(
            Peaks(np.full(n, top), np.full(n, 10.0), np.full(n, 0.1), np.full(n, 0.1)), model.background.scales(top)
        ),
    )


def fit(model: Model, signal: Array, u: Array, start: Array, bounds: Bounds) -> Fitted:
    """The least-squares solution for signals of standard uncertainty u (or all the same, where it is not known).

    Levenberg and Marquardt's method with bounds: parameters that press against theirs rest, the others take the damped
    Gauss-Newton step, at most so much of the way to a bound. It finds what scipy.optimize.least_squares does (a test
    compares them) in half of the time, most of which goes there into what each step costs beside the model.
    """
    low, high, scale = bounds.low / bounds.scale, bounds.high / bounds.scale, bounds.scale
    p = np.clip(start / scale, low + _OFF * (high - low) * (start / scale <= low), high)
    light, slopes = model.value_and_slopes(p * scale)
    chi2, damping = _chi2(light, signal, u), 1e-3
    for _ in range(_MOST_STEPS):
        columns = slopes * scale[:, None] / u
        gradient = columns @ ((light - signal) / u)
        free = ~(((p <= low) & (gradient > 0)) | ((p >= high) & (gradient < 0)))
        normal = columns[free] @ columns[free].T
        better = False
        for _ in range(_MOST_TRIES):
            moved = p.copy()
            moved[free] = _held(p[free], _step(normal, gradient[free], damping), low[free], high[free])
            tried, tried_slopes = model.value_and_slopes(moved * scale)
            tried_chi2 = _chi2(tried, signal, u)
            if tried_chi2 < chi2:
                better = True
                break
            damping = max(5 * damping, 1e-6)
        if not better:
            break
        gained, moves = chi2 - tried_chi2, float(np.abs(moved - p).max())
        p, light, slopes, chi2 = moved, tried, tried_slopes, tried_chi2
        damping = max(damping / 8, 1e-10)
        if gained <= _PRECISION * chi2 or moves < 1e-9:
            break
    at_bound = (p - low < _NEAR * (high - low)) | (high - p < _NEAR * (high - low))
    return Fitted(model, p * scale, light, slopes, chi2, at_bound)


def _held(p: Array, step: Array, low: Array, high: Array) -> Array:
    """p - step, by at most so much of the way to a bound: one long early step must not end in a corner."""
    near = _SNAP * (high - low)
    coldest = np.where(p - low < near, low, p - _STRIDE * (p - low))
    hottest = np.where(high - p < near, high, p + _STRIDE * (high - p))
    return np.clip(p - step, coldest, hottest)


def _chi2(light: Array, signal: Array, u: Array) -> float:
    off = (light - signal) / u
    chi2 = float(off @ off)
    return chi2 if np.isfinite(chi2) else np.inf


def _step(normal: Array, gradient: Array, damping: float) -> Array:
    """The damped step; each parameter is damped by its own curvature."""
    curved = np.diag(normal)
    damped = normal + np.diag(damping * curved + 1e-12 * curved.max(initial=1e-30) + 1e-30)
    return np.asarray(np.linalg.solve(damped, gradient), dtype=np.float64)


def covariance(fitted: Fitted, u: Array) -> Array:
    """Of all parameters; those at their bounds are held there and have none. Where it is singular, it is very large."""
    free = ~fitted.at_bound
    full = np.zeros((free.size, free.size))
    full[np.ix_(free, free)] = covariance_of(fitted.slopes[free] / u)
    return full
