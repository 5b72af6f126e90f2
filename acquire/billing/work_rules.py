"""Rules about what was planned, measured and calculated."""

from __future__ import annotations

from acquire.billing.rule import Case, Finding, Rule, either, met, missing, moment, spared

TYPES = {  # our words; 77336 holds QC and calibration [61]
    "phantom": "a check in a phantom is routine verification of a plan",
    "detector-calibration": "calibration is part of continuing physics (77336)",
    "routine-qa": "routine quality assurance belongs to other codes",
}


def purpose(case: Case) -> Finding:
    """Routine work is never chargeable; its purpose is fixed with the first reading."""
    plan, where = case.session.plan, f"plan v{case.session.plan.version}, purpose"
    if plan.purpose == "patient":
        return met("The measurement serves this patient's treatment.", where)
    return missing(f"The purpose is {plan.purpose}: {TYPES[plan.purpose]}, never chargeable.", where)


def nuclear_medicine(case: Case) -> Finding:
    """Isotopes that are injected or swallowed belong to nuclear medicine (790xx)."""
    plan, where = case.session.plan, f"plan v{case.session.plan.version}, radionuclide"
    if plan.radionuclide is None:
        return spared("No radionuclide was injected or swallowed.", where)
    return missing(
        f"The radionuclide was given {plan.radionuclide}: that is nuclear medicine (790xx), not special dosimetry.",
        where,
    )


def method(case: Case) -> Finding:
    """The method must be specified."""
    used = {p.method: None for p in case.session.valid}
    says = f"Measured with {', '.join(used)}."
    return either(bool(used), says, "No point was measured.", f"session {case.session.id}, points")


def equipment(case: Case) -> Finding:
    """The specific devices, each by its own name and serial number."""
    session = case.session
    with_ = [f"{p.id} {p.measured_with}" for p in session.valid]
    devices = "; ".join(f"{name}: {what}" for name, what in (session.equipment or {}).items())
    says = f"{'; '.join(with_)}. {devices}."
    where = f"session {session.id}, equipment"
    return either(bool(with_ and devices), says, "No equipment is named for a valid result.", where)


def calculation(case: Case) -> Finding:
    """How the dose was calculated, by whom."""
    session = case.session
    by = {p.calculated_with: None for p in session.valid if p.calculated_with}
    at = session.calculated_at
    who = f", by {session.calculated_by} at {moment(at)}" if session.calculated_by and at else ""
    says = f"Calculated with {'; '.join(by)}{who}."
    return either(bool(by), says, "No dose was calculated.", f"session {session.id}, results")


def plan_documented(case: Case) -> Finding:
    """Target area, prescribed dose, technique, and who approved the plan."""
    plan = case.session.plan
    said = {"target": plan.target, "prescription": plan.prescription, "technique": plan.technique}
    lacks = [name for name, text in said.items() if not text.strip()]
    says = (
        f"v{plan.version}: {plan.target}; {plan.prescription}; {plan.technique}; approved by {plan.approved_by} on"
        f" {plan.approved_on}."
    )
    where = f"plan v{plan.version}"
    return either(not lacks, says, f"The plan states no {', no '.join(lacks)}.", where)


def fields_listed(case: Case) -> Finding:
    """Every port or volume that was measured is listed."""
    session = case.session
    ports = list(dict.fromkeys(p.port for p in session.valid if p.port))
    volumes = list(dict.fromkeys(p.volume or p.site for p in session.valid if not p.port))
    said = [f"Ports {', '.join(ports)}."] * bool(ports) + [f"Volumes of interest {', '.join(volumes)}."] * bool(volumes)
    otherwise = "No measured port and no volume of interest is listed."
    return either(bool(said), " ".join(said), otherwise, f"plan v{session.plan.version}, points")


def every_point(case: Case) -> Finding:
    """No planned point is left out in silence."""
    without = [p.id for p in case.session.points if not p.has_result]
    says, otherwise = "All points have a result.", f"No valid result at {', '.join(without)}."
    return either(not without, says, otherwise, f"session {case.session.id}, results")


def adjustment(case: Case) -> Finding:
    """Where a newer plan version followed, what it changed is written in it."""
    session, newest = case.session, case.course.newest_plan(case.session.order.id)
    if newest is None or newest.version <= session.plan.version:
        return spared("No newer version of the plan followed.", f"plans of order {session.order.id}")
    following = [
        (version, plan)
        for (order, version), plan in sorted(case.course.plans.items())
        if order == session.order.id and version > session.plan.version
    ]
    lacks = [f"v{version}" for version, plan in following if not plan.adjustments]
    said = "; ".join(f"v{v}: {a.what.rstrip('.')}" for v, plan in following for a in plan.adjustments)
    otherwise = f"Plan {', '.join(lacks)} followed and does not say what it adjusts (adjustment)."
    return either(not lacks, f"{said}.", otherwise, f"plans of order {session.order.id}, adjustment")


RULES = (
    Rule("purpose", "Purpose", "dossier 3 [5]", purpose),
    Rule("nuclear-medicine", "No nuclear medicine", "dossier 3, related codes (seed)", nuclear_medicine),
    Rule("plan-documented", "Plan documented", "design 9", plan_documented),
    Rule("method", "Method named", "dossier 3 [5][48]", method),
    Rule("equipment", "Devices named", "dossier 3 [5][48]; design 9", equipment),
    Rule("fields-listed", "Every field that was measured is listed", "dossier 3 [5]", fields_listed),
    Rule("every-point", "Every planned point has a result", "design 9", every_point),
    Rule("calculation", "Calculation method", "design 9", calculation),
    Rule("adjustment", "Adjustment of the plan", "design 9; dossier 3 [5][6]", adjustment),
)
