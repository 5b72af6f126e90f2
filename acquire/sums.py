"""Numbers added one after the other, with the same bits on every Python.

From 3.12 on the built-in `sum` carries along what rounding takes from floats, so that a result that was stored on an
earlier one could not be computed again to the bit. A test holds that no formula uses it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def added(values: Iterable[Number]) -> Number:
    """The sum of the values, from the first to the last; 0 of none."""
    total: Number = 0
    for value in values:
        total += value
    return total
