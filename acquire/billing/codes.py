"""The neighbours of 77331, and the codes of what fits none: said beside a proposal, never put in its place by itself.

Our own words; the texts of CPT are the AMA's. Sources: dossier 3 [51]–[55][61] and the seed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from acquire.billing.facts import SessionFacts
from acquire.billing.tables import PairEdit, Table, in_force

SPECIAL_DOSIMETRY = "77331"
UNLISTED = {"planning": "77299", "physics": "77399", "management": "77499", "brachytherapy": "77799"}
NEIGHBOURS = {
    "77300": "a basic dose calculation; its own code, not a measurement",
    "77336": "continuing physics, which holds quality control and calibration; technical only",
    "77370": "a special physics consultation with a report of its own; technical only, usually once a course",
}
_INDICATORS = {
    "0": "never together on one date of service",
    "1": "together only with a modifier and documentation",
    "9": "no longer a pair",
}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A code beside 77331: what it is, when it is the better one, and what the pair tables say of both on one day."""

    code: str
    says: str
    with_77331: str


def neighbours(sessions: Iterable[SessionFacts], day: date | None, tables: Iterable[Table]) -> list[Neighbour]:
    """Every neighbour, with what the work at hand says of it."""
    outside = any(p.out_of_field for s in sessions for p in s.points)
    better = " For a dose at a device it is often the better code; not both for the same work." if outside else ""
    known = [*tables]
    return [
        Neighbour(code, f"{what}.{better if code == '77370' else ''}", _together(code, day, known))
        for code, what in NEIGHBOURS.items()
    ]


def unlisted_code(form: str) -> str:
    """The unlisted code of planning, physics, management or brachytherapy. Raises KeyError."""
    return UNLISTED[form]


def _together(code: str, day: date | None, tables: Iterable[Table]) -> str:
    holding = in_force([t for t in tables if t.kind == "pairs"], day) if day is not None else []
    if day is None or not holding:
        return "unknown: no table of code pairs holds on the date of service"
    edits: list[PairEdit] = [e for t in holding for e in t.pairs if e.of(SPECIAL_DOSIMETRY, code) and e.holds_on(day)]
    if not edits:
        return "no pair in the table"
    return "; ".join(f"{_INDICATORS[e.indicator]} ({e.column_1} is the one paid)" for e in edits)
