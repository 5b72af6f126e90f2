"""What scipy does for the fits. It is imported with the first curve that is fitted: it takes longer than all else, and
who only asks for a preset or reads a kept fit needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def nnls(columns: Array, signal: Array, *, maxiter: int | None = None) -> tuple[Array, float]:
    """Heights of the columns, none below 0, and the length of what they leave of the signal."""
    from scipy import optimize  # noqa: PLC0415

    heights, lack = optimize.nnls(columns, signal, maxiter=maxiter)
    return heights, lack


def least_squares(
    value: Callable[[Array], Array],
    begin: Array,
    slopes: Callable[[Array], Array],
    bounds: tuple[Array, Array],
    *,
    max_nfev: int,
) -> Any:
    """As scipy's."""
    from scipy import optimize  # noqa: PLC0415

    return optimize.least_squares(value, begin, slopes, bounds, max_nfev=max_nfev)


def wrightomega(z: Array) -> Array:
    """Wright's omega function: W_0(exp z)."""
    from scipy import special  # noqa: PLC0415

    found: Array = special.wrightomega(z)
    return found


def median_of(signal: Array, points: int) -> Array:
    """The running median of an odd number of points; beyond an end there is more of the same."""
    from scipy import ndimage  # noqa: PLC0415

    found: Array = ndimage.median_filter(signal, points, mode="nearest")
    return found
