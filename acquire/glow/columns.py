"""Two columns of text, temperature and signal: what every program for glow curves writes and reads (GlowFit, tgcd).

Blanks, tabs, commas or semicolons between them, and a heading or none. The heading's unit decides between kelvin and
degrees Celsius ("T_K", "T (K)", "degC", "°C"); without one, a column that lies above 250 and ends above 500 is kelvin.
"""

from __future__ import annotations

import re

from acquire.glow.curve import ZERO_CELSIUS_K, GlowCurve, glow_curve
from acquire.glow.errors import GlowError

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_KELVIN = re.compile(r"(?:^|[\s_(\[/,-])K(?:$|[\s)\],])|kelvin", re.IGNORECASE)
_CELSIUS = re.compile(r"°\s?C|deg_?\s?C|celsius|(?:^|[\s_(\[/,-])C(?:$|[\s)\],])", re.IGNORECASE)
_COUNTS = re.compile(r"\bcounts?\b|\bcts\b", re.IGNORECASE)
_MOST_LINES = 100_000


def looks_like_columns(text: str) -> bool:
    """Whether the first lines hold two numbers each, but for a heading."""
    lines = [line for line in text.splitlines()[:12] if line.strip()]
    return len(lines) > 3 and all(_numbers(line) is not None for line in lines[3:])


def read_columns(text: str, name: str = "", ramp_k_s: float | None = None) -> GlowCurve:
    """The curve of a text. Raises GlowError that names the line that is no pair of numbers."""
    heading: list[str] = []
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        pair = _numbers(line)
        if pair is not None:
            rows.append(pair)
        elif rows:
            raise GlowError(f"{name}, line {number}: '{line.strip()[:40]}' is not a temperature and a signal.")
        else:
            heading.append(line)
        if number > _MOST_LINES:
            raise GlowError(f"{name} has more than {_MOST_LINES} lines; a glow curve has some hundred.")
    if not rows:
        raise GlowError(f"{name} holds no two columns of numbers, temperature and signal.")
    temperature, signal = (list(column) for column in zip(*rows, strict=True))
    return glow_curve(
        [t + _offset(heading[-1] if heading else "", temperature) for t in temperature],
        signal,
        unit="{counts}" if heading and _COUNTS.search(heading[-1]) else "1",
        ramp_k_s=ramp_k_s,
        name=name,
    )


def _numbers(line: str) -> tuple[float, float] | None:
    """The two numbers of a line; of more columns the first two. None where it does not begin with two."""
    cells = [cell.strip().strip('"') for cell in re.split(r"[;,\t]|\s+", line.strip().strip(";,"))]
    cells = [cell for cell in cells if cell]
    if len(cells) < 2 or not all(_NUMBER.fullmatch(cell) for cell in cells[:2]):
        return None
    return float(cells[0]), float(cells[1])


def _offset(heading: str, temperature: list[float]) -> float:
    first = re.split(r"[;,\t]", heading)[0].strip().strip('"')
    if _CELSIUS.search(first):
        return ZERO_CELSIUS_K
    if _KELVIN.search(first):
        return 0.0
    return 0.0 if min(temperature) > 250 and max(temperature) > 500 else ZERO_CELSIUS_K
