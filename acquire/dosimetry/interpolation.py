"""Linear interpolation in a table, inside its range only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from acquire.dosimetry.errors import OutsideValidity


def linear(xs: Sequence[float], ys: Sequence[float], x: float, what: str) -> float:
    """y at x between the two neighbouring nodes; xs must rise. Raises OutsideValidity outside the table."""
    if len(xs) != len(ys) or len(xs) < 2:
        raise OutsideValidity(f"The table over {what} needs at least two nodes, each with a value.")
    if any(b <= a for a, b in pairwise(xs)):
        raise OutsideValidity(f"The table over {what} must rise from node to node.")
    if not xs[0] <= x <= xs[-1]:
        raise OutsideValidity(f"{what} = {x:g} lies outside the table, which goes from {xs[0]:g} to {xs[-1]:g}.")
    upper = next(i for i in range(1, len(xs)) if x <= xs[i])
    x0, x1, y0, y1 = xs[upper - 1], xs[upper], ys[upper - 1], ys[upper]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
