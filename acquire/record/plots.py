"""The record's plots, by matplotlib: each an SVG of its own with ticks, units and a sentence that says what it shows.

A plot is made from values alone and is the same bytes each time (no date, ids from a fixed salt). Nothing is said by
colour alone: lines differ by their dashes, limits by their numbers. matplotlib is imported with the first plot.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = tuple[float, ...]
WIDTH_IN, HEIGHT_IN, RULER_IN = 7.0, 2.05, 0.6
INK, SOFT, SIGNAL, HEATER, LOST = "#1a2027", "#55606a", "#12475a", "#a3541b", "#a31621"
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 8.5, "svg.fonttype": "none", "svg.hashsalt": "record",
    "axes.spines.top": False, "axes.linewidth": 0.8, "axes.edgecolor": INK, "axes.labelcolor": SOFT,
    "axes.unicode_minus": True, "xtick.color": INK, "ytick.color": INK, "grid.color": "#dde2e6", "grid.linewidth": 0.7,
}  # fmt: skip
_KEPT = 64  # plots; a page is made more than once of one record


@dataclass(frozen=True, slots=True)
class PlotAxis:
    """An axis: what it shows with its unit. Its span follows from the values; `from_zero` keeps zero in it."""

    label: str
    from_zero: bool = False


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A line; None among `y` breaks it. `right` puts it, dashed, on the right-hand axis."""

    x: Row
    y: tuple[float | None, ...]
    right: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """A shaded stretch of the x axis with its words."""

    start: float
    end: float
    says: str


@lru_cache(_KEPT)
def plot(
    x: PlotAxis, y: PlotAxis, lines: tuple[PlotLine, ...], right: PlotAxis | None = None, shaded: Stretch | None = None
) -> bytes:
    """One figure as SVG. Where a line on the left breaks, a cross at the foot says that there is no value."""
    with _figure(HEIGHT_IN) as figure:
        axes = figure.add_subplot()
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        other = axes.twinx() if right is not None else None
        for line in lines:
            on = other if line.right and other is not None else axes
            values = [float("nan") if value is None else value for value in line.y]
            on.plot(line.x, values, color=HEATER if line.right else SIGNAL, linestyle="--" if line.right else "-",
                    linewidth=1.2)  # fmt: skip
        if shaded is not None:
            axes.axvspan(shaded.start, shaded.end, color=SIGNAL, alpha=0.08, linewidth=0, zorder=0)
            axes.annotate(
                shaded.says, ((shaded.start + shaded.end) / 2, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2),
                textcoords="offset points", ha="center", va="bottom", color=SIGNAL,
            )  # fmt: skip
        _frame(axes, x, y)
        lost = [
            at for line in lines if not line.right for at, value in zip(line.x, line.y, strict=True) if value is None
        ]
        if lost:
            axes.plot(lost, [0.04] * len(lost), "x", color=LOST, markersize=5, transform=axes.get_xaxis_transform())
        if right is not None and other is not None:
            _frame(other, x, right)
        else:
            axes.spines.right.set_visible(False)
        return _written(figure)


@lru_cache(_KEPT)
def ruler(deviation: float, big_u: float, tolerance: float, action: float) -> bytes:
    """A deviation with its U on a scale with tolerance and action level, all in percent, as SVG."""
    reach = 1.08 * max(action * 1.15, abs(deviation) + big_u)
    with _figure(RULER_IN) as figure:
        axes = figure.add_subplot()
        for limit, colour in ((reach, "#e9c9cb"), (action, "#f1e1bd"), (tolerance, "#d3e6d9")):
            axes.axvspan(-limit, limit, color=colour, linewidth=0)
        axes.axvline(0, color=SOFT, linewidth=0.8)
        axes.errorbar([deviation], [0], xerr=[big_u], fmt="o", color=INK, markersize=5, linewidth=1.6, capsize=3)
        marks = sorted({-action, -tolerance, 0.0, tolerance, action})
        axes.set_xticks(marks, [f"{mark:+g}".replace("-", "\u2212") if mark else "0" for mark in marks])
        axes.set_xlim(-reach, reach)
        axes.set_yticks([])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return _written(figure)


@contextmanager
def _figure(height: float) -> Iterator[Figure]:
    import matplotlib as mpl  # noqa: PLC0415 - takes a third of a second
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    with mpl.rc_context(_STYLE):
        made = Figure(figsize=(WIDTH_IN, height), layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03))
        FigureCanvasSVG(made)
        yield made


def _frame(axes: Axes, x: PlotAxis, y: PlotAxis) -> None:
    """Labels, few round ticks, and zero in the span where it belongs there."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    axes.set_xlabel(x.label)
    axes.set_ylabel(y.label)
    axes.margins(x=0.01)
    if y.from_zero and axes.get_ylim()[0] > 0:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if max(map(abs, axes.get_ylim())) >= 10_000:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", "\u202f")))


def _written(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return file.getvalue()
