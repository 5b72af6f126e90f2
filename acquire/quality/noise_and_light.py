"""Light that is no glow, and noise: spikes, a light leak, a baseline below 0, noisy ends, no dosimeter at all."""

from __future__ import annotations

import numpy as np

from acquire.quality.curve import COUNTS, Array, Bools, Curve
from acquire.quality.finding import Finding, Severity, not_judged
from acquire.quality.local import (
    NORMAL,
    counting_noise,
    median_of_seven,
    off_neighbours,
    off_outer_neighbours,
    running_mean,
    scatter,
)
from acquire.quality.record import LARGEST
from acquire.quality.shape import FIRST, Batch, Shape
from acquire.quality_limits import ASSUMED, FEWEST_CHANNELS, FEWEST_OF_BATCH, SUGGESTED, TLDETECT, Limits

_TOO_NARROW = 5.0  # of the least spike, by which a narrow peak's own top may stick out of its neighbours
_OWN_TOP = 10.0  # of the square of the second difference over the height: sums of overlapping peaks reach 9
_SECOND_OF_NOISE = 8.0  # square of the upper quartile of a second difference of noise, in its variance
_OF_MEDIAN = 1.6  # standard deviation of a sum over its own median, in that of the sum: sqrt(1 + pi/2)
_OF_A_PREDICTION = 1.4  # standard deviation of a value minus its neighbours' prediction, in the noise of one channel
_ENDS = 30  # channels at either end
_NAMED = 5  # spikes that a sentence names
ONE_COUNT = 0.2  # counts per channel, one in five: a dark reader's zero is no noise that light could be a multiple of
_BY_CHANCE = 3.0  # standard deviations of the von Neumann ratio of noise alone
_LEAST_RATIO = 1.0  # below it neighbours are alike, however few there are
_MANY = 100  # channels
_DEEP = 4.0  # standard deviations of a mean of five, the lowest of which lies below 0 by chance


def numbers(curve: Curve) -> list[Finding]:
    """Channels that are no finite number up to 1e15: no sum is to be believed."""
    if curve.is_finite:
        return []
    at = int(np.argmin(np.isfinite(curve.signal) & (np.abs(curve.signal) <= LARGEST)))
    said = f"{curve.name}: channel {at + 1} is {curve.signal[at]:g}, which no light has: its sum is not to be believed."
    return [Finding(check="Numbers", severity=Severity.REFUSE, sentence=said, source=ASSUMED, of=curve.name)]


def spikes(curve: Curve, limits: Limits, of_pmt: float = 0.0) -> list[Finding]:
    """One or two channels far off: by more than 6 sqrt(median of 7 + noise²) and 2 % of the height (dossier 4.7).

    Beside that test a spike must stick out of the cubic through its neighbours by as much: the top of a narrow peak
    lies above its median too. A decay is judged from where it has begun to fall.
    """
    signal = curve.signal
    if signal.size < FEWEST_CHANNELS:
        return [_too_few("Spike", curve)]
    middle = median_of_seven(signal)
    height = float(signal.max())
    least = limits.spike_percent / 100 * height
    found = np.abs(signal - middle) > least
    if curve.form == "decay":
        found[: int(np.argmax(middle)) + 4] = False
    if height <= 0 or not found.any():
        return []
    noise = counting_noise(curve, middle, of_pmt)
    own_top = _top_off_neighbours(signal, middle, noise)
    if own_top > max(_TOO_NARROW * least, limits.spike_sigma * float(noise.max())):
        why = "the peaks are so narrow, in channels, that their own tops look like one"
        return [not_judged("Spike", why, SUGGESTED, curve.name)]
    for _ in range(2):  # by counting alone, which is quick, and then by what the channels about them show as well
        found &= np.abs(signal - middle) > limits.spike_sigma * noise
        found &= _off_their_neighbours(signal, least, own_top, limits.spike_sigma * noise)
        if not found.any():
            return []
        noise = np.maximum(noise, scatter(signal, at_least_median=curve.counts is None))
    return [_of_spikes(curve, found, signal - middle, limits)]


def _off_their_neighbours(signal: Array, least: float, own_top: float, by: Array) -> Bools:
    """Channels that stick out alone, or with the one beside them to the same side: there a top does thrice that."""
    alone = np.abs(off_neighbours(signal)) > np.maximum(by, max(least, own_top))
    limit = np.maximum(by, max(least, 3 * own_top))
    first, second = off_outer_neighbours(signal)
    pair = (np.abs(first) > limit) & (np.abs(second) > limit) & (np.sign(first) == np.sign(second))
    found: Bools = alone | pair | np.concatenate([[False], pair[:-1]])
    return found


def _top_off_neighbours(signal: Array, middle: Array, noise: Array) -> float:
    """By how much the tops of a sound curve may stick out of the cubic through their neighbours.

    By a part of their fourth difference, which of a round top goes with the square of the second over the height. That
    is the upper quartile where the curve is above half of its height, less what noise does to it.
    """
    low, high = float(middle.min()), float(middle.max())
    bright = middle[1:-1] > (low + high) / 2
    if not bright.any():
        return 0.0
    second = float(np.quantile(np.abs(np.diff(signal, 2))[bright], 0.75)) ** 2
    by_noise = _SECOND_OF_NOISE * float(np.median(noise[1:-1][bright])) ** 2
    return _OWN_TOP * max(second - by_noise, 0.0) / (high - low)


def _of_spikes(curve: Curve, found: Bools, off: Array, limits: Limits) -> Finding:
    at = np.flatnonzero(found)
    named = ", ".join(_place(curve, int(k)) for k in at[:_NAMED])
    more = f" and {at.size - _NAMED} more" if at.size > _NAMED else ""
    share = 100 * float(np.abs(off[at]).sum()) / max(float(np.abs(curve.signal).sum()), 1e-300)
    what = "a spike" if at.size == 1 else f"{at.size} channels of spikes"
    return Finding(
        check="Spike", severity=Severity.DOUBT, of=curve.name, source=SUGGESTED, unit="%",
        value=100 * float(np.abs(off[at]).max()) / float(curve.signal.max()), limit=limits.spike_percent,
        sentence=f"{curve.name} has {what} at {named}{more}, {share:.2g} % of its sum: look at the curve before the"
        " number is believed.",
    )  # fmt: skip


def _place(curve: Curve, k: int) -> str:
    if curve.kelvin is not None:
        return f"channel {k + 1} ({curve.kelvin[k]:.0f} K)"
    return f"channel {k + 1}" + (f" ({curve.time_s[k]:.4g} s)" if curve.time_s is not None else "")


def below_zero(curve: Curve, limits: Limits) -> list[Finding]:
    """A baseline below 0: more was taken off than the background there was. Light is not negative."""
    if curve.signal.size < FEWEST_CHANNELS:
        return []
    smooth = running_mean(curve.signal, FIRST)
    lowest, height = float(smooth.min()), float(smooth.max())
    if lowest >= 0:
        return []
    share = 100 * -lowest / height if height > 0 else 100.0
    by_chance = _DEEP * NORMAL * float(np.median(np.abs(np.diff(curve.signal)))) / (2 * FIRST) ** 0.5
    if share <= limits.below_zero_percent or -lowest <= by_chance:
        return []
    return [
        Finding(
            check="Baseline below zero", severity=Severity.DOUBT, of=curve.name, source=ASSUMED, unit="%",
            value=share, limit=limits.below_zero_percent,
            sentence=f"{curve.name}: its baseline lies {share:.2g} % of its height below 0; more background was taken"
            " off than there is, and the sum is too small.",
        )
    ]  # fmt: skip


def noisy_ends(curve: Curve, limits: Limits) -> list[Finding]:
    """Noise at the cold or the hot end above what counting allows (class 1 of TLDetect; the limit is assumed)."""
    counts = curve.counts
    if counts is None or counts.size < 2 * _ENDS:
        return []
    off = np.abs(off_neighbours(counts))[2:-2]
    expected = np.sqrt(np.maximum(running_mean(counts, FIRST), 1.0)) * _OF_A_PREDICTION
    found = []
    for end, at in (("cold", slice(None, _ENDS)), ("hot", slice(-_ENDS, None))):
        times = NORMAL * float(np.median(off[at] / expected[at]))
        if times > limits.noise_times:
            said = (
                f"{curve.name} is {times:.2g} times noisier at its {end} end than counting allows; look at contact,"
                " dirt and the PMT's supply."
            )
            found.append(
                Finding(check="Noise", severity=Severity.DOUBT, of=curve.name, source=f"{TLDETECT}; {ASSUMED}",
                        sentence=said, value=times, limit=limits.noise_times, unit="1")
            )  # fmt: skip
    return found


def missing(curve: Curve, limits: Limits, of_pmt: float | None = None) -> list[Finding]:
    """Flat at noise level, total below 3 sigma sqrt(n) (dossier 4.7): no dosimeter, or less dose than can be seen.

    Where the PMT noise is not known the curve itself tells: neighbours of noise alone differ as much as any two (von
    Neumann's ratio is 2 ± 2/sqrt(n)). Fives of channels are compared, in which a glow shows earlier.
    """
    signal = curve.signal
    if curve.form != "glow":
        return []
    if signal.size < FEWEST_CHANNELS:
        return [_too_few("Missing dosimeter", curve)]
    if not _is_flat(signal):
        return []
    spread = float(signal.var())
    level = float(np.median(_fives(signal))) / FIRST if of_pmt is None else of_pmt
    limit = limits.missing_sigma * max(spread, 1e-300) ** 0.5 * signal.size**0.5
    net = float(signal.sum()) - level * signal.size
    if of_pmt is None:
        limit *= _OF_MEDIAN
    if net > limit:
        return []
    return [
        Finding(
            check="Missing dosimeter", severity=Severity.REFUSE, of=curve.name, source=SUGGESTED, unit=curve.unit,
            value=net, limit=limit,
            sentence=f"{curve.name} shows no glow above its noise: no dosimeter was read, or it received less than this"
            " reader can see.",
        )
    ]  # fmt: skip


def _is_flat(signal: Array) -> bool:
    """Whether neighbours differ as noise alone does; of fewer than 100 channels single ones are compared, not fives."""
    sums = _fives(signal) if signal.size >= _MANY else signal
    spread = float(sums.var())
    ratio = float(np.mean(np.diff(sums) ** 2)) / spread if spread > 0 else 2.0
    return bool(ratio >= max(2 - _BY_CHANCE * 2 / sums.size**0.5, _LEAST_RATIO))


def _fives(signal: Array) -> Array:
    """Sums of five neighbours; what is left over at the end is left out."""
    sums: Array = signal[: signal.size // FIRST * FIRST].reshape(-1, FIRST).sum(axis=1)
    return sums


def light_leak(name: str, shape: Shape, unit: str, of_pmt: float | None, batch: Batch, limits: Limits) -> list[Finding]:
    """Light before the peaks: mean of the first five channels above 5 times the PMT noise (dossier 4.7).

    Without a noise record the median of the batch's first five stands for it. An offset is in every channel, so the
    lowest five must lie as high; where it is more than 3 % of the sum (assumed) there is no number.
    """
    reference, whose = (of_pmt, "the PMT noise") if of_pmt is not None else (batch.first, "that of the batch")
    if reference is None:
        why = f"no PMT noise is known and there are fewer than {FEWEST_OF_BATCH} curves of its kind"
        return [not_judged("Light leak", why, SUGGESTED, name)]
    reference = max(reference, ONE_COUNT if unit == COUNTS else 0.0)
    if shape.lowest <= 0 or min(shape.first, shape.lowest) <= limits.light_leak_times * reference:
        return []
    share = 100 * (shape.lowest - reference) * shape.points / max(shape.total, 1e-300)
    beyond = share > limits.light_leak_percent
    times = shape.first / reference if reference > 0 else None
    end = "; light came in from outside" if beyond else "; look for light from outside"
    many = "is where there should be none" if times is None else f"is {times:.3g} times {whose}"
    return [
        Finding(
            check="Light leak", severity=Severity.REFUSE if beyond else Severity.DOUBT, of=name, source=SUGGESTED,
            unit="1", value=times, limit=limits.light_leak_times,
            sentence=f"{name}: the light before its peaks {many} ({shape.first:.3g} {unit} a channel), {share:.2g} % of"
            f" its sum{end}.",
        )
    ]  # fmt: skip


def _too_few(check: str, curve: Curve) -> Finding:
    why = f"the curve has {curve.signal.size} channels, and {FEWEST_CHANNELS} are needed"
    return not_judged(check, why, SUGGESTED, curve.name)
