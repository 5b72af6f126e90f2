"""Dated tables of limits, and what they say of a number of units. No table: unknown, never fine.

Of the public medically-unlikely-edits files: adjudication indicator 1 is a limit of a claim line, 2 an absolute limit
of a date of service, 3 a limit of a day that can be appealed (dossier 3 [58]; additions.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Per = Literal["line", "day", "course"]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most this many units of a code. `firm`: it cannot be appealed."""

    units: int
    per: Per
    firm: bool
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is kept: of which kind and name, for which days, the SHA-256 of its file, and what it says.

    limits  by code; pairs  by two codes, the modifier indicator of each; apart  places at which both parts are billed
    apart
    """

    kind: str
    name: str
    valid_from: date
    valid_until: date
    sha256: str
    limits: Mapping[str, tuple[Limit, ...]] = field(default_factory=dict)
    pairs: tuple[PairEdit, ...] = ()
    apart: tuple[str, ...] = ()

    def holds_on(self, day: date) -> bool:
        """Whether a date of service lies in its time."""
        return self.valid_from <= day <= self.valid_until


@dataclass(frozen=True, slots=True)
class PairEdit:
    """Two codes of a procedure-to-procedure edit: indicator 0 never together, 1 with a modifier, 9 no longer one."""

    column_1: str
    column_2: str
    indicator: str
    effective: date
    deleted: date | None

    def of(self, one: str, other: str) -> bool:
        """Whether it is of these two codes, in either order."""
        return {one, other} == {self.column_1, self.column_2}

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a date of service."""
        return self.effective <= day and (self.deleted is None or day < self.deleted)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a table says of the units of a day or a course: within, beyond, or unknown."""

    stands: Literal["within", "beyond", "unknown"]
    says: str
    table: Table | None


CALLED = {
    "mue-practitioner": "MUE table of practitioners", "mue-hospital": "MUE table of hospitals",
    "payer": "unit limit table of the payer",
}  # fmt: skip


def verdicts(
    code: str, by_day: Mapping[date, int], total: int, tables: Iterable[Table], kinds: Iterable[str]
) -> list[Verdict]:
    """What each kind of table says of the units of every date of service, and of the course's total."""
    every = [*tables]
    found: list[Verdict] = []
    for kind, called in ((kind, CALLED[kind]) for kind in kinds):
        for day, units in sorted(by_day.items()):
            holding = in_force([t for t in every if t.kind == kind], day)
            if not holding:
                found.append(Verdict("unknown", f"Unknown: no {called} holds on {day}.", None))
            for table in holding:
                found += _of_day(code, day, units, total, table)
    return [*{each.says: each for each in found}.values()]


def in_force(tables: Iterable[Table], day: date) -> list[Table]:
    """Of each name the table that holds on a day; of several the one that was added last."""
    return [*{t.name: t for t in tables if t.holds_on(day)}.values()]


def _of_day(code: str, day: date, units: int, total: int, table: Table) -> list[Verdict]:
    limits = table.limits.get(code, ())
    if not limits:
        return [Verdict("unknown", f"Unknown: {table.name} has no limit of {code}.", table)]
    return [_held(code, day, units, total, table, each) for each in limits]


def _held(code: str, day: date, units: int, total: int, table: Table, limit: Limit) -> Verdict:
    has, when = (total, "over the course") if limit.per == "course" else (units, f"on {day}")
    most = (
        f"{limit.units} {'a course' if limit.per == 'course' else 'a claim line' if limit.per == 'line' else 'a day'}"
    )
    if has <= limit.units:
        return Verdict("within", f"{has} unit(s) {when}: at most {most} ({table.name}).", table)
    way = "an absolute limit" if limit.firm else "it may be appealed or split, with the record"
    return Verdict(
        "beyond", f"{has} units of {code} {when} are more than {most} ({table.name}, {limit.why}): {way}.", table
    )
