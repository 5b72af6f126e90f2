"""Regions of interest: stored in kelvin, never in channels, so that a shift of the axis does not move them unseen.

The integral over temperature is a weighted sum of the points (trapezoids, cut linearly at the ends), so its variance is
that of the points, and the background's share comes by its covariance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquire.glow.fitting import Fitted
from acquire.glow.presets import Preset
from acquire.glow.result import RegionResult

Array = NDArray[np.float64]
Region = tuple[str, float, float]


def weights_of(temperature_k: Array, low_k: float, high_k: float) -> Array:
    """The K by which each point's signal is multiplied in the integral from low_k to high_k; all in order of heating.

    Each stretch between two points gives what of it lies inside, by the value of the straight line there.
    """
    a, b = temperature_k[:-1], temperature_k[1:]
    left, right = np.clip(low_k, a, b), np.clip(high_k, a, b)
    inside = np.maximum(right - left, 0)
    share = ((left + right) / 2 - a) / np.where(b > a, b - a, 1)
    weights = np.zeros_like(temperature_k)
    weights[:-1] += inside * (1 - share)
    weights[1:] += inside * share
    return weights


def usual_regions(preset: Preset, names: tuple[str, ...], fitted: Fitted, temperature_k: Array) -> tuple[Region, ...]:
    """The preset's regions on this curve: from the valley below the first peak to so many K above the last.

    A region whose first or last peak was not found is left out.
    """
    t_m = dict(zip(names, fitted.peaks.t_m, strict=True))
    found = []
    for each in preset.regions:
        if each.first not in t_m or each.last not in t_m:
            continue
        below = [t for t in t_m.values() if t < t_m[each.first]]
        low = _valley(fitted, temperature_k, max(below), t_m[each.first]) if below else float(temperature_k.min())
        high = min(t_m[each.last] + each.above_k, float(temperature_k.max()))
        found.append((each.name, round(float(low), 1), round(float(high), 1)))
    return tuple(found)


def _valley(fitted: Fitted, temperature_k: Array, low: float, high: float) -> float:
    """Where the light is lowest between two maxima; half way where it only rises."""
    between = np.flatnonzero((temperature_k > low) & (temperature_k < high))
    if between.size == 0:
        return (low + high) / 2
    at = int(np.argmin(fitted.light[between]))
    inner = 0 < at < between.size - 1
    return float(temperature_k[between[at]]) if inner else (low + high) / 2


def integrate(
    region: Region, temperature_k: Array, signal: Array, u: Array, fitted: Fitted, cov: Array
) -> RegionResult:
    """Its integral, gross and without background, signal · K."""
    name, low, high = region
    weights = weights_of(temperature_k, low, high)
    below, slopes = fitted.model.background.value_and_slopes(fitted.under)
    gross, by = float(weights @ signal), slopes @ weights
    k = len(by)
    of_background = float(by @ cov[-k:, -k:] @ by) if k else 0.0
    variance = float(np.sum((weights * u) ** 2)) + of_background
    return RegionResult(
        name=name, low_k=low, high_k=high, gross=gross, net=gross - float(weights @ below), u_net=variance**0.5
    )
