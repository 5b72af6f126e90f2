"""A glow curve as it was measured, and what must be true of it before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acquire.glow.errors import GlowError

Array = NDArray[np.float64]

ZERO_CELSIUS_K = 273.15
_FEWEST = 20  # points; a peak alone has three parameters
_K = (200.0, 1000.0)  # K: no dosimeter is read outside of these
_LINEAR_WITHIN_K = 1.5  # of a straight line: such a heating is taken as the ramp it was meant to be


class Column(Protocol):
    """One column of a reading: values in a UCUM unit."""

    @property
    def unit(self) -> str: ...
    @property
    def values(self) -> tuple[float, ...]: ...


@dataclass(frozen=True, slots=True)
class GlowCurve:
    """Signal at temperatures in K; with times in s the heating is known, whatever its form.

    unit: UCUM, of the signal; "{counts}" makes its noise Poisson's. ramp_k_s: where no times were kept and the ramp is
    known from elsewhere, K/s. u: standard uncertainty of each point, where it is known. blank: the curve, at the same
    points, of an element that received no dose. The columns are of one length; nothing else is checked here.
    """

    temperature_k: Array
    signal: Array
    time_s: Array | None = None
    unit: str = "1"
    ramp_k_s: float | None = None
    u: Array | None = None
    blank: Array | None = None
    name: str = ""


def glow_curve(
    temperature_k: ArrayLike,
    signal: ArrayLike,
    time_s: ArrayLike | None = None,
    *,
    unit: str = "1",
    ramp_k_s: float | None = None,
    u: ArrayLike | None = None,
    blank: ArrayLike | None = None,
    name: str = "",
) -> GlowCurve:
    """A curve of any numbers. Raises GlowError where columns are no rows of numbers or differ in length."""
    columns = {"temperature": temperature_k, "signal": signal, "time": time_s, "uncertainty": u, "blank": blank}
    found: dict[str, Array] = {}
    for what, values in columns.items():
        if values is None:
            continue
        try:
            found[what] = np.array(values, dtype=np.float64).reshape(-1)
        except (TypeError, ValueError) as error:
            raise GlowError(f"The {what} of the curve is no row of numbers: {error}.") from error
        if found[what].size != found["temperature"].size:
            raise GlowError(
                f"The curve has {found['temperature'].size} temperatures and {found[what].size} values of {what};"
                " there must be as many."
            )
    return GlowCurve(
        found["temperature"], found["signal"], found.get("time"), unit, ramp_k_s, found.get("uncertainty"),
        found.get("blank"), name,
    )  # fmt: skip


def of_axes(axes: Mapping[str, Column], name: str = "") -> GlowCurve:
    """The curve of a reading's columns "temperature" (Cel or K), "signal" and "time" (s).

    Raises GlowError where there is no temperature: without one there are no glow peaks.
    """
    if "temperature" not in axes or "signal" not in axes:
        raise GlowError("The reading has no temperature beside its signal; a glow curve needs both.")
    temperature, signal = axes["temperature"], axes["signal"]
    offset = {"Cel": ZERO_CELSIUS_K, "K": 0.0}.get(temperature.unit)
    if offset is None:
        raise GlowError(f"The temperature is in '{temperature.unit}'; it must be in Cel or K.")
    kelvin = np.array(temperature.values, dtype=np.float64) + offset
    time = axes["time"].values if "time" in axes else None
    return glow_curve(kelvin, signal.values, time, unit=signal.unit, name=name)


def checked(curve: GlowCurve, range_k: tuple[float, float] | None = None) -> GlowCurve:
    """The curve that can be fitted: its finite points within range_k (K), in the order of heating.

    Without times, points are ordered by temperature (a thermometer may step back by a digit). Raises GlowError for a
    curve that holds no glow: too few points, not finite, no light, a temperature that is none.
    """
    for what, column in (("temperature", curve.temperature_k), ("signal", curve.signal), ("time", curve.time_s),
                         ("uncertainty", curve.u), ("blank", curve.blank)):  # fmt: skip
        if column is not None and not np.isfinite(column).all():
            at = int(np.argmin(np.isfinite(column)))
            raise GlowError(f"The {what} of point {at + 1} is {column[at]}: every point must be a finite number.")
    keep = np.ones(curve.temperature_k.size, dtype=np.bool_)
    if range_k is not None:
        keep = (curve.temperature_k >= range_k[0]) & (curve.temperature_k <= range_k[1])
    if int(keep.sum()) < _FEWEST:
        raise GlowError(f"The curve has {int(keep.sum())} points to fit; at least {_FEWEST} are needed.")
    order = np.flatnonzero(keep)
    if curve.time_s is None:
        order = order[np.argsort(curve.temperature_k[order], kind="stable")]
    picked = _picked(curve, order)
    _refuse_no_glow(picked)
    return picked


def _picked(curve: GlowCurve, order: NDArray[np.intp]) -> GlowCurve:
    def of(column: Array | None) -> Array | None:
        return None if column is None else column[order]

    return GlowCurve(
        curve.temperature_k[order], curve.signal[order], of(curve.time_s), curve.unit, curve.ramp_k_s, of(curve.u),
        of(curve.blank), curve.name,
    )  # fmt: skip


def _refuse_no_glow(curve: GlowCurve) -> None:
    low, high = float(curve.temperature_k.min()), float(curve.temperature_k.max())
    if not (_K[0] <= low and high <= _K[1]):
        raise GlowError(
            f"The temperatures run from {low:g} to {high:g} K; a glow curve lies within {_K[0]:g} to {_K[1]:g} K:"
            " check whether they are in K or in degrees Celsius."
        )
    if high - low < 40:
        raise GlowError(f"The temperatures span {high - low:g} K; less than 40 K hold no glow peak.")
    if curve.u is not None and float(curve.u.min()) <= 0:
        raise GlowError("A standard uncertainty of the signal is not above 0; each point needs one.")
    if curve.time_s is not None and np.any(np.diff(curve.time_s) <= 0):
        at = int(np.argmax(np.diff(curve.time_s) <= 0))
        raise GlowError(f"The time of point {at + 2} is not later than that of the point before it.")
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


def ramp_of(curve: GlowCurve) -> tuple[float | None, bool]:
    """The heating's rate in K/s (None where it is not known), and whether it was a straight ramp.

    Without times it is taken as one. Of another profile, the rate is that of its main rise: what T_m is referred to.
    """
    if curve.time_s is None:
        return curve.ramp_k_s, True
    slope, start = np.polyfit(curve.time_s, curve.temperature_k, 1)
    off = float(np.abs(curve.temperature_k - start - slope * curve.time_s).max())
    if slope > 0 and off <= _LINEAR_WITHIN_K:
        return float(slope), True
    rates = np.gradient(curve.temperature_k, curve.time_s)
    rising = rates[rates > 0]
    if rising.size == 0:
        raise GlowError("The temperature never rises; without heating there is no glow curve.")
    return (float(np.median(rising[rising >= 0.5 * rising.max()]))), False
