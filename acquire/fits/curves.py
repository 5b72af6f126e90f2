"""The curve of a reading, for the analysis: a glow curve with its temperatures, or an OSL decay with its times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from acquire.fits.kept import LIGHT
from acquire.glow import DecayCurve, GlowCurve, GlowError, analyse, analyse_decay, decay_curve, of_axes
from acquire.glow.curve import Column
from drivers.reading import NO_VALUE


class Readout(Protocol):
    """What is asked of a reading."""

    @property
    def kind(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def mode(self) -> str | None: ...
    @property
    def flags(self) -> Sequence[str]: ...
    @property
    def axes(self) -> Mapping[str, Column]: ...


class _Axis(msgspec.Struct):
    unit: str
    values: tuple[float, ...]


class _Body(msgspec.Struct):
    """A reading's body as the store keeps it."""

    kind: str
    role: str = "sample"
    mode: str | None = None
    flags: tuple[str, ...] = ()
    axes: dict[str, _Axis] = {}


_body = msgspec.json.Decoder(_Body)


def curve_of(readout: Readout, name: str) -> GlowCurve | DecayCurve | None:
    """The curve of a readout; None for a reader's own check and for what is no curve. Raises GlowError."""
    decays = readout.kind == "curve" and readout.mode in LIGHT and {"time", "signal"} <= readout.axes.keys()
    if readout.role != "sample" or not (decays or readout.kind == "glow-curve"):
        return None
    if forbidding := [str(flag) for flag in readout.flags if flag in NO_VALUE]:
        raise GlowError(f"The readout is flagged {', '.join(forbidding)}; such a curve is not fitted.")
    if readout.kind == "glow-curve":
        return of_axes(readout.axes, name)
    time, signal = readout.axes["time"], readout.axes["signal"]
    if time.unit != "s":
        raise GlowError(f"The time is in '{time.unit}'; it must be in s.")
    return decay_curve(_since_light(time.values), signal.values, unit=signal.unit, name=name)


def light_begins_late(readout: Readout) -> float | None:
    """Seconds of its record at which a decay begins, where they are more than a channel or two; else None.

    A record's clock may run through a preheat before the light, as in XSYG files.
    """
    time_s = readout.axes["time"].values if readout.kind == "curve" and "time" in readout.axes else ()
    return time_s[0] if time_s and time_s[0] > 2 * _channel(time_s) else None


def _since_light(time_s: Sequence[float]) -> list[float]:
    """Middles of the channels, in s since the light came on: with the first channel (assumed)."""
    return [each - time_s[0] + _channel(time_s) / 2 for each in time_s]


def _channel(time_s: Sequence[float]) -> float:
    return (time_s[-1] - time_s[0]) / max(len(time_s) - 1, 1) if time_s else 0.0


def fitted(preset: str, name: str, body: bytes) -> dict[str, Any]:
    """The fit of an entry's body as JSON values; whatever is wrong with the curve is a sentence in "refused"."""
    try:
        curve = curve_of(_body.decode(body), name)
        if isinstance(curve, GlowCurve):
            return analyse(curve, preset).to_json()
        if curve is not None:
            return analyse_decay(curve).to_json()
        why = "The reading holds no curve that can be fitted."
    except GlowError as error:
        why = str(error)
    except Exception as error:  # a mistake of ours in one curve keeps no other from being fitted
        why = f"The analysis failed on this curve: {error!r}"[:300]
    return {"name": name, "refused": why, "warnings": []}
