"""Least squares of a model with bounds, and the covariance of what it found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from acquire.glow.model import Model, Peaks

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

E_EV = (0.5, 3.0)  # what an energy may be at all: below is no dosimetric trap, above no fitted peak of a real material
_E_ROOM = 0.8  # eV to either side of where a fit begins
_T_ROOM = 25.0  # K to either side, and never past the neighbour
_NEAR = 1e-6  # of a bound's room: nearer than this a parameter lies at its bound
_PRECISION = 1e-6


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


class _Residuals:
    """Weighted differences to the signal in scaled parameters; value and Jacobian of one point come together."""

    def __init__(self, model: Model, signal: Array, u: Array, scale: Array) -> None:
        self._model, self._signal, self._by, self._scale = model, signal, 1 / u, scale
        self._at: Array | None = None
        self._slopes: Array = np.empty(0)

    def value(self, scaled: Array) -> Array:
        light, slopes = self._model.value_and_slopes(scaled * self._scale)
        self._at, self._slopes = scaled.copy(), slopes
        return (light - self._signal) * self._by

    def jacobian(self, scaled: Array) -> Array:
        if self._at is None or not np.array_equal(self._at, scaled):
            self.value(scaled)
        return (self._slopes * self._by).T * self._scale


def fit(model: Model, signal: Array, u: Array, start: Array, bounds: Bounds) -> Fitted:
    """The least-squares solution for signals of standard uncertainty u (or all the same, where it is not known)."""
    scale = bounds.scale
    residuals = _Residuals(model, signal, u, scale)
    low, high = bounds.low / scale, bounds.high / scale
    inside = np.clip(start / scale, low + 1e-3 * (high - low) * (start / scale <= low), high)
    found = least_squares(
        residuals.value, inside, residuals.jacobian, (low, high), ftol=_PRECISION, xtol=_PRECISION, gtol=1e-12,
        max_nfev=40,
    )  # fmt: skip
    p = found.x * scale
    room = np.maximum(bounds.high - bounds.low, 1e-300)
    at_bound = (p - bounds.low < _NEAR * room) | (bounds.high - p < _NEAR * room)
    light, slopes = model.value_and_slopes(p)
    return Fitted(model, p, light, slopes, float(np.sum(((light - signal) / u) ** 2)), at_bound)


def covariance(fitted: Fitted, u: Array) -> Array:
    """Of all parameters; those at their bounds are held there and have none. Where it is singular, it is very large."""
    free = ~fitted.at_bound
    columns = fitted.slopes[free] / u
    size = np.sqrt(np.sum(columns**2, axis=1))
    size[size == 0] = 1e-12
    normal = (columns / size[:, None]) @ (columns / size[:, None]).T
    values, vectors = np.linalg.eigh(normal)
    inverse = vectors @ ((1 / np.maximum(values, 1e-14))[:, None] * vectors.T) / np.outer(size, size)
    full = np.zeros((free.size, free.size))
    full[np.ix_(free, free)] = inverse
    return full
