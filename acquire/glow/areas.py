"""Areas of peaks with their covariance, and the groups of peaks that only their sum tells apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from acquire.glow.fitting import Fitted
from acquire.glow.model import Peaks
from acquire.glow.peaks import areas

Array = NDArray[np.float64]

TOGETHER = -0.5  # correlation of two areas below which one grows at the other's expense; assumed


@dataclass(frozen=True, slots=True)
class Areas:
    """Areas in signal · K, their covariance and correlation."""

    values: Array
    covariance: Array

    @property
    def correlation(self) -> Array:
        """Between -1 and 1; 0 where an area has no uncertainty."""
        u = np.sqrt(np.diag(self.covariance))
        size = np.where(u > 0, u, np.inf)
        found: Array = self.covariance / np.outer(size, size)
        np.fill_diagonal(found, 1.0)
        return found


def areas_of(fitted: Fitted, covariance: Array) -> Areas:
    """The peaks' areas, their covariance propagated from that of all parameters."""
    model, peaks = fitted.model, fitted.peaks
    n = peaks.t_m.size
    values = _areas(fitted, peaks)
    by = np.zeros((n, model.size))
    for block, name in enumerate(("i_m", "t_m", "e", "q")[: model.blocks]):
        at = getattr(peaks, name)
        step = 1e-5 * np.maximum(np.abs(at), 1e-9)
        slope = (_areas(fitted, _moved(peaks, name, step)) - _areas(fitted, _moved(peaks, name, -step))) / (2 * step)
        by[np.arange(n), block * n + np.arange(n)] = slope
    return Areas(values, by @ covariance @ by.T)


def _areas(fitted: Fitted, peaks: Peaks) -> Array:
    return areas(fitted.model.form, peaks.i_m, peaks.t_m, peaks.e, peaks.q, fitted.model.integral)


def _moved(peaks: Peaks, name: str, by: Array) -> Peaks:
    columns = {each: getattr(peaks, each) + (by if each == name else 0) for each in ("i_m", "t_m", "e", "q")}
    return Peaks(**columns)


def groups_of(found: Areas) -> tuple[tuple[int, ...], ...]:
    """Neighbours whose areas are strongly anti-correlated, put together until no two groups are."""
    groups: list[tuple[int, ...]] = [(k,) for k in range(found.values.size)]
    while len(groups) > 1:
        pairs = [(_correlation(found, a, b), k) for k, (a, b) in enumerate(pairwise(groups))]
        lowest, k = min(pairs)
        if lowest > TOGETHER:
            break
        groups[k : k + 2] = [groups[k] + groups[k + 1]]
    return tuple(groups)


def group_area(found: Areas, group: tuple[int, ...]) -> tuple[float, float]:
    """Area of a group and its standard uncertainty, from the covariance: smaller than the peaks' own suggest."""
    at = list(group)
    variance = float(found.covariance[np.ix_(at, at)].sum())
    return float(found.values[at].sum()), max(variance, 0.0) ** 0.5


def _correlation(found: Areas, a: tuple[int, ...], b: tuple[int, ...]) -> float:
    covariance = float(found.covariance[np.ix_(a, b)].sum())
    size = group_area(found, a)[1] * group_area(found, b)[1]
    return covariance / size if size > 0 else 0.0
