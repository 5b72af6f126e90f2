"""What lies under the peaks: nothing, a constant, a line, an exponential (infrared of the heater), or a blank's curve.

A light is never negative, so the parameters are heights of light and none may be below 0: the constant, the two ends of
the line, and of the exponential A + B exp((T - T_end)/C) the constant A and the rise B at the hot end. C is in K. A
blank is the curve of an element that received no dose, taken off with a factor of its own (dossier of the Balian-Eddy
papers: better than any formula where there is one).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.glow.errors import GlowError

Array = NDArray[np.float64]
BACKGROUNDS = ("none", "constant", "linear", "exponential", "blank")
C_K = (8.0, 40.0, 300.0)  # lowest, where a fit begins, highest: assumed, wider than any rise that was published


@dataclass(frozen=True, slots=True)
class Background:
    """A background over N temperatures. columns: those of its linear parameters, K × N; rise: whether C is one more."""

    name: str
    labels: tuple[str, ...]
    columns: Array
    above_k: Array | None = None  # T - T_end of the exponential

    def value_and_slopes(self, p: Array) -> tuple[Array, Array]:
        """The light under the peaks (N), and its derivatives by the parameters (K × N)."""
        if self.above_k is None:
            return p @ self.columns, self.columns
        rise = np.exp(self.above_k / p[2])
        slopes = np.stack([self.columns[0], rise, -p[1] * rise * self.above_k / p[2] ** 2])
        return p[0] + p[1] * rise, slopes

    def scales(self, top: float) -> Array:
        """What a parameter is measured in during a fit: a tenth of the curve's height, 20 K for C."""
        return np.array([20.0 if label == "c_k" else 0.1 * top for label in self.labels])

    def bounds(self, top: float) -> tuple[Array, Array]:
        """Lowest and highest values."""
        low = [C_K[0] if label == "c_k" else 0.0 for label in self.labels]
        high = [C_K[2] if label == "c_k" else 10 * top for label in self.labels]
        return np.array(low), np.array(high)

    def start(self, heights: Array) -> Array:
        """Parameters from the heights that non-negative least squares found for `search_columns`."""
        return np.append(heights, C_K[1]) if self.above_k is not None else heights

    @property
    def search_columns(self) -> Array:
        """Columns by which a start is found: those that are linear, with C where a fit begins."""
        if self.above_k is None:
            return self.columns
        return np.stack([self.columns[0], np.exp(self.above_k / C_K[1])])


def background(name: str, temperature_k: Array, blank: Array | None = None) -> Background:
    """The background of this name over these temperatures. Raises GlowError for a name there is not, or no blank."""
    one = np.ones_like(temperature_k)
    along = (temperature_k - temperature_k.min()) / np.ptp(temperature_k)
    match name:
        case "none":
            return Background(name, (), np.empty((0, temperature_k.size)))
        case "constant":
            return Background(name, ("a",), one[None])
        case "linear":
            return Background(name, ("cold_end", "hot_end"), np.stack([1 - along, along]))
        case "exponential":
            above = temperature_k - temperature_k.max()
            return Background(name, ("a", "b", "c_k"), np.stack([one]), above)
        case "blank" if blank is not None:
            return Background(name, ("blank_factor",), blank[None])
        case "blank":
            raise GlowError("The background 'blank' needs the curve of an element that received no dose; give one.")
    raise GlowError(f"There is no background '{name}'; there are {', '.join(BACKGROUNDS)}.")
