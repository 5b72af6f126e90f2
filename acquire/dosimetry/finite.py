"""The one guard against NaN and infinity: they compare as false with everything, so that no other check stops them."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from acquire.dosimetry.errors import OutsideValidity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")


def finite(function: Callable[P, R]) -> Callable[P, R]:
    """A function that refuses every argument that is, or holds, NaN or infinity, and gives no such result either.

    Looked into are numbers, sequences, mappings and arrays; data classes guard themselves (`finite_fields`). Degrees of
    freedom (names that begin with "dof") may be infinite. A division by zero or an overflow inside is a refusal too.
    Raises OutsideValidity, naming the argument and, in a series or an array, the index.
    """
    names = tuple(inspect.signature(function).parameters)

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in (*zip(names, args, strict=False), *kwargs.items()):
            hold(name, value)
        try:
            result = function(*args, **kwargs)
        except ArithmeticError as no_number:
            raise OutsideValidity(
                f"{function.__name__} has no finite result for these numbers: check them."
            ) from no_number
        if isinstance(result, float) and not math.isfinite(result):
            raise OutsideValidity(f"{function.__name__} has no finite result for these numbers: check them.")
        return result

    return guarded


def finite_fields(instance: object) -> None:
    """The same for a data class, called from its `__post_init__`. Raises OutsideValidity for NaN and infinity."""
    for each in fields(instance):  # type: ignore[arg-type]  # a data class calls this from its __post_init__
        hold(each.name, getattr(instance, each.name))


def hold(name: str, value: object) -> None:
    """Refuse NaN and infinity in `value`, however deep. Raises OutsideValidity."""
    if isinstance(value, float):
        _hold_number(name, value)
    elif isinstance(value, Mapping):
        _hold_each(name, value.items())
    elif isinstance(value, list | tuple):
        _hold_each(name, enumerate(value))
    elif hasattr(value, "dtype"):
        _hold_of_numpy(name, value)


def _hold_number(name: str, value: float | np.floating[Any]) -> None:
    if not math.isfinite(value) and not (name.startswith("dof") and value > 0):
        raise OutsideValidity(f"{name} is {value}; it must be a finite number.")


def _hold_each(name: str, items: Iterable[tuple[object, object]]) -> None:
    for key, value in items:
        if value.__class__ is float and math.isfinite(value):
            continue
        hold(f"{name}[{key}]", value)


def _hold_of_numpy(name: str, value: object) -> None:
    import numpy as np  # noqa: PLC0415 - whoever has such a value has waited for it

    if isinstance(value, np.floating):
        _hold_number(name, value)
    elif isinstance(value, np.ndarray):
        _hold_array(name, value)


def _hold_array(name: str, array: NDArray[Any]) -> None:
    import numpy as np  # noqa: PLC0415

    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        raise OutsideValidity(f"{name}{index} is {array[tuple(index)]}; every element must be a finite number.")
