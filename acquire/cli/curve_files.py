"""Glow and decay curves of reader files and of two columns of text, for the command `fit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.cli.judged import record_of
from acquire.errors import Refused
from acquire.terminal.output import say

if TYPE_CHECKING:
    from acquire.glow import DecayCurve, GlowCurve
    from acquire.quality import ReaderRecord
    from drivers.reading import Sample

LARGEST_MB = 64.0


@dataclass(frozen=True, slots=True)
class FileCurve:
    """A curve of a file, and the record of it that is judged."""

    curve: GlowCurve | DecayCurve
    record: ReaderRecord


def read_curves(file: Path, ramp: float | None, interval: float | None) -> list[FileCurve]:
    """All curves of a file: of a format that is known, or two columns. Raises Refused.

    ramp (K/s) and interval (s from point to point) are for two columns, which say neither. What cannot be used of a
    file that has other curves is said.
    """
    from acquire.glow import GlowError, looks_like_columns, read_columns  # noqa: PLC0415 - brings scipy
    from drivers.files import Unreadable, read_whole, shown, sniff  # noqa: PLC0415

    name = shown(file.name)
    try:
        data = read_whole(file, LARGEST_MB, follow=True)
        if sniff(data) is not None:
            return _of_format(name, data)
        text = data.decode("utf-8", "replace")
        if not looks_like_columns(text):
            raise Refused(f"{name} is no reader file that is known here, and no two columns of temperature and signal.")
        curve = read_columns(text, name, ramp, interval)
        return [FileCurve(curve, _of_columns(curve))]
    except (Unreadable, GlowError) as error:
        raise Refused(str(error)) from error


def _of_columns(curve: GlowCurve) -> ReaderRecord:
    """Two columns of text as a record: in kelvin, of an element that nobody named."""
    from acquire.quality import Column, ReaderRecord  # noqa: PLC0415

    columns = {
        "signal": Column(curve.unit, curve.signal.tolist()),
        "temperature": Column("K", curve.temperature_k.tolist()),
    }
    if curve.time_s is not None:
        columns["time"] = Column("s", curve.time_s.tolist())
    return ReaderRecord(name=curve.name, kind="glow-curve", unit=curve.unit, columns=columns)


def _of_format(name: str, data: bytes) -> list[FileCurve]:
    from acquire.glow import GlowError  # noqa: PLC0415
    from drivers.files import options_of, parse_file, sniff  # noqa: PLC0415

    known = sniff(data)
    found = parse_file(name, data, options_of(known, {}) if known else None, known)
    curves: list[FileCurve] = []
    for rejected in found.rejected:
        say(rejected.reason)
    for number, each in enumerate(found.samples, start=1):
        try:
            called = f"{name}, {each.element or 'no element'}, readout {number}"
            curves += [FileCurve(curve, record_of(each, called)) for curve in _curve(each, called)]
        except GlowError as error:
            say(f"{name}, readout {number}: {error}")
    if not curves:
        raise Refused(f"{name} ({found.format}) holds no curve that can be fitted, of {len(found.samples)} readouts.")
    return curves


def _curve(sample: Sample, name: str) -> list[GlowCurve | DecayCurve]:
    """The curve of a readout; none of a reader's own checks, nor of what is no curve. Raises GlowError."""
    from acquire.fits.curves import curve_of, light_begins_late  # noqa: PLC0415

    curve = curve_of(sample, name)
    if (late := light_begins_late(sample)) is not None and curve is not None:
        say(f"{name} begins at {late:g} s of its record; the light is taken to have come on with its first point.")
    return [] if curve is None else [curve]


def with_blank(curve: GlowCurve, file: Path) -> GlowCurve:
    """The curve with that of an element that received no dose, at its temperatures. Raises Refused."""
    import numpy as np  # noqa: PLC0415

    from acquire.glow import GlowCurve, GlowError, checked  # noqa: PLC0415

    read = [c for each in read_curves(file, None, None) if isinstance(c := each.curve, GlowCurve)]
    if len(read) != 1:
        raise Refused(f"The blank {file.name} holds {len(read)} glow curves; it must hold one.")
    try:
        blank = checked(replace(read[0], time_s=None))
    except GlowError as error:
        raise Refused(f"The blank cannot be used: {error}") from error
    if blank.unit != curve.unit:
        raise Refused(f"The blank is in '{blank.unit}', {curve.name} in '{curve.unit}'; they must be in one unit.")
    low, high = float(blank.temperature_k[0]), float(blank.temperature_k[-1])
    if curve.temperature_k.min() < low - 1 or curve.temperature_k.max() > high + 1:
        raise Refused(f"The blank runs from {low:.0f} to {high:.0f} K only; {curve.name} goes beyond that.")
    return replace(curve, blank=np.interp(curve.temperature_k, blank.temperature_k, blank.signal))
