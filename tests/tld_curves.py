"""Glow curves made from the rate equation of a trap, apart from every formula of the product, and published truth.

A trap of energy E (eV) and frequency factor s (1/s) loses charge at n s exp(-E/kT); the light is what it loses. It is
stepped on a grid a hundred times finer than the points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

K = 8.617333262e-5  # eV/K


@dataclass(frozen=True)
class Truth:
    """A peak: T_m in K, height, E in eV; of a first-order trap under a ramp."""

    t_m: float
    i_m: float
    e: float


# What fits of the intercomparison's Refglow005 give (TLD-100, 200 points, step 1.26 K), rounded.
PEAKS_005 = (Truth(358.0, 20, 1.18), Truth(415.3, 169, 1.47), Truth(453.7, 154, 1.55), Truth(482.0, 230, 1.48),
             Truth(509.4, 486, 2.18))  # fmt: skip
TEMPERATURES_005 = tuple(308.15 + 1.26 * k for k in range(200))

# The synthetic curve of four peaks of the intercomparison, Bos et al., RPD 47 (1993) 473: T_m, height, E, at 8.4 K/s.
PEAKS_002 = (
    Truth(417.2, 400, 1.3834),
    Truth(456.6, 540, 1.4883),
    Truth(484.1, 820, 1.5832),
    Truth(511.7, 1620, 2.0038),
)


def first_order(temperatures: Sequence[float] | np.ndarray, peak: Truth) -> np.ndarray:
    """The light of a first-order trap under a ramp of 1 K/s, by stepping its rate equation; height i_m at T_m.

    s follows from where the maximum lies: E/(k T_m²) = s exp(-E/kT_m) (the rate's growth meets the charge's loss).
    """
    grid = np.linspace(200.0, max(temperatures) + 1.0, 60_001)
    log_s = math.log(peak.e / (K * peak.t_m**2)) + peak.e / (K * peak.t_m)
    rate = np.exp(log_s - peak.e / (K * grid))
    left = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(grid))])
    light = rate * np.exp(-left)
    return peak.i_m * np.interp(temperatures, grid, light / light.max())


def rate_equation_curve(temperatures: Sequence[float] | np.ndarray, peaks: Sequence[Truth]) -> np.ndarray:
    """The sum of such traps."""
    return np.sum([first_order(temperatures, peak) for peak in peaks], axis=0)


def noisy(signal: np.ndarray, sd: float, seed: int) -> np.ndarray:
    """With normal noise of this standard deviation."""
    return signal + np.random.default_rng(seed).normal(0.0, sd, signal.size)


def counted(signal: np.ndarray, seed: int) -> np.ndarray:
    """With the noise of counting."""
    return np.random.default_rng(seed).poisson(np.maximum(signal, 0)).astype(float)
