"""Two columns of text, temperature and signal: what every program for glow curves writes and reads (GlowFit, tgcd).

Blanks, tabs, commas or semicolons between them, and a heading or none. The heading's unit decides between kelvin and
degrees Celsius ("T_K", "T (K)", "degC", "°C"). Without one, a column that begins above 270 and ends above 450 is kelvin
and one that begins below 200 is degrees Celsius, since readouts begin near room temperature; of any other, nothing is
guessed.
"""

from __future__ import annotations

import re

import numpy as np

from acquire.glow.curve import ZERO_CELSIUS_K, GlowCurve, glow_curve
from acquire.glow.errors import GlowError

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DECIMAL_COMMA = re.compile(r"[0-9],[0-9].*[;\t]|[;\t].*[0-9],[0-9]|[0-9],[0-9]+ +[0-9]")
_ALONE = r"(?:^|[\s_(\[/,-]){}(?:$|[\s)\],])"
_KELVIN = re.compile(_ALONE.format("K") + "|kelvin", re.IGNORECASE)
_CELSIUS = re.compile(r"°\s?C|deg_?\s?C|celsius|" + _ALONE.format("C"), re.IGNORECASE)
_OTHER = re.compile(r"°\s?F|deg_?\s?F|fahrenheit|time|channel|" + _ALONE.format("(?:s|sec|ch)"), re.IGNORECASE)
_COUNTS = re.compile(r"\bcounts?\b|\bcts\b", re.IGNORECASE)
_MOST_LINES = 100_000


def looks_like_columns(text: str) -> bool:
    """Whether the first lines hold two numbers each, but for a heading."""
    lines = [line for line in text.splitlines()[:12] if line.strip()]
    return len(lines) > 3 and all(_numbers(line) is not None for line in lines[3:])


def read_columns(
    text: str, name: str = "", ramp_k_s: float | None = None, interval_s: float | None = None
) -> GlowCurve:
    """The curve of a text; interval_s, where it is known, is the time in s from each point to the next.

    Raises GlowError that names the line that is no pair of numbers, or a first column that is no temperature.
    """
    heading, rows = _rows(text, name)
    temperature, signal = np.array(rows).T
    if interval_s is not None and not 0 < interval_s < 1e4:
        raise GlowError(f"The time from point to point is {interval_s:g} s; it must be above 0 and below 10,000 s.")
    return glow_curve(
        temperature + _offset(heading, float(temperature.min()), float(temperature.max()), name),
        signal,
        None if interval_s is None else interval_s * np.arange(1, signal.size + 1),
        unit="{counts}" if _COUNTS.search(heading) else "1",
        ramp_k_s=ramp_k_s,
        name=name,
    )


def _rows(text: str, name: str) -> tuple[str, list[tuple[float, float]]]:
    """The last line before the numbers, and the pairs of numbers."""
    heading = ""
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        if number > _MOST_LINES:
            raise GlowError(f"{name} has more than {_MOST_LINES} lines; a glow curve has some hundred.")
        pair = _numbers(line)
        if pair is not None:
            _refuse_ambiguous(line, f"{name}, line {number}", heading)
            rows.append(pair)
        elif rows:
            raise GlowError(f"{name}, line {number}: '{line.strip()[:40]}' is not a temperature and a signal.")
        else:
            heading = line
    if not rows:
        raise GlowError(f"{name} holds no two columns of numbers, temperature and signal.")
    return heading, rows


def _cells(line: str) -> list[str]:
    cells = [cell.strip().strip('"') for cell in re.split(r"[;,\t]|\s+", line.strip().strip(";,"))]
    return [cell for cell in cells if cell]


def _numbers(line: str) -> tuple[float, float] | None:
    """The first two numbers of a line. None where it does not begin with two."""
    cells = _cells(line)
    if len(cells) < 2 or not all(_NUMBER.fullmatch(cell) for cell in cells[:2]):
        return None
    return float(cells[0]), float(cells[1])


def _refuse_ambiguous(line: str, where: str, heading: str) -> None:
    """Raises GlowError for commas that may be decimal ones, and for further columns that no heading names."""
    shown = line.strip()[:40]
    if _DECIMAL_COMMA.search(line):
        raise GlowError(f"{where}: '{shown}' has commas inside of numbers; write decimal points.")
    columns = len(_cells(line))
    if columns > 2 and len([name for name in re.split(r"[;,\t]", heading) if name.strip()]) != columns:
        raise GlowError(
            f"{where}: '{shown}' has {columns} numbers; give a temperature and a signal, or a heading that names each"
            " column and begins with these two. Decimal commas are not read."
        )


def _offset(heading: str, lowest: float, highest: float, name: str) -> float:
    """What is to be added for kelvin. Raises GlowError where the first column is no temperature or of no known unit."""
    first = re.split(r"[;,\t]", heading)[0].strip().strip('"')
    if _OTHER.search(first):
        raise GlowError(f"{name}: the first column is '{first[:40]}'; it must be the temperature in K or °C.")
    if _CELSIUS.search(first):
        return ZERO_CELSIUS_K
    if _KELVIN.search(first) or (lowest >= 270 and highest >= 450):
        return 0.0
    if lowest < 200:
        return ZERO_CELSIUS_K
    raise GlowError(f"{name}: temperatures of {lowest:g} to {highest:g} may be in K or °C; head them T_K or T_C.")
