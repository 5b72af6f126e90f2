"""A picture of an analysis: curve, fit, peaks, background and regions over the residuals. SVG or PNG, by matplotlib.

matplotlib is imported here and only when a picture is drawn. Colours are those of Okabe and Ito, which people with any
colour vision tell apart; each peak also carries its name. The same analysis gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.typing import ArrayLike

from acquire.glow.curve import ZERO_CELSIUS_K
from acquire.glow.errors import GlowError
from acquire.glow.result import Drawn, GlowResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F")
FORMS = {"otor": "one trap (OTOR)", "otor-strong": "one trap (OTOR), strong retrapping"}  # the others are orders
_FIT, _POINTS, _UNDER = "#000000", "#7A7A7A", "#5A5A5A"
_STYLE: dict[Any, Any] = {"font.size": 10, "axes.spines.right": False, "svg.hashsalt": "glow", "axes.linewidth": 0.8}


def draw(result: GlowResult, file: BinaryIO, kind: Literal["svg", "png"] = "svg") -> None:
    """Write the picture of a result. Raises GlowError where the curve was not analysed: there is nothing to draw."""
    if result.drawn is None:
        raise GlowError(f"There is no picture of a curve that was not analysed: {result.refused}")
    import matplotlib as mpl  # noqa: PLC0415 - takes a third of a second
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8.0, 6.0), dpi=150, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
        FigureCanvasAgg(figure)
        _compose(figure, result, result.drawn)
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})


def _compose(figure: Figure, result: GlowResult, drawn: Drawn) -> None:
    curve, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    _draw_curve(curve, result, drawn)
    _draw_residuals(below, drawn)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.align_ylabels()


def _draw_curve(axes: Axes, result: GlowResult, drawn: Drawn) -> None:
    t, under = np.array(drawn.temperature_k), np.array(drawn.background)
    _draw_regions(axes, result)
    for k, (peak, light) in enumerate(zip(result.peaks, drawn.peaks, strict=True)):
        colour = _colour(peak.name, k)
        top = np.array(light) + under
        axes.fill_between(t, under, top, color=colour, alpha=0.28, linewidth=0)
        axes.plot(t, top, color=colour, linewidth=1.2)
        at = int(np.argmax(light))
        mark = peak.name if peak.identified else f"{peak.name}?"
        axes.annotate(
            mark, (t[at], top[at]), xytext=(0, 3), textcoords="offset points", ha="center", va="bottom",
            color=colour, fontweight="bold", path_effects=_halo(), zorder=6,
        )  # fmt: skip
    if result.background != "none":
        axes.plot(
            t, under, color=_UNDER, linewidth=1.2, linestyle=(0, (5, 2)), label=f"background, {result.background}"
        )
    if not all(peak.identified for peak in result.peaks):
        axes.plot([], [], linestyle="none", label="n?: peak that is not identifiable")
    axes.plot(t, drawn.signal, ".", color=_POINTS, markersize=3.5, label="measured", zorder=3)
    axes.plot(t, drawn.fit, color=_FIT, linewidth=1.1, label="fit", zorder=4)
    axes.set_ylabel(f"signal per point / {_unit(result.unit)}")
    axes.set_ylim(0, 1.22 * max(*drawn.signal, *drawn.fit))
    axes.set_xlim(t.min(), t.max())
    axes.set_title(_title(result), loc="left", fontsize=10)
    celsius = axes.secondary_xaxis("top", functions=(_celsius, _kelvin))
    celsius.set_xlabel("temperature / °C")


def _colour(name: str, k: int) -> str:
    """Of a peak with a number the same in every picture, whichever others are there."""
    return COLOURS[(int(name) - 1 if name.isdecimal() else k) % len(COLOURS)]


def _celsius(kelvin: ArrayLike) -> ArrayLike:
    return np.asarray(kelvin, dtype=np.float64) - ZERO_CELSIUS_K


def _kelvin(celsius: ArrayLike) -> ArrayLike:
    return np.asarray(celsius, dtype=np.float64) + ZERO_CELSIUS_K


def _halo() -> list[AbstractPathEffect]:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    return [withStroke(linewidth=2.5, foreground="white")]


def _draw_regions(axes: Axes, result: GlowResult) -> None:
    """Each region as a bar at the top of the picture, with its name: bands would hide the peaks."""
    for k, region in enumerate(result.regions):
        y = 0.965 - 0.055 * k
        where = axes.get_xaxis_transform()
        axes.plot([region.low_k, region.high_k], [y, y], color="#333333", linewidth=2, transform=where,
                  solid_capstyle="butt")  # fmt: skip
        axes.text(
            (region.low_k + region.high_k) / 2, y, f"region {region.name}", transform=where, ha="center", va="center",
            fontsize=8, color="#333333", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
        for end in (region.low_k, region.high_k):
            axes.axvline(end, ymax=y, color="#333333", linewidth=0.5, linestyle=":", zorder=0)


def _draw_residuals(axes: Axes, drawn: Drawn) -> None:
    t = np.array(drawn.temperature_k)
    off = np.array(drawn.signal) - np.array(drawn.fit)
    axes.axhline(0, color=_FIT, linewidth=0.8)
    axes.vlines(t, 0, off, color=_POINTS, linewidth=0.8)
    axes.plot(t, off, ".", color=_POINTS, markersize=3)
    axes.set_ylabel("signal − fit")
    axes.set_xlabel("temperature / K")
    most = 1.1 * max(float(np.abs(off).max()), 1e-12)
    axes.set_ylim(-most, most)


def _unit(unit: str) -> str:
    return {"{counts}": "counts", "1": "arbitrary units"}.get(unit, unit)


def _title(result: GlowResult) -> str:
    form = FORMS.get(result.model, f"{result.model} order")
    head = f"{result.name}\n" if result.name else ""
    return f"{head}{result.preset}, {form}, FOM {result.fom_percent:.2f} %"
