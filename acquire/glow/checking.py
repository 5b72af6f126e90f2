"""What must be true of a glow curve before anything is computed from it: each doubt is one sentence and no number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquire.glow.curve import GlowCurve
from acquire.glow.errors import GlowError
from acquire.glow.rise import longest, rise_of
from acquire.quality import equal_top

Array = NDArray[np.float64]

_FEWEST = 20  # points; a peak alone has three parameters
_K = (200.0, 1000.0)  # K: no dosimeter is read outside of these
_LEAST_SPAN_K = 40.0
_RAMP_K_S = (1e-3, 1e3)  # K/s: slower or faster, no reader heats
_FLAT = 3  # points at the top of one height: what a range that was exceeded looks like (reader dossier, section 4.7)


def checked(curve: GlowCurve, range_k: tuple[float, float] | None = None) -> GlowCurve:
    """The curve that can be fitted: its points within range_k (K), in the order of heating.

    Without times, points are ordered by temperature (a thermometer may step back by a digit). Raises GlowError for a
    curve that holds no glow: too few points, not finite, no light, clipped, a temperature that is none or that falls.
    """
    _refuse_not_finite(curve)
    if curve.time_s is not None and np.any(np.diff(curve.time_s) <= 0):
        at = int(np.argmax(np.diff(curve.time_s) <= 0))
        raise GlowError(f"The time of point {at + 2} is not later than that of the point before it.")
    if curve.time_s is not None and curve.temperature_k.size:
        _refuse_no_temperature(curve)  # what lies outside of the range has heated the element too
    order = within(curve, range_k)
    if order.size < _FEWEST:
        raise GlowError(f"The curve has {order.size} points to fit; at least {_FEWEST} are needed.")
    if curve.time_s is None:
        order = order[np.argsort(curve.temperature_k[order], kind="stable")]
    picked = _picked(curve, order)
    _refuse_no_temperature(picked)
    _refuse_no_glow(picked)
    _refuse_clipped(picked)
    return picked


def within(curve: GlowCurve, range_k: tuple[float, float] | None) -> NDArray[np.intp]:
    """Which points lie in a range (K). With times, the longest stretch that stays in it; without, those of the rise."""
    t = curve.temperature_k
    inside = _in(t, range_k)
    if curve.time_s is None:
        return rise_of(t, inside)
    if inside.size == 0:
        return inside
    start, length = longest(inside)
    return np.arange(start, start + length)


def in_range(curve: GlowCurve, range_k: tuple[float, float] | None) -> int:
    """How many points lie in a range (K), whether they can be fitted or not."""
    return _in(curve.temperature_k, range_k).size


def _in(t: Array, range_k: tuple[float, float] | None) -> NDArray[np.intp]:
    low, high = range_k or (-np.inf, np.inf)
    return np.flatnonzero((t >= low) & (t <= high))


def _picked(curve: GlowCurve, order: NDArray[np.intp]) -> GlowCurve:
    def of(column: Array | None) -> Array | None:
        return None if column is None else column[order]

    return GlowCurve(
        curve.temperature_k[order], curve.signal[order], of(curve.time_s), curve.unit, curve.ramp_k_s, of(curve.u),
        of(curve.blank), curve.name,
    )  # fmt: skip


def _refuse_not_finite(curve: GlowCurve) -> None:
    for what, column in (("temperature", curve.temperature_k), ("signal", curve.signal), ("time", curve.time_s),
                         ("uncertainty", curve.u), ("blank", curve.blank)):  # fmt: skip
        if column is not None and not np.isfinite(column).all():
            at = int(np.argmin(np.isfinite(column)))
            raise GlowError(f"The {what} of point {at + 1} is {column[at]}: every point must be a finite number.")
    ramp = curve.ramp_k_s
    if ramp is not None and not _RAMP_K_S[0] <= ramp <= _RAMP_K_S[1]:
        raise GlowError(f"The heating rate is {ramp:g} K/s; it must be from {_RAMP_K_S[0]:g} to {_RAMP_K_S[1]:g} K/s.")


def _refuse_no_temperature(curve: GlowCurve) -> None:
    low, high = float(curve.temperature_k.min()), float(curve.temperature_k.max())
    if not (_K[0] <= low and high <= _K[1]):
        raise GlowError(
            f"The temperatures run from {low:g} to {high:g} K; a glow curve lies within {_K[0]:g} to {_K[1]:g} K:"
            " check whether they are in K or in degrees Celsius."
        )
    if high - low < _LEAST_SPAN_K:
        raise GlowError(f"The temperatures span {high - low:g} K; less than {_LEAST_SPAN_K:g} K hold no glow peak.")


def _refuse_no_glow(curve: GlowCurve) -> None:
    if curve.u is not None and float(curve.u.min()) <= 0:
        raise GlowError("A standard uncertainty of the signal is not above 0; each point needs one.")
    top = float(curve.signal.max())
    if top <= 0 or top > 1e15:
        raise GlowError(f"The highest signal is {top:g}; a glow curve has light, up to 1e15 of its unit.")
    if float(np.ptp(curve.signal)) <= 1e-9 * top:
        raise GlowError("The signal is the same at every point; there is no glow peak in it.")
    if float(curve.signal.min()) < -0.5 * top:
        raise GlowError(
            f"The signal falls to {float(curve.signal.min()):g} beside a height of {top:g}; light is not negative:"
            " check the sign and the background that was taken off."
        )


def _refuse_clipped(curve: GlowCurve) -> None:
    top = equal_top(curve.signal, _FLAT)
    if top is not None:
        raise GlowError(
            f"The signal stays at its highest value, {top.level:g}, for {top.channels} points from"
            f" {curve.temperature_k[top.start]:.1f} K on, and would have risen further: the reader's range was"
            " exceeded. Read such an element with less gain or a filter; of this curve only a range without these"
            " points can be fitted."
        )
