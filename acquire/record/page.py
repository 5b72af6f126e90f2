"""The record as one page of HTML: no script, nothing fetched, readable on screen, on a phone and on paper.

The same page is what a PDF is made of (acquire.record.pdf).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from acquire.printable import printable
from acquire.procedure.methods.registry import method_of
from acquire.record import budget, drawn, figures
from acquire.record.glossary import glossary
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


def html(record: dict[str, Any], *, paper: bool = False) -> str:
    """One self-contained page of a record made by `acquire.record.build`; for `paper` without what unfolds.

    Whatever came from outside stands in it with its hidden characters as escapes, also in the plots.
    """
    css = Markup(packaged("record.css"))
    return printable(environment().get_template("record.html").render(r=record, css=css, paper=paper))


@cache
def environment() -> Environment:
    """Templates of this package, each compiled once, everything that comes from outside escaped."""
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
        "small_share": figures.small_share,
        "stated": figures.stated,
        "day": figures.day,
        "shortened": shortened,
        "symbol": figures.symbol,
        "unit": figures.unit,
        "sentence": figures.sentence,
    }
    made.globals |= {
        "as_written": figures.as_written,
        "budget_bar": budget_bar,
        "budget_lines": budget.budget_lines,
        "certificate": certificate,
        "beams": beams,
        "contents": contents,
        "subject": subject,
        "curve": drawn.curve,
        "fit_of": fit_of,
        "glossary": glossary,
        "largest": budget.largest,
        "look": look,
        "marks": marks,
        "method": lambda name: method_of(name).title,
        "opening": opening,
        "rounded": figures.rounded,
        "ruler": drawn.ruler,
        "was_cgy": was_cgy,
        "was_dose": was_dose,
        "was_signed": was_signed,
        "with_course": with_course,
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


def marks(record: dict[str, Any]) -> list[str]:
    """What stands at the head of every printed page: the status, and what else nobody may overlook."""
    said = ["DRAFT, NOT SIGNED" if record["status"] == "DRAFT" else record["status"], *record["bands"]]
    if record["simulated"]:
        said.append("SIMULATED, NOT A PATIENT")
    if record["people_not_known"]:
        said.append("PEOPLE NOT AUTHENTICATED")
    return [*said, "TRANSCRIBED"] if record["transcribed"] else said


def subject(plan: dict[str, Any]) -> str:
    """What a record is of: the target, or of work without a patient what it is for."""
    return str(plan["target"] if plan["purpose"] == "patient" else plan["purpose"].replace("-", " "))


def beams(point: dict[str, Any]) -> str:
    """The beams of a point as they were planned; of repeated ones how many. Degrees, MU, cm."""
    said = Counter(", ".join(_beam(each)) for each in point["beams"])
    return "; ".join(f"{n} times {beam}" if n > 1 else beam for beam, n in said.items() if beam)


def _beam(step: dict[str, Any]) -> Iterator[str]:
    if step["gantry_deg"] is not None:
        yield f"gantry {step['gantry_deg']:g}°"
    if step["mu"]:
        yield f"{step['mu']:g} MU"
    if step["ssd_cm"]:
        yield f"SSD {step['ssd_cm']:g} cm"


def contents(record: dict[str, Any]) -> list[tuple[str, str]]:
    """(id, name) of each part, in order."""
    return [
        ("s2", "Results"), ("s3", "Review, interpretation, decision"), ("s4", "Order and plan"), ("s5", "Equipment"),
        *((f"p-{point['id']}", point["id"]) for point in record["points"]),
        ("s6", "Course of events"), ("s7", "Code 77331"), ("s8", "Integrity"), ("s9", "People and signs"),
    ]  # fmt: skip


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


def was_cgy(changed: dict[str, Any], name: str, decimals: int = 2) -> str | None:
    """What a dose of the version before was, in cGy; None where it is the same."""
    return None if name not in changed else "none" if changed[name] is None else figures.cgy(changed[name], decimals)


def was_dose(changed: dict[str, Any], result: dict[str, Any]) -> str | None:
    """What the dose itself was, to the place of its own U; None where it is the same."""
    if changed.get("dose_gy") is None:
        return was_cgy(changed, "dose_gy")
    spread = changed.get("expanded_gy") or result["expanded_gy"]
    return figures.rounded(changed["dose_gy"], spread)


def was_signed(changed: dict[str, Any], name: str, decimals: int = 1) -> str | None:
    """What a deviation in percent was; None where it is the same."""
    return None if name not in changed else "none" if changed[name] is None else figures.signed(changed[name], decimals)


def _list(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def shortened(text: str) -> str:
    """A raw reply as far as it fits a page; the whole stands in the JSON record."""
    if len(text) <= RAW_SHOWN:
        return text
    return f"{text[:RAW_SHOWN]} ... ({len(text) - RAW_SHOWN} more characters in the JSON record)"


def budget_bar(part: float, largest: float) -> Markup:
    """A bar beside a line of the budget; the figure stands in the table."""
    width = 100 * part / largest if largest else 0.0
    return Markup(f'<span class="bar" style="width: {width:.1f}%"></span>')
