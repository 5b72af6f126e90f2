"""How well a fit describes a curve: figure of merit, reduced chi-squared, and whether residuals come in runs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def figure_of_merit(signal: Array, light: Array) -> float:
    """FOM in percent, 100 Σ|signal - light| / Σ light (Balian and Eddy, NIM 145 (1977) 389)."""
    return 100 * float(np.sum(np.abs(signal - light)) / max(float(np.sum(light)), 1e-300))


def runs_test(residuals: Array) -> tuple[int, float, float]:
    """Runs of one sign, how many are expected, and the probability of so few or fewer (Wald and Wolfowitz 1940).

    A probability near 0 says that the residuals keep together: the model misses the curve's shape, whatever its FOM.
    """
    signs = residuals[residuals != 0] > 0
    above, below = int(np.sum(signs)), int(np.sum(~signs))
    n = above + below
    if above == 0 or below == 0:
        return int(n > 0), float(int(n > 0)), 0.0 if n > 10 else 1.0
    runs = 1 + int(np.sum(signs[1:] != signs[:-1]))
    expected = 1 + 2 * above * below / n
    variance = (expected - 1) * (expected - 2) / (n - 1) if n > 1 else 0.0
    if variance <= 0:
        return runs, expected, 1.0
    z = (runs + 0.5 - expected) / math.sqrt(variance)
    return runs, expected, 0.5 * math.erfc(-z / math.sqrt(2))


def covariance_of(columns: Array) -> Array:
    """Of least-squares parameters, from the derivatives of the light over its noise, parameters × N.

    Each parameter is measured in its own uncertainty first, since heights and energies differ by many powers of ten.
    Where two cannot be told apart their variances are very large.
    """
    size = np.sqrt(np.sum(columns**2, axis=1))
    size[size == 0] = 1e-12
    scaled = columns / size[:, None]
    values, vectors = np.linalg.eigh(scaled @ scaled.T)
    inverse: Array = vectors @ ((1 / np.maximum(values, 1e-14))[:, None] * vectors.T) / np.outer(size, size)
    return inverse
