"""The record as one page of HTML: no script, nothing fetched, readable on screen and on paper."""

from __future__ import annotations

from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from acquire.printable import printable
from acquire.procedure.methods.registry import method_of
from acquire.record import figures, svg
from acquire.record.glow import fit_of

# Always shape, word and colour: the word is the state, the others repeat it.
LOOKS = {
    "PASS": ("\u25cf", "pass"),
    "PASS, uncertainty band": ("\u25d0", "band"),
    "OUT OF TOLERANCE": ("\u25b2", "out"),
    "ACTION": ("\u25a0", "act"),
    "INVALID": ("\u2715", "invalid"),
    "REPORT ONLY": ("\u25cb", "report"),
    "NO RESULT": ("\u25c7", "none"),
}
RAW_SHOWN = 600


def html(record: dict[str, Any]) -> str:
    """One self-contained page of a record made by `acquire.record.build`.

    Whatever came from outside stands in it with its hidden characters as escapes, also in the plots.
    """
    page = environment().get_template("record.html").render(r=record, css=Markup(packaged("record.css")))
    return printable(page)


def environment() -> Environment:
    """Templates of this package, everything that comes from outside escaped."""
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(packaged),
    )
    made.filters |= {
        "fixed": figures.fixed,
        "cgy": figures.cgy,
        "change": figures.change,
        "u": figures.uncertainty,
        "signed": figures.signed,
        "plain": figures.plain,
        "deviation": figures.deviation,
        "upper_end": figures.upper_end,
        "probability": figures.probability,
        "moment": figures.moment,
        "stated": figures.stated,
        "day": figures.day,
        "shortened": shortened,
        "symbol": figures.symbol,
        "unit": figures.unit,
        "sentence": figures.sentence,
    }
    made.globals |= {
        "look": look,
        "ruler": ruler,
        "curve": curve,
        "fit_of": fit_of,
        "budget_bar": budget_bar,
        "certificate": certificate,
        "with_course": with_course,
        "opening": opening,
        "method": lambda name: method_of(name).title,
        "with_u": figures.with_u,
    }
    return made


def packaged(name: str) -> str:
    """A file of this package."""
    return (resources.files("acquire.record") / name).read_text("utf-8")


def look(point: dict[str, Any]) -> dict[str, str]:
    """Shape, class and word of a point's decision."""
    word = point["result"]["decision"] if point["result"] else "NO RESULT"
    shape, css = LOOKS[word]
    return {"shape": shape, "css": css, "word": word}


def opening(record: dict[str, Any]) -> list[str]:
    """The answer in sentences: how many points are in which state, worst first."""
    by_word: dict[str, list[str]] = {}
    for point in record["points"]:
        by_word.setdefault(look(point)["word"], []).append(point["id"])
    said = {
        "ACTION": "beyond the action level: hold before the next fraction",
        "OUT OF TOLERANCE": "out of tolerance",
        "INVALID": "without a valid number",
        "NO RESULT": "not calculated yet",
        "PASS, uncertainty band": "within tolerance, in the uncertainty band (accepted)",
        "PASS": "within tolerance",
        "REPORT ONLY": "reported without an expected dose",
    }
    return [f"{_list(by_word[word])}: {text}." for word, text in said.items() if word in by_word]


def certificate(record: dict[str, Any], owner: str) -> dict[str, Any] | None:
    """The certificate of a detector or instrument that held on the day."""
    return next((c for c in record["equipment"]["calibrations"] if c["of"] == owner), None)


def with_course(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Points whose result stands for the whole course."""
    return [p for p in record["points"] if p["result"] and p["result"].get("course")]


def _list(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def shortened(text: str) -> str:
    """A raw reply as far as it fits a page; the whole stands in the JSON record."""
    if len(text) <= RAW_SHOWN:
        return text
    return f"{text[:RAW_SHOWN]} ... ({len(text) - RAW_SHOWN} more characters in the JSON record)"


def ruler(result: dict[str, Any]) -> Markup:
    """The deviation against its limits."""
    return Markup(
        svg.ruler(
            result["deviation_percent"],
            result["deviation_expanded_percent"],
            result["tolerance_percent"],
            result["action_percent"],
        )
    )


def curve(data: dict[str, Any]) -> Markup:
    """A charge or glow curve with its axes; the description says in words what the plot shows."""
    xs, all_ys = data["x"]["values"], data["y"]["values"]
    ys = [y for y in all_ys if y is not None]
    x = svg.PlotAxis(data["x"]["label"], min(xs), max(xs))
    y = svg.PlotAxis(data["y"]["label"], *svg.span(ys, from_zero=data["kind"] != "charge"))
    unit = data["x"]["label"].rpartition("/ ")[2]
    desc = f"{len(xs)} points from {xs[0]:.1f} to {xs[-1]:.1f} {unit}"
    desc += f", {min(ys):.4g} to {max(ys):.4g} in {data['y']['label']}."
    if data["kind"] == "charge":
        start, end = data["interval"]
        shaded = (start, end, f"measured, {end - start:.1f} s")
        lines = [svg.PlotLine([xs[i] for i in run], [all_ys[i] for i in run], "signal") for run in runs(all_ys)]
        lost = [t for t, value in zip(xs, all_ys, strict=True) if value is None]
        desc += f" The measurement is shaded. {len(lost)} readings carry no value." if lost else ""
        return Markup(svg.plot(data["title"], desc, x, y, lines, shaded=shaded, lost=lost))
    if data["kind"] == "spectrum":
        said = f"{len(xs)} bins, {xs[0]:.2f} to {xs[-1]:.2f} in {data['x']['label']}; equal areas are equal dose."
        return Markup(svg.plot(data["title"], said, x, y, [svg.PlotLine(xs, ys, "signal")]))
    lines, right = [svg.PlotLine(xs, ys, "signal")], None
    if "heater" in data:
        inside = [(t, c) for t, c in zip(data["heater"]["x"], data["heater"]["y"], strict=True) if xs[0] <= t <= xs[-1]]
        right = svg.PlotAxis("heater / °C", *svg.span([c for _, c in inside], from_zero=True))
        lines.append(svg.PlotLine([t for t, _ in inside], [c for _, c in inside], "heater", right=True))
        desc += " The dashed line is the heater."
    return Markup(svg.plot(data["title"], desc, x, y, lines, right=right))


def runs(values: list[float | None]) -> list[list[int]]:
    """Indices of the stretches without a missing value."""
    found: list[list[int]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append(i)
    return [run for run in found if run]


def budget_bar(part: float, largest: float) -> Markup:
    """A bar beside a line of the budget; the figure stands in the table."""
    width = 100 * part / largest if largest else 0.0
    return Markup(
        '<svg class="bar" aria-hidden="true" viewBox="0 0 100 8" preserveAspectRatio="none">'
        f'<rect width="{width:.1f}" height="8"/></svg>'
    )
