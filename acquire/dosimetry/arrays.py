"""The scalar functions over arrays: broadcast like numpy, the same bits as one by one, and the same refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acquire.dosimetry.errors import DosimetryError


def each(function: Callable[..., float], *arguments: ArrayLike, **fixed: Any) -> NDArray[np.float64]:
    """function applied to the broadcast arguments, element by element; keyword arguments are passed on as they are.

    Each element has exactly the bits the scalar call gives. Where one element is refused, the same error is raised with
    its index in front: there is no array with holes.

    >>> from acquire.dosimetry import k_tp
    >>> each(k_tp, [20.0, 22.0], 100.0, 20.0, 101.325).round(5).tolist()
    [1.01325, 1.02016]
    """
    broadcast = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in arguments))
    out = np.empty(broadcast[0].shape, dtype=np.float64)
    for index in np.ndindex(out.shape):
        try:
            out[index] = function(*(float(a[index]) for a in broadcast), **fixed)
        except DosimetryError as refused:
            raise type(refused)(f"Element {list(index)}: {refused}") from refused
    return out
