"""Energy scale of a microdosimetric spectrum: the proton edge, fitted, and the line through it.

The marker's lineal energy depends on detector, gas and site; the site states it with its reference. Known values:
silicon 71.8 keV/µm (10 µm) and 108.8 keV/µm (2 µm); tissue-equivalent counters about 136 to 150 keV/µm (1 to 2 µm).
Form and markers of the edge are those of a public program (APFELmuS).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields

Array = NDArray[np.float64]

# Lineal energy of the proton edge in silicon, from ICRU 49 / NIST stopping powers as computed by a public program
# (APFELmuS); SRIM gives 71.2 and 108.3. Slab thickness in µm to keV/µm, 1 %.
SILICON_PROTON_EDGE = {10.0: 71.79, 2.0: 108.83}


@dataclass(frozen=True, slots=True)
class EdgeFit:
    """h·d(h) near the edge as A/(1 + e^(B (h - C))), and its three markers in channels (or mV)."""

    a: float
    b: float
    c: float

    @property
    def inflection(self) -> float:
        """hFlex, in channels (or mV): where the flank is steepest."""
        return self.c

    @property
    def second_derivative(self) -> float:
        """hDD, in channels (or mV): extreme of the second derivative beyond the inflection, C + ln(2 + √3)/B."""
        return self.c + math.log(2 + math.sqrt(3)) / self.b

    @property
    def tangent_foot(self) -> float:
        """hTC, in channels (or mV): where the tangent at the inflection meets zero, C + 2/B."""
        return self.c + 2 / self.b


@finite
def fit_edge(heights: Sequence[float], values: Sequence[float], start: EdgeFit | None = None) -> EdgeFit:
    """Least-squares fit of the edge (Levenberg-Marquardt), heights in channels (or mV).

    Raises OutsideValidity; Blocked when it does not settle.
    """
    h, v = np.asarray(heights, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if len(h) < 5 or len(h) != len(v) or not np.all(np.isfinite(v)):
        raise OutsideValidity("An edge needs at least five points with finite values.")
    p = np.array([start.a, start.b, start.c]) if start else _guess(h, v)
    damping, cost = 1e-3, float(np.sum((_edge(p, h) - v) ** 2))
    for _ in range(500):
        jacobian, residual = _slopes(p, h), v - _edge(p, h)
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-300), jacobian.T @ residual)
        new = float(np.sum((_edge(p + step, h) - v) ** 2))
        if new <= cost:
            settled = cost - new <= 1e-14 * (cost + 1e-300) and bool(np.all(np.abs(step) <= 1e-9 * (np.abs(p) + 1e-12)))
            p, cost, damping = p + step, new, damping / 5
            if settled:
                break
        else:
            damping *= 5
            if damping > 1e15:
                break
    if p[1] <= 0 or not h[0] <= p[2] <= h[-1] or p[0] <= 0:
        raise Blocked("No falling edge was found between the given heights.")
    return EdgeFit(*(float(x) for x in p))


def _guess(h: Array, v: Array) -> Array:
    top = float(np.max(v))
    half = h[int(np.argmin(np.abs(v - top / 2)))]
    return np.array([top, 8 / (h[-1] - h[0]), float(half)])


def _edge(p: Array, h: Array) -> Array:
    edge: Array = p[0] / (1 + np.exp(np.clip(p[1] * (h - p[2]), -700, 700)))
    return edge


def _slopes(p: Array, h: Array) -> Array:
    s = _edge(np.array([1.0, p[1], p[2]]), h)
    bell = p[0] * s * (1 - s)
    return np.stack([s, -bell * (h - p[2]), bell * p[1]], axis=1)


@dataclass(frozen=True, slots=True)
class Scale:
    """y = (h - offset) · kev_um_per_unit, h in channels or mV."""

    kev_um_per_unit: float
    offset: float
    source: str

    def __post_init__(self) -> None:
        finite_fields(self)

    def y(self, height: float) -> float:
        """Lineal energy in keV/µm of a pulse height."""
        return (height - self.offset) * self.kev_um_per_unit


@finite
def scale_of_edge(marker: float, y_edge_kev_um: float, offset: float, source: str) -> Scale:
    """The scale on which the marker of the edge (channels or mV) stands at y_edge. Raises OutsideValidity."""
    if marker <= offset or y_edge_kev_um <= 0 or not source:
        raise OutsideValidity("An edge calibration needs a marker above the offset, y of the edge, and its source.")
    return Scale(y_edge_kev_um / (marker - offset), offset, source)


@finite
def tissue_equivalent(y_silicon: float, factor: float) -> float:
    """y in tissue from y in silicon, both in keV/µm, by the site's path-length factor (published 0.55 to 0.65).

    Raises OutsideValidity.
    """
    if not 0.4 <= factor <= 0.8:
        raise OutsideValidity(f"A silicon-to-tissue factor of {factor} lies outside 0.4 to 0.8.")
    return y_silicon * factor
