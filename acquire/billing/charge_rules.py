"""Rules about the charge itself: units, setting, limits, and what fits no code."""

from __future__ import annotations

from acquire.billing.codes import unlisted_code
from acquire.billing.facts import SessionFacts
from acquire.billing.rule import Case, Finding, Rule, met, missing, moment, spared
from acquire.billing.setting import PLACES, parts
from acquire.billing.units import USUAL_LARGEST


def units(case: Case) -> Finding:
    """One unit a measured port and course, or a volume of interest; a second session of the same port adds none."""
    session, counted, where = case.session, case.counted, "sessions of the course"
    if session.barred is not None:
        return missing(f"No unit: {session.barred}.", where)
    own = [u.of for u in counted.units if u.session == session.id]
    more = [a.unit.of for a in counted.additional if a.unit.session == session.id]
    again = [u.of for u in counted.repeats if u.session == session.id]
    said = [f"{len(own)} unit(s): {', '.join(own)}."] * bool(own)
    said += [f"Offered apart, after a documented change: {', '.join(more)}."] * bool(more)
    said += [f"Measured again, which adds no unit: {', '.join(again)}."] * bool(again)
    if not said:
        return missing("No unit: no port and no volume of interest has a valid result.", where)
    return met(" ".join(said), where)


def usual_number(case: Case) -> Finding:
    """1 to 6 units a course are usual; more asks for a reason."""
    total, where = case.counted.total, "sessions of the course"
    if total > USUAL_LARGEST:
        return missing(f"{total} units are more than the 1 to {USUAL_LARGEST} a course that are usual.", where)
    return met(f"{total} unit(s) over the course; 1 to {USUAL_LARGEST} are usual.", where)


def place_of_service(case: Case) -> Finding:
    """The modifiers follow from the place."""
    place, where = case.session.plan.place, f"plan v{case.session.plan.version}, place_of_service"
    if place not in PLACES:
        return missing("The plan names no place of service: the modifiers are open.", where)
    apart = [p for v in case.verdicts if v.table is not None for p in v.table.apart]
    return met(f"Place {place}. {' '.join(part.says for part in parts(place, apart))}", where)


def unit_limits(case: Case) -> Finding:
    """The tables of payers and of CMS for the date of service. Without a table the answer is unknown, not fine."""
    where = "tables of limits"
    if case.session.barred is not None:
        return spared("No unit is proposed.", where)
    bad = [v.says for v in case.verdicts if v.stands != "within"]
    good = [v.says for v in case.verdicts if v.stands == "within"]
    if bad or not good:
        return missing(" ".join(bad) or "Unknown: there are no units to hold against a table.", where)
    return met(" ".join(good), where)


def unlisted_report(case: Case) -> Finding:
    """What fits no code is reported with a detailed report."""
    plan, where = case.session.plan, f"plan v{case.session.plan.version}, unlisted"
    if plan.unlisted is None:
        return spared("77331 describes the work; no unlisted code is proposed.", where)
    return met(
        f"The work fits no code ({(plan.why_unlisted or '').rstrip('.')}): {unlisted_code(plan.unlisted)}, with the"
        " detailed report of this proposal and the record.",
        where,
    )


def report(session: SessionFacts) -> list[str]:
    """The detailed report of work that fits no code: need, extent, equipment, result, decision; one line each."""
    order, plan = session.order, session.plan
    results = "; ".join(f"{p.id} ({p.site}): {p.decision or 'no result'}" for p in session.points)
    decided = f"{session.decision.what}: {session.decision.words}" if session.decision else "not written"
    devices = "; ".join(f"{name}: {what}" for name, what in (session.equipment or {}).items())
    return [
        f"Why no code fits: {plan.why_unlisted}",
        f"Need: {order.need}",
        f"Decides: {order.effect or 'not stated'}",
        f"What was done: {plan.technique}; {plan.target}; {plan.prescription}; session {session.id}, fraction"
        f" {session.fraction}, {plan.machine}, begun {moment(session.began) if session.began else 'not yet'}",
        f"Equipment: {devices or 'none named'}",
        f"Results: {results}",
        f"Decision on the plan: {decided}",
    ]


RULES = (
    Rule("units", "Units", "dossier 3 [5][6]; scenarios [C1]", units),
    Rule("usual-number", "Usual number of units", "dossier 3 [5][6]", usual_number),
    Rule("place-of-service", "Place of service and modifiers", "dossier 3 [55][56]", place_of_service),
    Rule("unit-limits", "Unit limits", "dossier 3 [54][58]; additions.md", unit_limits),
    Rule("unlisted-report", "Report of what fits no code", "dossier 3 (seed)", unlisted_report),
)
