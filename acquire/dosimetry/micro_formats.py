"""Spectra as files state them: ORTEC Maestro `.Spe` and plain columns. Pure functions on text.

The sections of a `.Spe` file are those that a public program reads from real ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite_fields
from acquire.dosimetry.micro_calibration import Scale
from acquire.dosimetry.microdosimetry import Spectrum
from acquire.dosimetry.number_text import parse_number

_COUNT = re.compile(r"[0-9]{1,15}")  # more events than any counter counts
Separator = Literal[";", ",", "\t", "blank"]


@dataclass(frozen=True, slots=True)
class ChannelSpectrum:
    """Counts by channel as measured, with the times in s; `noted` holds what else the file says (id, remarks, date)."""

    first_channel: int
    counts: tuple[int, ...]
    live_s: float
    real_s: float
    noted: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        finite_fields(self)

    def on(self, scale: Scale) -> Spectrum:
        """The spectrum on a scale of lineal energy; channel i spans i to i + 1. Channels below y = 0 must be empty.

        Raises OutsideValidity.
        """
        channels = np.arange(self.first_channel, self.first_channel + len(self.counts) + 1, dtype=np.float64)
        edges, counts = (channels - scale.offset) * scale.kev_um_per_unit, np.asarray(self.counts, dtype=np.float64)
        keep = edges[:-1] >= 0
        if np.any(counts[~keep] > 0):
            raise OutsideValidity("Channels below the offset of the scale hold counts: the offset may be wrong.")
        first = int(np.argmax(keep)) if np.any(keep) else len(counts)
        return Spectrum(edges[first:], counts[first:])


def parse_spe(text: str) -> ChannelSpectrum:
    """An ORTEC Maestro `.Spe` file: $MEAS_TIM: (live real) and $DATA: (first last, then one count a line).

    Raises OutsideValidity, naming the line, for anything that is not as the format says.
    """
    blocks = _blocks(text)
    for name in ("$MEAS_TIM:", "$DATA:"):
        if name not in blocks:
            raise OutsideValidity(f"This is no .Spe file: the block {name} is missing.")
    start, lines = blocks["$DATA:"]
    times = _fields(blocks["$MEAS_TIM:"], 2)
    bounds = _fields(blocks["$DATA:"], 2)
    first, last = int(bounds[0]), int(bounds[1])
    if (first, last) != tuple(bounds) or first < 0 or last < first:
        raise OutsideValidity(f"Line {start + 1}: '$DATA:' must name a first and a last channel.")
    counts = [_count(line, start + 2 + i) for i, line in enumerate(lines[1:])]
    if len(counts) != last - first + 1:
        raise OutsideValidity(f"$DATA: promises {last - first + 1} channels and holds {len(counts)}: the file is cut.")
    noted = tuple((key, "\n".join(body)) for key, (_, body) in blocks.items() if key not in ("$MEAS_TIM:", "$DATA:"))
    return ChannelSpectrum(first, tuple(counts), times[0], times[1], noted)


def parse_columns(
    text: str, separator: Separator, *, header_lines: int = 0
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Two columns (y or channel; counts or f). The separator is stated, so that a decimal comma is never taken for one.

    Blank lines and lines that begin with "#" are passed over. Raises OutsideValidity, naming the line.
    """
    first: list[float] = []
    second: list[float] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if number <= header_lines or not line.strip() or line.lstrip().startswith("#"):
            continue
        fields = line.split(None if separator == "blank" else separator)
        if len(fields) != 2:
            raise OutsideValidity(
                f"Line {number}: two columns are expected, there are {len(fields)}: '{line.strip()}'."
            )
        try:
            first.append(parse_number(fields[0]))
            second.append(parse_number(fields[1]))
        except OutsideValidity as wrong:
            raise OutsideValidity(f"Line {number}: {wrong}") from wrong
    if not first:
        raise OutsideValidity("The file holds no line of numbers.")
    return tuple(first), tuple(second)


def _blocks(text: str) -> dict[str, tuple[int, list[str]]]:
    """Blocks by name: (line number of the name, the lines after it)."""
    found: dict[str, tuple[int, list[str]]] = {}
    body: list[str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("$"):
            if line in found:
                raise OutsideValidity(f"Line {number}: the block {line} stands twice.")
            body = []
            found[line] = (number, body)
        elif line and body is not None:
            body.append(line)
        elif line:
            raise OutsideValidity(f"Line {number}: '{line}' stands before the first block.")
    return found


def _fields(block: tuple[int, list[str]], wanted: int) -> list[float]:
    number, body = block
    fields = body[0].split() if body else []
    if len(fields) != wanted:
        raise OutsideValidity(f"Line {number + 1}: {wanted} numbers are expected after the block's name.")
    return [parse_number(field) for field in fields]


def _count(line: str, number: int) -> int:
    if not _COUNT.fullmatch(line):
        raise OutsideValidity(f"Line {number}: '{line[:40]}' is no count.")
    return int(line)
