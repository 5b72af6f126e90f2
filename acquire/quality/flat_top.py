"""Tops that were cut off: of one height (a range that ended), or flat under noise; geometry alone, of any signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CLIPPED = 0.02  # of the height, by which such a curve would have gone on; less does not move an area by 1 %
_NO_CHANCE = 5  # channels of one height, which no noise gives
_BESIDE = 10  # channels on either side, whose scatter tells the noise
_WIDE = 0.46  # width at 95 % of the height over that at 80 %: of a peak over its colder neighbour 0.36 to 0.43
_FLAT = 0.15  # of the sagitta that the slopes beside it ask for: more of it inside, and the top is round
_FEWEST = 8  # channels at half height
_SURE = 2.5  # standard deviations
_ABOVE = 3.0  # of the noise, that a median of seven lies above a level by chance: more of it, and nothing was cut off
_WORTH = 10.0  # of Schwarz's criterion: very strong evidence (Kass and Raftery 1995)


@dataclass(frozen=True, slots=True)
class FlatTop:
    """Channels from `start` on, so many, at `level`; by how much the slopes beside them would have risen above it."""

    start: int
    channels: int
    level: float
    rise: float


def equal_top(signal: Array, fewest: int) -> FlatTop | None:
    """A top of equal heights that the slopes beside it would have gone above; None where there is none.

    A parabola with those slopes rises by their mean times a quarter of the top's width. Of few counts a flat top is
    chance: there it would rise by no more than three steps of the digit; and fewer than five equal channels by no more
    than three times the noise beside them.
    """
    top = float(signal.max())
    start, width = _longest(np.flatnonzero(signal == top))
    end = start + width - 1
    if width < fewest or start < 1 or end > signal.size - 2:
        return None
    slopes = (top - signal[max(start - 2, 0)], top - signal[min(end + 2, signal.size - 1)])
    rise = float(slopes[0] + slopes[1]) / 4 * width / 4
    steps = np.diff(np.unique(signal))
    least = max(3 * float(steps[steps > 1e-12 * top].min()), _CLIPPED * top)
    if width < _NO_CHANCE:
        least = max(least, 3 * _noise_beside(signal, start, end))
    if rise <= least:
        return None
    return FlatTop(start, width, top, rise)


def _noise_beside(signal: Array, start: int, end: int) -> float:
    """Standard deviation of a channel, from how the channels on both sides of a top differ from a line."""
    sides = signal[max(start - _BESIDE, 0) : start], signal[end + 1 : end + 1 + _BESIDE]
    second = np.concatenate([np.diff(side, 2) for side in sides])
    return 1.4826 * float(np.median(np.abs(second))) / 6**0.5 if second.size else 0.0


def noisy_top(signal: Array) -> FlatTop | None:
    """A top that is flat under its noise while its flanks are steep; None where the top is round.

    A window on the top is flat where a parabola through it rises by less than 15 % of what the slopes beside it ask
    for, surely by the noise; and where a level between two flanks describes the whole better than one curve of sixth
    order does. Clipping by less than about 20 % is not always seen in noise.
    """
    at, half, is_round = _top(signal)
    if half < _FEWEST or is_round:
        return None
    noise = float(np.median(np.abs(np.diff(signal, 2)[max(at - half, 0) : at + half]))) * 1.4826 / 6**0.5
    highest = float(np.median(sliding_window_view(signal, 7), axis=1).max())  # a spike is no part of the top
    sums = np.concatenate([[0.0], np.cumsum(signal)]).tolist()
    best: tuple[float, FlatTop] | None = None
    for width in range(4, half + 1, max(half // 12, 1)):
        for centre in range(at - half // 4, at + half // 4 + 1, max(half // 12, 1)):
            start = centre - width // 2
            if start < 0 or start + width > signal.size:
                continue
            level = (sums[start + width] - sums[start]) / width
            if highest > level + _ABOVE * noise:
                continue
            found = _window(signal, start, width, level, noise)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
    return None if best is None else best[1]


def _longest(at: NDArray[np.intp]) -> tuple[int, int]:
    """Where the longest run of neighbours begins, and how long it is."""
    cuts = np.flatnonzero(np.diff(at) != 1) + 1
    runs = np.split(at, cuts)
    run = max(runs, key=len)
    return int(run[0]), len(run)


def _top(signal: Array) -> tuple[int, int, bool]:
    """The channel in the middle of the top, how many round it lie above half of the height, and whether it is round.

    The height is that of five channels' mean over the lowest.
    """
    smooth = np.convolve(np.pad(signal, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    low, high = float(smooth.min()), float(smooth.max())
    at = int(np.argmax(smooth))
    (_, half), (_, broad), (start, wide) = (_span(smooth, at, low + share * (high - low)) for share in (0.5, 0.8, 0.95))
    return start + wide // 2, half, wide < _WIDE * broad


def _span(smooth: Array, at: int, level: float) -> tuple[int, int]:
    """Where the stretch above a level round a channel begins, and how long it is; 0 where the curve ends within it."""
    under = np.flatnonzero(smooth < level)
    before, after = under[under < at], under[under > at]
    if not before.size or not after.size:
        return at, 0
    return int(before[-1]) + 1, int(after[0] - before[-1]) - 1


def _window(signal: Array, start: int, width: int, level: float, noise: float) -> tuple[float, FlatTop] | None:
    """How much better a level is for this window, and the top; None where it is round, or its flanks are not there."""
    beside = max(3, width // 2)
    if start < beside or start + width + beside > signal.size:
        return None
    inside = signal[start : start + width]
    left, right = signal[start - beside : start], signal[start + width : start + width + beside]
    asked = (_slope(left) - _slope(right)) / (width + beside) * (width / 2) ** 2 / 2
    if asked <= _CLIPPED * level:
        return None
    x = np.arange(width) - (width - 1) / 2
    square = x**2 - (width**2 - 1) / 12
    inner = -float(square @ inside) / float(square @ square) * (width / 2) ** 2
    sure = _SURE * noise * (width / 2) ** 2 / float(square @ square) ** 0.5
    if abs(inner) + sure > _FLAT * asked:
        return None
    better = _better(left, inside, right)
    return (better, FlatTop(start, width, level, asked)) if better > _WORTH else None


def _slope(signal: Array) -> float:
    """Of a straight line, per channel."""
    x = np.arange(signal.size) - (signal.size - 1) / 2
    return float(x @ signal) / float(x @ x)


def _better(left: Array, inside: Array, right: Array) -> float:
    """By how much Schwarz's criterion prefers a level between parabolas to one curve of sixth order, 7 numbers each.

    The sixth order follows the flattest round top there is: that of two equal peaks that overlap.
    """
    whole = np.concatenate([left, inside, right])
    n = whole.size
    cut = _lack(left, min(2, left.size - 2)) + _lack(inside, 0) + _lack(right, min(2, right.size - 2))
    floor = 1e-12 * float(whole @ whole)
    return float(n * np.log((_lack(whole, 6) + floor) / (cut + floor)))


def _lack(signal: Array, degree: int) -> float:
    """The sum of squares that a polynomial leaves."""
    x = np.linspace(-1, 1, signal.size)
    columns = np.polynomial.legendre.legvander(x, degree)
    found, *_ = np.linalg.lstsq(columns, signal, rcond=None)
    off = signal - columns @ found
    return float(off @ off)
