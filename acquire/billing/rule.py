"""A rule: what it is called, where it is from, and a function that says whether a record meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from acquire.billing.facts import CourseFacts, SessionFacts
from acquire.billing.tables import Verdict
from acquire.billing.units import Counted

Status = Literal["met", "missing", "not applicable"]


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at: one session, within its course, with the units counted and held against the tables."""

    session: SessionFacts
    course: CourseFacts
    counted: Counted
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one rule: met, missing or not applicable, one plain sentence, and where that was found."""

    status: Status
    says: str
    where: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `source` names the public guidance, by the dossier's key."""

    id: str
    title: str
    source: str
    judge: Callable[[Case], Finding]


def met(says: str, where: str) -> Finding:
    """The record has it."""
    return Finding("met", says, where)


def missing(says: str, where: str) -> Finding:
    """The record lacks it, or it speaks against a charge."""
    return Finding("missing", says, where)


def spared(says: str, where: str) -> Finding:
    """The rule does not apply here."""
    return Finding("not applicable", says, where)


def moment(at: datetime | str) -> str:
    """A moment (or its ISO 8601) in UTC to the minute, as records write times."""
    known = datetime.fromisoformat(at) if isinstance(at, str) else at
    return known.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def either(holds: bool, says: str, otherwise: str, where: str) -> Finding:
    """Met with one sentence, or missing with the other."""
    return met(says, where) if holds else missing(otherwise, where)
