"""What code 77331 asks for, rule by rule, and a proposal for the charge. Nothing is ever submitted from here.

Rules after payers' and societies' public guidance on special radiation dosimetry: ordered by the treating physician
before the measurement, with the need; method and devices named; documented, interpreted and signed by both; the result
used; not for routine work. One unit a measured port and course; the limits come from tables that are loaded, never
built in.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acquire.procedure.documents.order import Order, copied_need, get_order
from acquire.procedure.methods.registry import method_of
from acquire.procedure.results.result import Result, results
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.session import Session, list_sessions

HOSPITAL = ("19", "21", "22")
USUAL_LARGEST_UNITS = 6


@dataclass(frozen=True, slots=True)
class BillingCheck:
    """One rule: met or not, and a sentence. `missing` is what the record lacks where it is not met."""

    rule: str
    met: bool
    says: str
    missing: str | None = None


def checks(connection: sqlite3.Connection, session: Session, order: Order, found: list[Result]) -> list[BillingCheck]:
    """Every rule in the order of the record."""
    first = _first_beam(connection, session)
    valid = [r for r in found if r.output.decision != "INVALID"]
    invalid = [r.point for r in found if r.output.decision == "INVALID"]
    without = [p.id for p in session.plan.point if p.id not in {r.point for r in found}]
    before = first is None or order.authored_on < datetime.fromisoformat(first)
    ports = _ports(session, valid)
    ordered = order.authored_on.isoformat()
    who = f"{order.requester} ({order.requester_role})"
    return [
        _check("Purpose", session.plan.purpose == "patient", "The measurement serves this patient's treatment.",
               f"The purpose is {session.plan.purpose}: routine work is never chargeable."),
        _check("Order before the measurement", before, f"Ordered {ordered}, before the first beam.",
               f"The order of {ordered} is later than the first beam ({first})."),
        _check("Treating physician", order.draft is None and order.requester_role is not None, f"Ordered by {who}.",
               _not_a_physicians(order)),
        _check("Written order", order.telephone is None, "The order is in writing.",
               "The order was taken by telephone: whether it supports the charge is for the coder to settle."),
        _check("Need", bool(order.necessity), order.necessity, "The order states no need."),
        _check("Effect on treatment", order.effect is not None, f"Decides: {order.effect}",
               "The order does not say what its result decides."),
        _check("Method and devices named", bool(valid), _methods(session), "No point was measured."),
        _check("Every field that was measured is listed", bool(ports), f"Ports {', '.join(ports)}.",
               "No measured port is listed."),
        _check("Every planned point has a result", not invalid and not without, "All points have a result.",
               f"No valid result at {', '.join([*invalid, *without])}."),
        _check("History relevant to the treatment", bool(order.history), "; ".join(order.history) + ".",
               "The order names no history (earlier treatment, imaging)."),
        _check("Physicist's review", False, "", "The physicist's review of the results is not signed."),
        _check("Interpretation", False, "", "The radiation oncologist's interpretation is not written and signed."),
        _check("Result used", False, "", "The decision on the plan (unchanged, adjusted, re-planned) is not written."),
        _check("Unit limits of the payer", False, "", "No unit limit table of the payer is loaded."),
    ]  # fmt: skip


def proposal(
    connection: sqlite3.Connection, session: Session, found: list[Result], rules: list[BillingCheck]
) -> dict[str, Any]:
    """The charge as a coder would look at it: code, modifier, units with their basis, and what is missing."""
    valid = [r for r in found if r.output.decision != "INVALID"]
    earlier = _ports_of_earlier_sessions(connection, session)
    ports = [p for p in _ports(session, valid) if p not in earlier]
    volumes = [r.point for r in valid if session.plan.point_named(r.point).port is None]
    chargeable = session.plan.purpose == "patient"
    place = session.plan.place_of_service
    return {
        "code": "77331" if chargeable else None,
        "modifier": "26" if place in HOSPITAL else None,
        "place_of_service": place,
        "units": len(ports) if chargeable else 0,
        "basis": "one unit a measured port and course",
        "ports": ports,
        "ports_of_earlier_sessions": earlier,
        "volumes_of_interest": volumes,
        "notes": _notes(place, len(ports), volumes) + _of_order(connection, session),
        "payer_table_version": None,
        "missing": [c.missing for c in rules if not c.met and c.missing],
        "status": "proposal, not submitted",
    }


def _check(rule: str, met: bool, says: str, missing: str) -> BillingCheck:
    return BillingCheck(rule, met, says if met else missing, None if met else missing)


def _not_a_physicians(order: Order) -> str:
    if order.draft is not None:
        return f"Order {order.id} is a draft: {order.draft}."
    said = [each for each in order.lacks if "physician" in each]
    return said[0] if said else "The order does not state that its requester is the treating physician."


def _of_order(connection: sqlite3.Connection, session: Session) -> list[str]:
    notice = copied_need(connection, get_order(connection, session.order_id))
    return [notice] if notice else []


def _notes(place: str | None, units: int, volumes: list[str]) -> list[str]:
    notes = []
    if place is None:
        notes.append("The plan names no place of service: the modifier is open.")
    elif place in HOSPITAL:
        notes.append("Modifier 26 is for the professional part; the hospital's technical part carries no modifier.")
    if volumes:
        notes.append(f"{', '.join(volumes)}: volumes of interest outside the ports; the coder decides.")
    if units > USUAL_LARGEST_UNITS:
        notes.append(f"{units} units are more than the 1 to {USUAL_LARGEST_UNITS} a course that are usual.")
    return notes


def _methods(session: Session) -> str:
    used = [
        f"{method_of(p.method).title} {p.detector or ', '.join(p.elements)} at {p.id}"
        for p in session.plan.point
        if p.asks.way != "mean"
    ]
    return "; ".join(used) + "."


def _ports(session: Session, valid: list[Result]) -> list[str]:
    ports = [session.plan.point_named(r.point).port for r in valid]
    return list(dict.fromkeys(p for p in ports if p))


def _ports_of_earlier_sessions(connection: sqlite3.Connection, session: Session) -> list[str]:
    """A port counts once a course: those with a valid result in an earlier session of the order add nothing."""
    found: dict[str, None] = {}
    for other in list_sessions(connection, session.order_id):
        if other == session.id:
            break
        for result in results(connection, other):
            if result.output.decision != "INVALID":
                port = session.plan.port_of(result.point)
                found |= {port: None} if port else {}
    return list(found)


def _first_beam(connection: sqlite3.Connection, session: Session) -> str | None:
    begun = [a.requested_at for a in attempts(connection, session.id) if a.kind == "irradiate" and a.begun]
    return next(iter(begun), None)
