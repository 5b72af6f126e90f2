"""What of a record is drawn, each picture with the words that say what it shows to whoever does not see it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from acquire.printable import printable
from acquire.record import figures, plots

Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """An SVG as an address that holds it, so that nothing is fetched, and its words."""

    src: Markup
    alt: str


def ruler(result: dict[str, Any]) -> Drawn:
    """The deviation of a result against its limits."""
    names = ("deviation_percent", "deviation_expanded_percent", "tolerance_percent", "action_percent")
    deviation, big_u, tolerance, action = (result[name] for name in names)
    alt = (
        f"Deviation {figures.deviation(result)} %, U {big_u:.1f} %, on a scale with the tolerance of {tolerance:g} %"
        f" and the action level of {action:g} %."
    )
    return Drawn(_embedded(plots.ruler(deviation, big_u, tolerance, action)), alt)


def curve(data: dict[str, Any]) -> Drawn:
    """A charge curve, a glow curve or a spectrum of the record."""
    x = plots.PlotAxis(_text(data["x"]["label"]))
    y = plots.PlotAxis(_text(data["y"]["label"]), from_zero=data["kind"] != "charge")
    xs, ys = tuple(data["x"]["values"]), tuple(data["y"]["values"])
    there = [value for value in ys if value is not None]
    alt = (
        f"{data['title']}: {len(xs)} points, {data['x']['label']} from {xs[0]:.4g} to {xs[-1]:.4g},"
        f" {data['y']['label']} from {min(there):.4g} to {max(there):.4g}."
    )
    signal = plots.PlotLine(xs, ys)
    if data["kind"] == "charge":
        start, end = data["interval"]
        shaded = plots.Stretch(start, end, f"between the markers, {end - start:.1f} s")
        lost = f" {len(ys) - len(there)} readings carry no value." if len(there) < len(ys) else ""
        return Drawn(_embedded(plots.plot(x, y, (signal,), None, shaded)), f"{alt} {_ends(ys)}{lost}")
    if "heater" in data:
        heater, right = _heater(data, xs[0], xs[-1]), plots.PlotAxis("heater / °C", from_zero=True)
        top = max(value for value in heater.y if value is not None)
        alt += f" The dashed line is the heater, up to {top:.0f} °C."
        return Drawn(_embedded(plots.plot(x, y, (signal, heater), right)), alt)
    if data["kind"] == "spectrum":
        alt += " Equal areas are equal dose."
    return Drawn(_embedded(plots.plot(x, y, (signal,))), alt)


def _ends(ys: tuple[float | None, ...]) -> str:
    first, last = (next((v for v in side if v is not None), 0.0) for side in (ys, ys[::-1]))
    return f"It begins at {first:.4g} and ends at {last:.4g}."


def _heater(data: dict[str, Any], low: float, high: float) -> plots.PlotLine:
    inside = [(t, c) for t, c in zip(data["heater"]["x"], data["heater"]["y"], strict=True) if low <= t <= high]
    return plots.PlotLine(tuple(t for t, _ in inside), tuple(c for _, c in inside), right=True)


def _text(label: str) -> str:
    """A label without hidden characters, and without what matplotlib takes for mathematics."""
    return printable(label).replace("$", r"\$")


def _embedded(svg: bytes) -> Markup:
    return Markup("data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii"))
