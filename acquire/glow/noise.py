"""What each point of a curve may be off by: stated, Poisson's, or one unknown noise; and points that stick out."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from acquire.glow.curve import GlowCurve
from acquire.glow.errors import GlowError
from acquire.glow.settings import Weights
from acquire.glow.solvers import median_of

Array = NDArray[np.float64]
Noise = Literal["stated", "poisson", "gaussian"]

COUNTS = "{counts}"
_STICKS_OUT = 6.0  # of the noise; and 2 % of the height: the test for spikes of the reader dossier, section 4.7
_AND_OF_TOP = 0.02
_FEW = 0.02  # of all points
_HUBER = 1.345  # of the noise (Huber 1964): 95 % efficient where the noise is normal


def noise_of(curve: GlowCurve, weights: Weights) -> Noise:
    """Which noise a curve is taken to have. Raises GlowError for weights there are not."""
    if weights == "poisson" or (weights == "auto" and curve.u is None and curve.unit == COUNTS):
        return "poisson"
    if weights not in ("auto", "gaussian"):
        raise GlowError(f"There are no weights '{weights}'; there are auto, poisson and gaussian.")
    return "stated" if curve.u is not None and weights == "auto" else "gaussian"


def poisson(light: Array) -> Array:
    """Standard uncertainty of counts whose expectation is the fit, not the count itself: a low count is not surer."""
    return np.sqrt(np.maximum(light, 1.0))


def smooth(signal: Array) -> Array:
    """The mean of five points: what stands in for the fit before there is one."""
    padded = np.pad(signal, 2, mode="edge")
    return np.convolve(padded, np.full(5, 0.2), mode="valid")


def spikes(signal: Array, light: Array, u: Array) -> NDArray[np.bool_]:
    """Points that stick out of a fit and of their neighbours: by more than six times the noise and 2 % of the height.

    Where many do, it is the model that is off, not the points: then none is a spike.
    """
    off = signal - light
    spread = 1.4826 * float(np.median(np.abs(off) / u))
    off = np.abs(off - median_of(off, 7))
    found: NDArray[np.bool_] = (off > _STICKS_OUT * spread * u) & (off > _AND_OF_TOP * float(signal.max()))
    return found if int(found.sum()) <= _FEW * signal.size else np.zeros_like(found)


def loosened(signal: Array, light: Array, u: Array) -> Array:
    """Uncertainties widened where a point is off by more than 1.345 times the noise, so that it pulls no more."""
    off = np.abs(signal - light)
    spread = max(1.4826 * float(np.median(off / u)), 1e-12)
    return u * np.sqrt(np.maximum(1.0, off / (_HUBER * spread * u)))
