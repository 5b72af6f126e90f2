"""Judging sessions by every rule, within the course they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from acquire.billing import charge_rules, order_rules, signature_rules, work_rules
from acquire.billing.codes import SPECIAL_DOSIMETRY
from acquire.billing.facts import CourseFacts, SessionFacts
from acquire.billing.rule import Case, Finding, Rule, Status
from acquire.billing.setting import HOSPITAL
from acquire.billing.tables import Table, Verdict, verdicts
from acquire.billing.units import Counted, count

RULES: tuple[Rule, ...] = (
    *(r for r in work_rules.RULES if r.id in ("purpose", "nuclear-medicine")),
    *order_rules.RULES,
    *(r for r in work_rules.RULES if r.id not in ("purpose", "nuclear-medicine")),
    *signature_rules.RULES,
    *charge_rules.RULES,
)
_WORST: Mapping[Status, int] = {"missing": 0, "met": 1, "not applicable": 2}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule says of the sessions asked about: the worst finding, with the sessions it is of where they differ."""

    rule: Rule
    finding: Finding


@dataclass(frozen=True, slots=True)
class Claim:
    """The sessions asked about (a session, those of an order, or of a course), within their course."""

    course: CourseFacts
    asked: tuple[SessionFacts, ...]
    tables: tuple[Table, ...]

    @property
    def counted(self) -> Counted:
        """The units of the whole course."""
        return count(self.course)


def judge(claim: Claim) -> list[Judged]:
    """Every rule, in the order of the card."""
    counted = claim.counted
    held = tuple(limits(claim, counted))
    cases = [Case(session, claim.course, counted, held) for session in claim.asked]
    return [Judged(rule, _worst([(c.session.id, rule.judge(c)) for c in cases])) for rule in RULES]


def limits(claim: Claim, counted: Counted) -> list[Verdict]:
    """What the tables say of the course's units by date of service; the additional ones count, since they may come."""
    every = [*counted.units, *(a.unit for a in counted.additional)]
    by_day: Mapping[date, int] = Counter(u.day for u in every if u.day is not None)
    places = {s.plan.place for s in claim.course.sessions}
    kinds = ["mue-practitioner", *(["mue-hospital"] if places & set(HOSPITAL) else []), "payer"]
    return verdicts(SPECIAL_DOSIMETRY, by_day, counted.total, claim.tables, kinds)


def _worst(found: Sequence[tuple[str, Finding]]) -> Finding:
    """The worst of several findings; those that are as bad and say something else are named by their session."""
    status = min((f.status for _, f in found), key=lambda each: _WORST[each])
    same = [(session, f) for session, f in found if f.status == status]
    sentences = dict.fromkeys(f.says for _, f in same)
    if len(found) == 1 or (len(sentences) == 1 and len(same) == len(found)):
        return same[0][1]
    said = [f"{', '.join(s for s, f in same if f.says == says)}: {says}" for says in sentences]
    return Finding(status, " ".join(said), "; ".join(dict.fromkeys(f.where for _, f in same)))
