"""What a channel should show by its neighbours, and by how much it may be off: without a fit, and quick."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from acquire.quality.curve import COUNTS, Array, Curve

SEVEN = 7
_WINDOW = 41  # channels whose scatter stands for that of the middle one, where counting does not tell it
_BRIGHT = 0.2  # of the height, above which noise is taken in proportion to the light
_SD_OF_CUBIC = (1 + (1 + 16 + 16 + 1) / 36) ** 0.5  # of a value minus its prediction, in the noise of one channel
NORMAL = 1.4826  # standard deviation over median deviation, of normal noise


def running_mean(signal: Array, channels: int) -> Array:
    """Means of so many neighbours, fewer values than the signal by channels - 1."""
    total = np.cumsum(np.concatenate([[0.0], signal]))
    means: Array = (total[channels:] - total[:-channels]) / channels
    return means


def median_of_seven(signal: Array) -> Array:
    """The median of each channel and three on either side; at the ends of those there are."""
    padded = np.pad(signal, SEVEN // 2, mode="edge")
    found: Array = np.median(sliding_window_view(padded, SEVEN), axis=1)
    return found


def off_neighbours(signal: Array) -> Array:
    """Each channel minus the cubic through two on either side; 0 for the two outermost, which have too few.

    A glow peak eight channels wide or wider at half height is off by less than 0.5 % of its height.
    """
    off = np.zeros_like(signal)
    off[2:-2] = signal[2:-2] - (4 * (signal[1:-3] + signal[3:-1]) - signal[:-4] - signal[4:]) / 6
    return off


def off_outer_neighbours(signal: Array) -> tuple[Array, Array]:
    """Two neighbouring channels minus the cubic through two on either side of the pair: of the first, and the second.

    The k-th value is of channels k and k + 1; 0 where there are too few.
    """
    first, second = np.zeros_like(signal), np.zeros_like(signal)
    a, b, c, d = signal[:-5], signal[1:-4], signal[4:-1], signal[5:]  # at -2, -1, 2 and 3 of the pair at 0 and 1
    first[2:-3] = signal[2:-3] - (-0.3 * a + b + 0.5 * c - 0.2 * d)
    second[2:-3] = signal[3:-2] - (-0.2 * a + 0.5 * b + c - 0.3 * d)
    return first, second


def counting_noise(curve: Curve, middle: Array, of_pmt: float = 0.0) -> Array:
    """Standard deviation of each channel by counting alone, in the signal's unit; the PMT's where nothing is counted.

    middle: the median of seven. The mean of seven stands in where it is larger: the median of few counts is too low.
    """
    counts = curve.counts
    if counts is None:
        return np.full(curve.signal.size, of_pmt)
    per_count = 1.0 if curve.unit == COUNTS or curve.channel_s is None else 1 / curve.channel_s
    expected = np.maximum(np.maximum(middle / per_count, _mean_of_seven(counts)), 1.0)
    return np.hypot(np.sqrt(expected) * per_count, of_pmt)


def scatter(signal: Array, *, at_least_median: bool = True) -> Array:
    """A robust standard deviation of each channel from how it and its neighbours scatter: one spike changes it little.

    Over 41 channels; or in proportion to the light where that is more: the noise of charge grows with it. With
    at_least_median it is nowhere below the median of all channels: 41 channels alone tell it to a fifth. Of counts the
    dark ones do scatter less.
    """
    off = np.abs(off_neighbours(signal)) * NORMAL / _SD_OF_CUBIC
    window = min(_WINDOW, off.size)
    about: Array = np.median(sliding_window_view(off, window), axis=1)
    before = (off.size - about.size) // 2
    near = np.pad(about, (before, off.size - about.size - before), mode="edge")
    light = np.maximum(_mean_of_seven(signal), 0.0)
    bright = light > _BRIGHT * float(light.max())
    share = float(np.median(off[bright] / light[bright])) if bright.any() else 0.0
    return np.maximum(np.maximum(near, share * light), float(np.median(about)) if at_least_median else 0.0)


def _mean_of_seven(signal: Array) -> Array:
    return running_mean(np.pad(signal, SEVEN // 2, mode="edge"), SEVEN)
