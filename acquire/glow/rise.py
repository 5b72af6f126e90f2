"""The rise of a heating of which only the temperatures are known: what can be taken as a ramp, and what cannot.

Readers go on counting while the heater is held before and after its ramp, and while it cools. Without times nothing is
known of how long that was, so these points are left out. A hold in the middle of the rise empties traps unseen: such a
curve is refused.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from acquire.glow.errors import GlowError

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

_FALLS_K = 3.0  # by which a thermometer may step back (assumed; the intercomparison's curve 003 does by 0.85 K)
_HELD_K = 5.0  # that the ramp would have gone on during a hold; assumed
_NEAR_END_K = 10.0  # of an end of the rise, where holds are only left out; assumed


def rise_of(temperature_k: Array, chosen: Indices) -> Indices:
    """Of the chosen points those from the last coldest to the first hottest, without the holds at either end.

    A table from hot to cold is the same ramp. Raises GlowError where the temperature falls or stays in between.
    """
    t = temperature_k[chosen]
    if t.size == 0 or np.ptp(t) == 0:
        return chosen
    if np.all(np.diff(t) <= 0):
        chosen, t = chosen[::-1], t[::-1]
    hottest = int(np.argmax(t))
    coldest = hottest - int(np.argmin(t[hottest::-1]))
    chosen, t = chosen[coldest : hottest + 1], t[coldest : hottest + 1]
    if t.size < 2:
        raise GlowError("The temperature never rises; without heating there is no glow curve.")
    _refuse_falling(t)
    first, last = _without_holds(t)
    return chosen[first : last + 1]


def _refuse_falling(t: Array) -> None:
    fallen = np.maximum.accumulate(t) - t
    if float(fallen.max()) > _FALLS_K:
        at = int(np.argmax(fallen))
        raise GlowError(
            f"The temperature falls by {fallen[at]:.3g} K before it goes on rising from {t[at]:.1f} K, and there are no"
            " times: what was heated when is not known. Give times, or a range of one rise."
        )


def _without_holds(t: Array) -> tuple[int, int]:
    """First and last point of what rises. Raises GlowError for a hold in between."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(t) != 0]))
    lengths = np.diff(np.append(starts, t.size))
    digit, usual = float(np.median(np.abs(np.diff(t[starts])))), float(np.median(lengths))
    first, last = 0, t.size - 1
    for k in np.flatnonzero((lengths / usual - 1) * digit > _HELD_K):
        held, end = float(t[starts[k]]), int(starts[k] + lengths[k] - 1)
        if held - t[0] < _NEAR_END_K:
            first = end
        elif t[-1] - held < _NEAR_END_K:
            last = min(last, int(starts[k]))
        else:
            raise GlowError(
                f"The temperature stays at {held:.1f} K for {lengths[k]} points, and there are no times: such a heating"
                f" cannot be followed. Give times, or a range on one side of {held:.1f} K."
            )
    return first, last


def longest(at: Indices) -> tuple[int, int]:
    """First index and length of the longest run of neighbours among rising indices."""
    ends = [0, *(np.flatnonzero(np.diff(at) > 1) + 1).tolist(), at.size]
    start, end = max(pairwise(ends), key=lambda run: run[1] - run[0])
    return int(at[start]), end - start
