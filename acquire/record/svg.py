"""Plots as inline SVG, made by pure functions: axes with units, a title and a description for screen readers.

No script, no style sheet of others; colours come from the page by class, so a plot prints in grey as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 62.0, 14.0, 48.0


@dataclass(frozen=True, slots=True)
class PlotAxis:
    """An axis: what it shows with its unit, and its span (low < high)."""

    label: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A polyline. `look` is the class the page styles; `right` puts it on the right-hand axis."""

    x: Sequence[float]
    y: Sequence[float]
    look: str
    right: bool = False


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers between low and high: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def figure(value: float, step: float) -> str:
    """A tick's number with as many decimals as the step between ticks needs; thousands set apart by a thin space."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace("-", "\u2212")


def span(values: Sequence[float], *, from_zero: bool = False) -> tuple[float, float]:
    """A span that holds all values with a little room above (and below where values are negative)."""
    low, high = min(values), max(values)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return (low - room if low < 0 or not from_zero else low), high + room


def plot(
    title: str,
    desc: str,
    x: PlotAxis,
    y: PlotAxis,
    lines: Sequence[PlotLine],
    *,
    right: PlotAxis | None = None,
    shaded: tuple[float, float, str] | None = None,
    lost: Sequence[float] = (),
) -> str:
    """One figure as an <svg> element. `shaded` is (from, to, label) on the x axis, `lost` where values are missing."""
    parts = [
        f'<svg class="plot" role="img" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(title)}</title><desc>{escape(desc)}</desc>",
    ]
    if shaded is not None:
        parts.append(_shade(x, *shaded))
    parts += [_x_axis(x), _y_axis(y, right=False)]
    if right is not None:
        parts.append(_y_axis(right, right=True))
    parts += [_lost(x, at) for at in lost]
    for line in lines:
        axis = right if line.right and right is not None else y
        parts.append(f'<polyline class="{escape(line.look)}" points="{_points(x, axis, line)}"/>')
    return "".join([*parts, "</svg>"])


def ruler(deviation: float, big_u: float, tolerance: float, action: float) -> str:
    """The deviation with its U on a scale with tolerance and action level, all in percent."""
    reach = max(action * 1.25, abs(deviation) + big_u, 1.0)

    def at(value: float) -> float:
        return 220 + 200 * value / reach

    zones = (("action", action), ("tolerance", tolerance))
    bands = "".join(
        f'<rect class="{name}" x="{at(-limit):.1f}" y="10" width="{at(limit) - at(-limit):.1f}" height="14"/>'
        for name, limit in zones
    )
    words = "".join(
        f'<text x="{at(sign * limit):.1f}" y="38" text-anchor="middle">{_signed(sign * limit)}</text>'
        for _, limit in zones
        for sign in (-1, 1)
    )
    text = f"Deviation {_signed(deviation)} %, U {big_u:.1f} %, tolerance {tolerance:g} %, action level {action:g} %"
    return (
        f'<svg class="ruler" role="img" viewBox="0 0 440 42" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{text}</title>"
        f'<rect class="beyond" x="20" y="10" width="400" height="14"/>{bands}'
        f'<line class="zero" x1="220" x2="220" y1="7" y2="27"/>'
        f'<line class="u" x1="{at(deviation - big_u):.1f}" x2="{at(deviation + big_u):.1f}" y1="17" y2="17"/>'
        f'<circle cx="{at(deviation):.1f}" cy="17" r="4.5"/>{words}</svg>'
    )


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "\u2212") if value % 1 else f"{value:+.0f}".replace("-", "\u2212")


def _shade(x: PlotAxis, start: float, end: float, label: str) -> str:
    left, right = _px(x, max(start, x.low)), _px(x, min(end, x.high))
    middle = min(max((left + right) / 2, LEFT + 70), WIDTH - RIGHT - 70)
    return (
        f'<rect class="interval" x="{left:.1f}" y="{TOP}" width="{max(0.0, right - left):.1f}"'
        f' height="{HEIGHT - TOP - BOTTOM:.1f}"/>'
        f'<text class="note" x="{middle:.1f}" y="{TOP + 14:.1f}" text-anchor="middle">{escape(label)}</text>'
    )


def _lost(x: PlotAxis, at: float) -> str:
    """A reading without a value: a dashed line with a cross, and no height."""
    px, top = _px(x, at), TOP + 30
    cross = f"M{px - 4:.1f} {top - 4}l8 8m0 -8l-8 8"
    return f'<path class="lost" d="M{px:.1f} {top + 8}V{HEIGHT - BOTTOM}{cross}"/>'


def _x_axis(axis: PlotAxis) -> str:
    base = HEIGHT - BOTTOM
    at = ticks(axis.low, axis.high, 8)
    step = at[1] - at[0] if len(at) > 1 else 1.0
    marks = "".join(
        f'<line class="tick" x1="{_px(axis, t):.1f}" x2="{_px(axis, t):.1f}" y1="{base}" y2="{base + 5}"/>'
        f'<text x="{_px(axis, t):.1f}" y="{base + 18}" text-anchor="middle">{figure(t, step)}</text>'
        for t in at
    )
    middle = (LEFT + WIDTH - RIGHT) / 2
    return (
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>{marks}'
        f'<text class="label" x="{middle:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(axis.label)}</text>'
    )


def _y_axis(axis: PlotAxis, *, right: bool) -> str:
    base, edge = HEIGHT - BOTTOM, WIDTH - RIGHT if right else LEFT
    at = ticks(axis.low, axis.high, 5)
    step = at[1] - at[0] if len(at) > 1 else 1.0
    away, anchor = (8, "start") if right else (-8, "end")
    grid = (
        ""
        if right
        else f'<path class="grid" d="{"".join(f"M{LEFT} {_py(axis, t):.1f}H{WIDTH - RIGHT}" for t in at)}"/>'
    )
    marks = "".join(
        f'<text x="{edge + away}" y="{_py(axis, t) + 4:.1f}" text-anchor="{anchor}">{figure(t, step)}</text>'
        for t in at
    )
    at_x, turn = (WIDTH - 14, 90) if right else (14, -90)
    middle = (TOP + base) / 2
    return (
        f'{grid}<line class="axis" x1="{edge}" x2="{edge}" y1="{TOP}" y2="{base}"/>{marks}'
        f'<text class="label" transform="translate({at_x} {middle:.1f}) rotate({turn})" text-anchor="middle">'
        f"{escape(axis.label)}</text>"
    )


def _points(x: PlotAxis, y: PlotAxis, line: PlotLine) -> str:
    return " ".join(f"{_px(x, a):.1f},{_py(y, b):.1f}" for a, b in zip(line.x, line.y, strict=True))


def _px(axis: PlotAxis, value: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (value - axis.low) / (axis.high - axis.low)


def _py(axis: PlotAxis, value: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - axis.low) / (axis.high - axis.low)
