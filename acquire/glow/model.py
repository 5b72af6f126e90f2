"""A sum of peaks over a background as a function of one vector of parameters, with its Jacobian in blocks.

The vector holds all heights, then all T_m (K), all E (eV), all form parameters where the form has one, and then those
of the background. Each peak fills its own columns of the Jacobian and no others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.glow.background import Background
from acquire.glow.escape import Heating, Integral
from acquire.glow.forms import Form
from acquire.glow.peaks import shapes, shapes_and_slopes

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Peaks:
    """P peaks: heights I_m (the signal's unit), T_m (K), E (eV), form parameter q (zeros where there is none)."""

    i_m: Array
    t_m: Array
    e: Array
    q: Array

    def of(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Peaks:
        """Some of them."""
        return Peaks(self.i_m[chosen], self.t_m[chosen], self.e[chosen], self.q[chosen])


@dataclass(frozen=True, slots=True)
class Model:
    """P peaks of one form under one heating, over one background."""

    form: Form
    heating: Heating
    background: Background
    n_peaks: int
    integral: Integral = "exact"

    @property
    def blocks(self) -> int:
        """Parameters of a peak."""
        return 3 if self.form.parameter is None else 4

    @property
    def size(self) -> int:
        """All parameters."""
        return self.blocks * self.n_peaks + len(self.background.labels)

    def pack(self, peaks: Peaks, under: Array) -> Array:
        """The vector of these peaks and background parameters."""
        own = [peaks.i_m, peaks.t_m, peaks.e, peaks.q][: self.blocks]
        return np.concatenate([*own, under])

    def unpack(self, p: Array) -> tuple[Peaks, Array]:
        """Peaks and background parameters of a vector."""
        n = self.n_peaks
        q = p[3 * n : 4 * n] if self.blocks == 4 else np.zeros(n)
        return Peaks(p[:n], p[n : 2 * n], p[2 * n : 3 * n], q), p[self.blocks * n :]

    def value(self, p: Array) -> Array:
        """The light at the N points."""
        peaks, under = self.unpack(p)
        return peaks.i_m @ self.shapes(peaks) + self.background.value_and_slopes(under)[0]

    def shapes(self, peaks: Peaks) -> Array:
        """Each peak's light for a height of 1, P × N."""
        return shapes(self.form, self.heating, peaks.t_m, peaks.e, peaks.q, self.integral)

    def value_and_slopes(self, p: Array) -> tuple[Array, Array]:
        """The light (N) and its derivatives by all parameters (parameters × N)."""
        peaks, under = self.unpack(p)
        light, by_t, by_e, by_q = shapes_and_slopes(self.form, self.heating, peaks.t_m, peaks.e, peaks.q, self.integral)
        below, by_background = self.background.value_and_slopes(under)
        height = peaks.i_m[:, None]
        columns = [light, height * by_t, height * by_e]
        if by_q is not None:
            columns.append(height * by_q)
        return peaks.i_m @ light + below, np.concatenate([*columns, by_background])
