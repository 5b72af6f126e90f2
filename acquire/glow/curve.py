"""A glow curve as it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acquire.glow.errors import GlowError

Array = NDArray[np.float64]

ZERO_CELSIUS_K = 273.15
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
        found[what] = _row(what, values)
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

    Where the heater had times of its own ("heater-time"), points outside of them have no temperature and are left out.
    Raises GlowError where there is no temperature (without one there are no glow peaks), or in other units.
    """
    if "temperature" not in axes or "signal" not in axes:
        raise GlowError("The reading has no temperature beside its signal; a glow curve needs both.")
    temperature, signal = axes["temperature"], axes["signal"]
    offset = {"Cel": ZERO_CELSIUS_K, "K": 0.0}.get(temperature.unit)
    if offset is None:
        raise GlowError(f"The temperature is in '{temperature.unit}'; it must be in Cel or K.")
    kelvin = np.array(temperature.values, dtype=np.float64) + offset
    if "time" in axes and axes["time"].unit != "s":
        raise GlowError(f"The time is in '{axes['time'].unit}'; it must be in s.")
    time = axes["time"].values if "time" in axes else None
    curve = glow_curve(kelvin, signal.values, time, unit=signal.unit, name=name)
    if time is None or "heater-time" not in axes:
        return curve
    heated = _while_heater_was_read(np.array(time, dtype=np.float64), np.array(axes["heater-time"].values))
    return glow_curve(kelvin[heated], curve.signal[heated], np.array(time)[heated], unit=signal.unit, name=name)


def of_heater(
    time_s: ArrayLike, signal: ArrayLike, heater_s: ArrayLike, heater_k: ArrayLike, *, unit: str = "1", name: str = ""
) -> GlowCurve:
    """The curve of a signal and of a heater that was read at times of its own, between which it is interpolated.

    Raises GlowError for columns that are none, and where the heater's times do not grow.
    """
    times, kelvin = _row("heater's time", heater_s), _row("heater's temperature", heater_k)
    seconds, light = _row("time", time_s), _row("signal", signal)
    if times.size != kelvin.size or seconds.size != light.size:
        raise GlowError("The columns of the curve, or of its heater, differ in length; there must be as many.")
    heated = _while_heater_was_read(seconds, times)
    t = seconds[heated]
    return glow_curve(np.interp(t, times, kelvin), light[heated], t, unit=unit, name=name)


def _row(what: str, values: ArrayLike) -> Array:
    try:
        return np.array(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise GlowError(f"The {what} of the curve is no row of numbers: {error}.") from error


def _while_heater_was_read(time_s: Array, heater_s: Array) -> NDArray[np.bool_]:
    """Which times lie within the heater's, or beside them by no more than one of its steps."""
    if heater_s.size < 2 or np.any(np.diff(heater_s) <= 0):
        raise GlowError("The heater was not read at two times or more that grow; its temperature is not known.")
    step = float(np.median(np.diff(heater_s)))
    inside: NDArray[np.bool_] = (time_s >= heater_s[0] - step) & (time_s <= heater_s[-1] + step)
    return inside


def ramp_of(time_s: Array, temperature_k: Array) -> tuple[float, bool]:
    """The rate of a heating in K/s, and whether it was a straight ramp.

    Of another profile, the rate is that of its main rise: what T_m is referred to. Raises GlowError where none rises.
    """
    slope, start = np.polyfit(time_s, temperature_k, 1)
    off = float(np.abs(temperature_k - start - slope * time_s).max())
    if slope > 0 and off <= _LINEAR_WITHIN_K:
        return float(slope), True
    rates = np.gradient(temperature_k, time_s)
    rising = rates[rates > 0]
    if rising.size == 0:
        raise GlowError("The temperature never rises; without heating there is no glow curve.")
    return float(np.median(rising[rising >= 0.5 * rising.max()])), False
