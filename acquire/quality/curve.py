"""The curve of a reader record as the checks use it: rows of numbers, and what is known of their noise and time."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.quality.record import LARGEST, Column, Form, ReaderRecord

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

ZERO_CELSIUS_K = 273.15
COUNTS, RATE = "{counts}", "{counts}/s"
RATES = ("RATE", "RampRate")  # what a file calls its ramp, K/s: Risø, Daybreak


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Signal of each channel; beside it, where they are known and as long, temperature (K) and time (s).

    heater_s, heater_k: the heater's own trace. errors_k: heater error that the reader states; volts: its PMT voltage.
    channel_s: width of a channel. counts: the signal in counts, whose noise is Poisson's; None for charge, light, or
    counts of which something was taken off: those are not whole or below 0. Every column is finite or left out, but
    the signal, which is as it is.
    """

    name: str
    form: Form
    unit: str
    signal: Array
    kelvin: Array | None = None
    time_s: Array | None = None
    heater_s: Array | None = None
    heater_k: Array | None = None
    errors_k: Array | None = None
    volts: Array | None = None
    channel_s: float | None = None
    counts: Array | None = None

    @property
    def is_finite(self) -> bool:
        """Whether the signal is all numbers that light can have."""
        return _all_numbers(self.signal)

    @property
    def rate_hz(self) -> float | None:
        """The highest count rate, 1/s; None where it is no counting or the channels' width is not known."""
        if not self.signal.size or not self.is_finite:
            return None
        if self.unit == RATE:
            return float(self.signal.max())
        return float(self.signal.max()) / self.channel_s if self.unit == COUNTS and self.channel_s else None


def curve_of(record: ReaderRecord) -> Curve | None:
    """The curve of a record; None where it has none."""
    signal = record.columns.get("signal")
    if signal is None or not len(signal.values):
        return None
    y = _row(signal)
    n = y.size
    kelvin, time = _kelvin(record.columns.get("temperature"), n), _seconds(record.columns.get("time"), n)
    heater_s, heater_k = _heater(record)
    channel_s = _channel_s(time, kelvin, record)
    return Curve(
        name=record.name,
        form=record.form,
        unit=signal.unit,
        signal=y,
        kelvin=kelvin,
        time_s=time,
        heater_s=heater_s,
        heater_k=heater_k,
        errors_k=_beside(record.columns.get("temperature-error"), n, ("Cel", "K")),
        volts=_beside(record.columns.get("high-voltage"), n, ("V",)),
        channel_s=channel_s,
        counts=_counts(y, signal.unit, channel_s),
    )


def _counts(signal: Array, unit: str, channel_s: float | None) -> Array | None:
    """A rate is turned back where the channels' width is known."""
    if not _all_numbers(signal):
        return None
    if unit == RATE and channel_s is not None:
        found = signal * channel_s
        whole = bool(np.all(np.abs(found - np.round(found)) < 1e-6 * np.maximum(np.abs(found), 1.0)))
    else:
        found, whole = signal, unit == COUNTS and bool(np.all(signal == np.round(signal)))
    return found if whole and float(found.min()) >= 0 else None


def _row(column: Column) -> Array:
    return np.array(column.values, dtype=np.float64).reshape(-1)


def _beside(column: Column | None, n: int, units: tuple[str, ...]) -> Array | None:
    """A column of n finite values in one of these units, else None: nothing is judged by what is not understood."""
    if column is None or column.unit not in units:
        return None
    row = _row(column)
    return row if row.size == n and _all_numbers(row) else None


def _all_numbers(row: Array) -> bool:
    return bool(np.all(np.isfinite(row) & (np.abs(row) <= LARGEST)))


def _kelvin(column: Column | None, n: int) -> Array | None:
    row = _beside(column, n, ("Cel", "K"))
    return row if row is None or column is None or column.unit == "K" else row + ZERO_CELSIUS_K


def _seconds(column: Column | None, n: int) -> Array | None:
    row = _beside(column, n, ("s",))
    return row if row is not None and bool(np.all(np.diff(row) >= 0)) else None


def _heater(record: ReaderRecord) -> tuple[Array | None, Array | None]:
    """The heater's own trace; where it was read with the signal, the temperature is that trace."""
    times = record.columns.get("heater-time") or record.columns.get("time")
    kelvin = record.columns.get("heater-temperature") or record.columns.get("temperature")
    if times is None or kelvin is None:
        return None, None
    heater_s, heater_k = _seconds(times, len(times.values)), _kelvin(kelvin, len(times.values))
    return (None, None) if heater_s is None or heater_k is None else (heater_s, heater_k)


def _channel_s(time_s: Array | None, kelvin: Array | None, record: ReaderRecord) -> float | None:
    """From the times; else from a ramp of a stated rate."""
    if time_s is not None and time_s.size > 1:
        return _positive(float(np.median(np.diff(time_s))))
    rate = stated(record, *RATES)
    if kelvin is None or kelvin.size < 2 or rate is None:
        return None
    return _positive(float(np.median(np.diff(kelvin))) / rate)


def _positive(value: float) -> float | None:
    return value if math.isfinite(value) and value > 0 else None


def stated(record: ReaderRecord, *names: str) -> float | None:
    """The first of these attributes that is a number above 0, as the reader's file has it."""
    for name in names:
        with suppress(ValueError):
            if (value := _positive(float(record.attributes.get(name, "")))) is not None:
                return value
    return None
