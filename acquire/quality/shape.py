"""What of a curve is held against its siblings: a few numbers, so that a whole run is judged without its curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from acquire.quality.curve import COUNTS, Array, Curve
from acquire.quality.local import NORMAL, running_mean
from acquire.quality_limits import FEWEST_CHANNELS, FEWEST_OF_BATCH

FIRST = 5  # channels before the peaks (reader dossier 4.7, light leak)
_TOP = 0.8  # of the height: the light whose middle is where the maximum is; a single channel may be noise
_SEEN = 30.0  # of the noise of five channels: fainter glow has no place and no width that could be judged
_BELOW_K, _ABOVE_K = 75.0, 25.0  # the main peaks about the maximum: of TLD-100, 3 to 5 + 25 K (dossier 4.3, 4.4)
_MAIN_RISE = 0.5  # of the fastest heating, from which the ramp is


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of one curve. Temperatures in K, rate in K/s, light in the signal's unit; None where it cannot be told.

    first: mean of the first five channels; lowest: the lowest mean of five. top_k, width_k: middle of the light above
    80 % of the height, and width at half of it, both over the lowest. hottest_k, rate_k_s: of the heating as it was
    measured or programmed. below, above: share of the sum (over the lowest) more than 75 K below and 25 K above top_k.
    faint: too little glow over its noise for a place and a width.
    """

    points: int
    total: float
    height: float
    first: float
    lowest: float
    faint: bool = True
    ends: Literal["inside", "outside"] = "outside"
    top_k: float | None = None
    width_k: float | None = None
    below: float | None = None
    above: float | None = None
    hottest_k: float | None = None
    rate_k_s: float | None = None
    volts: float | None = None
    volts_off: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The medians of the curves of one kind in a run, of one shape each element; None of what fewer than four tell.

    The curve that is judged is one of them: of four, one that is off does not move the median to itself.
    """

    first: float | None = None
    top_k: float | None = None
    width_k: float | None = None
    hottest_k: float | None = None
    rate_k_s: float | None = None
    volts: float | None = None


def batch_of(shapes: Sequence[Shape]) -> Batch:
    """The batch of these shapes."""
    return Batch(**{field.name: _median([getattr(each, field.name) for each in shapes]) for field in fields(Batch)})


def _median(values: Sequence[float | None]) -> float | None:
    told = [each for each in values if each is not None]
    return float(np.median(told)) if len(told) >= FEWEST_OF_BATCH else None


def shape_of(curve: Curve) -> Shape | None:
    """The shape of a glow curve or a preheat with enough channels, all of them numbers; else None."""
    signal = curve.signal
    if curve.form not in ("glow", "preheat") or signal.size < FEWEST_CHANNELS or not curve.is_finite:
        return None
    smooth = running_mean(signal, FIRST)
    lowest, height = float(smooth.min()), float(smooth.max())
    hottest, rate = _heating(curve)
    made: dict[str, Any] = {
        "points": signal.size,
        "total": float(signal.sum()),
        "height": height - lowest,
        "first": float(smooth[0]),
        "lowest": lowest,
        "hottest_k": hottest,
        "rate_k_s": rate,
        "volts": None if curve.volts is None else float(np.median(curve.volts)),
        "volts_off": 0.0 if curve.volts is None else float(np.abs(curve.volts - np.median(curve.volts)).max()),
    }
    faint = height - lowest <= _SEEN * _noise_at_top(curve, smooth) / FIRST**0.5
    if faint or curve.kelvin is None:
        return Shape(**made, faint=faint)
    return Shape(**made, faint=False, **_place(curve.kelvin, signal - lowest, smooth - lowest))


def _noise_at_top(curve: Curve, smooth: Array) -> float:
    """Standard deviation of a channel where it is brightest: counting's, or by how neighbours differ there."""
    if curve.counts is not None:
        return max(float(smooth.max()), 1.0) ** 0.5 if curve.unit == COUNTS else _scatter_at_top(curve.signal, smooth)
    return _scatter_at_top(curve.signal, smooth)


def _scatter_at_top(signal: Array, smooth: Array) -> float:
    bright = smooth[1:-1] > (float(smooth.min()) + float(smooth.max())) / 2
    second = np.diff(signal, 2)[FIRST // 2 : FIRST // 2 + bright.size]
    return NORMAL * float(np.median(np.abs(second[bright]))) / 6**0.5 if bright.any() else 0.0


def _place(kelvin: Array, light: Array, smooth: Array) -> dict[str, Any]:
    """Where the maximum is, how wide it is at half height, and what lies beyond the main peaks."""
    t = running_mean(kelvin, FIRST)
    height = float(smooth.max())
    at = int(np.argmax(smooth))
    low, high = _crossings(smooth, at, 0.5 * height)
    if low is None or high is None:
        return {"ends": "outside"}
    from_, to = (round(each) for each in _crossings(smooth, at, _TOP * height) if each is not None)
    weight = smooth[from_ : to + 1]
    top = float(t[from_ : to + 1] @ weight / weight.sum())
    whole = float(light.sum())
    return {
        "ends": "inside",
        "top_k": top,
        "width_k": float(np.interp(high, np.arange(t.size), t) - np.interp(low, np.arange(t.size), t)),
        "below": float(light[kelvin < top - _BELOW_K].sum()) / whole,
        "above": float(light[kelvin > top + _ABOVE_K].sum()) / whole,
    }


def _crossings(smooth: Array, at: int, level: float) -> tuple[float | None, float | None]:
    """Where the curve crosses a level on either side of a channel, in channels; None where it ends before."""
    under = np.flatnonzero(smooth < level)
    before, after = under[under < at], under[under > at]
    low = high = None
    if before.size:
        k = int(before[-1])
        low = k + float((level - smooth[k]) / (smooth[k + 1] - smooth[k]))
    if after.size:
        k = int(after[0])
        high = k - float((level - smooth[k]) / (smooth[k - 1] - smooth[k]))
    return low, high


def _heating(curve: Curve) -> tuple[float | None, float | None]:
    """The hottest temperature (K), and the rate (K/s) of the main rise: the median of what heats at least half as fast.

    A thermometer's last digit makes single steps nothing: steps are taken over a fiftieth of the heating.
    """
    kelvin = curve.heater_k if curve.heater_k is not None else curve.kelvin
    if kelvin is None or kelvin.size < FEWEST_CHANNELS:
        return None, None
    hottest = float(kelvin.max())
    seconds = curve.heater_s
    if seconds is None and curve.channel_s is not None:
        seconds = np.arange(kelvin.size, dtype=np.float64) * curve.channel_s
    if seconds is None:
        return hottest, None
    step = max(kelvin.size // 50, 1)
    passed = np.diff(seconds[::step])
    rises = np.diff(kelvin[::step])[passed > 0] / passed[passed > 0]
    if not rises.size or float(rises.max()) <= 0:
        return hottest, None
    return hottest, float(np.median(rises[rises >= _MAIN_RISE * float(rises.max())]))
