"""Where a fit begins, found from the preset alone: how the whole curve is shifted and stretched, and the heights.

Readers heat at different rates and measure the heater, not the chip, so the peaks of one material lie lower or higher
together. Every shift and stretch of a grid is tried, each with heights by non-negative least squares, first coarsely
and then round the best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.glow.background import Background
from acquire.glow.escape import LinearHeating
from acquire.glow.forms import FIRST
from acquire.glow.model import Peaks
from acquire.glow.peaks import shapes
from acquire.glow.solvers import nnls

Array = NDArray[np.float64]

_POINTS = 90  # of the curve, that a search looks at
_SHIFTS_K = np.arange(-48.0, 49.0, 4.0)
_STRETCHES = np.array([0.97, 1.0, 1.03])
_ROUND = np.array([-1.0, 0.0, 1.0])
_MOST_STEPS = 500  # of non-negative least squares, which of odd curves takes more than SciPy's usual
_COST = 3e-4  # of the squared signal, for a shift of 10 K: of two that fit alike, the nearer
_MAIN = 0.4  # of the highest peak's height, that the main one has at least; assumed


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: peaks (of the preset, all; height 0: not seen), heights of the background's columns."""

    peaks: Peaks
    under: Array


def find_start(
    temperature_k: Array, signal: Array, t_m: Array, e: Array, under: Background, main: int | None = None
) -> Start:
    """Peaks of these T_m (K) and E (eV), shifted and stretched to where the curve has them, with heights.

    main: the peak that a material is used for, which is not much lower than the highest; None where it has none.
    """
    every = max(1, temperature_k.size // _POINTS)
    t, y = temperature_k[::every], signal[::every]
    columns = under.search_columns[:, ::every]
    centre = float(t_m[np.argmin(np.abs(t_m - t_m.mean()))])
    best = _best(t, y, t_m, e, columns, centre, _SHIFTS_K, _STRETCHES, main)
    for step_k, step in ((2.0, 0.015), (1.0, 0.01)):
        shifts, stretches = best[0] + step_k * _ROUND, best[1] + step * _ROUND
        best = _best(t, y, t_m, e, columns, centre, shifts, stretches, main)
    shift, stretch, heights = best
    n = t_m.size
    moved = centre + (t_m - centre) * stretch + shift
    return Start(Peaks(heights[:n], moved, e, np.zeros(n)), heights[n:])


def _best(
    t: Array, y: Array, t_m: Array, e: Array, columns: Array, centre: float, shifts: Array, stretches: Array,
    main: int | None,
) -> tuple[float, float, Array]:  # fmt: skip
    grid = [(float(shift), float(stretch)) for shift in shifts for stretch in stretches]
    moved = np.array([centre + (t_m - centre) * stretch + shift for shift, stretch in grid])
    light = shapes(
        FIRST, LinearHeating(t, "kitis"), moved.ravel(), np.tile(e, len(grid)), np.zeros(moved.size), "kitis"
    ).reshape(len(grid), t_m.size, t.size)
    light[(moved < t[0] - 10) | (moved > t[-1] + 10)] = 0
    positive = np.maximum(y, 0)
    size = float(positive @ positive)
    tried = []
    for (shift, stretch), peaks in zip(grid, light, strict=True):
        heights, lack = nnls(np.concatenate([peaks, columns]).T, positive, maxiter=_MOST_STEPS)
        cost = lack**2 + size * _COST * ((shift / 10) ** 2 + ((stretch - 1) / 0.015) ** 2)
        if main is not None and heights[main] < _MAIN * heights[: t_m.size].max():
            cost += size
        tried.append((cost, shift, stretch, heights))
    _, shift, stretch, heights = min(tried, key=lambda each: each[0])
    return shift, stretch, heights
