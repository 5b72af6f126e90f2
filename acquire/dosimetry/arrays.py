"""The scalar functions over arrays: broadcast like numpy, the same bits as one by one, and the same refusals."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from acquire.dosimetry.errors import DosimetryError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def each(function: Callable[..., float], *arguments: ArrayLike, **fixed: Any) -> Array:
    """function applied to the broadcast arguments, element by element; keyword arguments are passed on as they are.

    Each element has exactly the bits the scalar call gives. Where one element is refused, the same error is raised with
    its index in front: there is no array with holes.

    >>> from acquire.dosimetry import k_tp
    >>> each(k_tp, [20.0, 22.0], 100.0, 20.0, 101.325).round(5).tolist()
    [1.01325, 1.02016]
    """
    import numpy as np  # noqa: PLC0415 - most who import the library have no arrays

    broadcast = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in arguments))
    at_once = _at_once(inspect.unwrap(function), broadcast, fixed)
    return _one_by_one(function, broadcast, fixed) if at_once is None else at_once


def _at_once(bare: Callable[..., float], broadcast: tuple[Array, ...], fixed: dict[str, Any]) -> Array | None:
    """All elements without the guard of each call: it looks into the arrays instead. None if anything is refused."""
    import numpy as np  # noqa: PLC0415

    if not all(np.isfinite(a).all() for a in broadcast):
        return None
    try:
        values = [bare(*each_of, **fixed) for each_of in zip(*(a.ravel().tolist() for a in broadcast), strict=True)]
    except (DosimetryError, ArithmeticError):
        return None
    out = np.asarray(values, dtype=np.float64).reshape(broadcast[0].shape)
    return out if np.isfinite(out).all() else None


def _one_by_one(function: Callable[..., float], broadcast: tuple[Array, ...], fixed: dict[str, Any]) -> Array:
    """The slow way, which finds the first element that is refused and says which it is."""
    import numpy as np  # noqa: PLC0415

    out = np.empty(broadcast[0].shape, dtype=np.float64)
    for index in np.ndindex(out.shape):
        try:
            out[index] = function(*(float(a[index]) for a in broadcast), **fixed)
        except DosimetryError as refused:
            raise type(refused)(f"Element {list(index)}: {refused}") from refused
    return out
