"""Regions of interest: stored in kelvin, never in channels, so that a shift of the axis does not move them unseen.

The integral is a weighted sum of the points (trapezoids, cut linearly at the ends), so its variance is that of the
points, and the background's share comes by its covariance.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from acquire.glow.errors import GlowError
from acquire.glow.fitting import Fitted
from acquire.glow.presets import Preset
from acquire.glow.result import RegionResult
from acquire.glow.settings import Region

Array = NDArray[np.float64]

_MISSING_K = 3.0  # of a region, that a curve may lack; assumed


def weights_of(temperature_k: Array, along_k: Array, low_k: float, high_k: float) -> Array:
    """The K by which each point's signal is multiplied in the integral over what lies from low_k to high_k.

    along_k: what is integrated over, growing: of a ramp the temperature itself, of any other heating its time times the
    rate to which areas are referred, so that light on a plateau counts. Each stretch between two points gives what of
    it lies inside, by the value of the straight line there.
    """
    start, rise = temperature_k[:-1], np.diff(temperature_k)
    slope = np.where(rise == 0, 1.0, rise)
    ends = np.stack([(low_k - start) / slope, (high_k - start) / slope])
    held = np.where((start >= low_k) & (start <= high_k), 1.0, 0.0)
    first = np.where(rise == 0, 0.0, np.clip(ends.min(axis=0), 0, 1))
    last = np.where(rise == 0, held, np.clip(ends.max(axis=0), 0, 1))
    inside = (last - first) * np.diff(along_k)
    share = (first + last) / 2
    weights = np.zeros_like(temperature_k)
    weights[:-1] += inside * (1 - share)
    weights[1:] += inside * share
    return weights


def refuse_no_regions(regions: tuple[Region, ...]) -> None:
    """Raises GlowError for a region that is none."""
    for name, low_k, high_k in regions:
        if not 0 < low_k < high_k < math.inf:
            raise GlowError(f"The region '{name}' from {low_k:g} to {high_k:g} K is none; it must rise from above 0 K.")


def outside(region: Region, temperature_k: Array) -> bool:
    """Whether the curve does not hold the whole of a region, but for some kelvin at either end."""
    low, high = float(temperature_k.min()), float(temperature_k.max())
    return region[1] < low - _MISSING_K or region[2] > high + _MISSING_K


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
        found.append((each.name, math.floor(10 * low) / 10, math.ceil(10 * high) / 10))
    return tuple(found)


def _valley(fitted: Fitted, temperature_k: Array, low: float, high: float) -> float:
    """Where the light is lowest between two maxima; half way where it only rises."""
    between = np.flatnonzero((temperature_k > low) & (temperature_k < high))
    if between.size == 0:
        return (low + high) / 2
    at = int(np.argmin(fitted.light[between]))
    inner = 0 < at < between.size - 1
    return float(temperature_k[between[at]]) if inner else (low + high) / 2


def integrate(region: Region, weights: Array, signal: Array, u: Array, fitted: Fitted, cov: Array) -> RegionResult:
    """Its integral by these weights (K), gross and without background, signal · K."""
    name, low, high = region
    below, slopes = fitted.model.background.value_and_slopes(fitted.under)
    gross, by = float(weights @ signal), slopes @ weights
    k = len(by)
    of_background = float(by @ cov[-k:, -k:] @ by) if k else 0.0
    variance = float(np.sum((weights * u) ** 2)) + of_background
    return RegionResult(
        name=name, low_k=low, high_k=high, gross=gross, net=gross - float(weights @ below), u_net=variance**0.5
    )
