"""The charge as a coder would look at it: code, parts, units by date with their basis, limits, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from acquire.billing import charge_rules
from acquire.billing.claim import Claim, Judged, limits
from acquire.billing.codes import SPECIAL_DOSIMETRY, neighbours, unlisted_code
from acquire.billing.facts import SessionFacts
from acquire.billing.setting import parts
from acquire.billing.tables import Verdict, in_force
from acquire.billing.units import UNNAMED, Counted, Unit


def proposal(claim: Claim, judged: Sequence[Judged]) -> dict[str, Any]:
    """A proposal as plain data, for the JSON of the command and of the record. It is never submitted.

    units        of the sessions asked about, without those shown apart (`additional`)
    ready        whether no rule is missing; even then a coder decides
    """
    counted = claim.counted
    asked = {s.id for s in claim.asked}
    own = [u for u in counted.units if u.session in asked]
    earlier = [u for u in counted.units if u.session not in asked]
    open_ = [s for s in claim.asked if s.barred is None]
    newest = (open_ or [*claim.asked])[-1]
    unlisted = next((s for s in open_ if s.plan.unlisted is not None), None)
    place, days = newest.plan.place, [u.day for u in own if u.day is not None]
    held = limits(claim, counted)
    day = days[0] if days else newest.day
    apart = [p for t in in_force(claim.tables, day) for p in t.apart] if day is not None else []
    of_place = parts(place, apart)
    code = unlisted_code(unlisted.plan.unlisted or "") if unlisted else SPECIAL_DOSIMETRY
    return {
        "code": code if open_ else None,
        "modifier": next((part.modifier for part in of_place if part.modifier), None),
        "parts": [_plain(part) for part in of_place] if open_ else [],
        "place_of_service": place,
        "units": (1 if own else 0) if unlisted else len(own),
        "basis": _basis(own or [*counted.units]),
        "lines": [] if unlisted else _lines(own),
        "ports": [u.of for u in own if u.kind == "port"],
        "volumes": [u.of for u in own if u.kind == "volume"],
        "ports_of_earlier_sessions": [u.of for u in earlier if u.kind == "port"],
        "counted_in_other_sessions": [_unit(u) for u in earlier],
        "additional": [
            {**_unit(a.unit), "says": a.says, "signed_in": a.signed_in}
            for a in counted.additional
            if a.unit.session in asked and not unlisted
        ],
        "adds_no_unit": [_unit(u) for u in counted.repeats if u.session in asked],
        "volumes_of_interest": [p.id for session, p in counted.beside if session in asked],
        "units_over_course": counted.total,
        "barred": [{"session": s, "why": why} for s, why in counted.barred if s in asked],
        "limits": [_verdict(v) for v in held],
        "payer_table_version": _version(held),
        "neighbours": [_plain(n) for n in neighbours(claim.asked, day, claim.tables)],
        "report": charge_rules.report(unlisted) if unlisted else [],
        "notes": _notes(newest, counted, own, asked),
        "missing": [j.finding.says for j in judged if j.finding.status == "missing"],
        "ready": all(j.finding.status != "missing" for j in judged),
        "status": "proposal, not submitted",
    }


def _lines(units: Sequence[Unit]) -> list[dict[str, Any]]:
    """Units by date of service."""
    days = list(dict.fromkeys(u.day for u in units))
    return [
        {
            "date_of_service": day.isoformat() if day else None,
            "units": sum(u.day == day for u in units),
            "of": [u.of for u in units if u.day == day],
        }
        for day in days
    ]


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "kind": unit.kind, "of": unit.of, "session": unit.session, "order": unit.order, "plan_version": unit.version,
        "date_of_service": unit.day.isoformat() if unit.day else None, "points": list(unit.points),
    }  # fmt: skip


def _basis(units: Sequence[Unit]) -> str:
    kinds = {u.kind for u in units}
    of = [
        words
        for kind, words in (
            ("port", "one unit a measured port and course"),
            ("volume", "one unit a volume of interest whose cumulative dose is measured"),
        )
        if kind in kinds
    ]
    return "; ".join(of) or "one unit a measured port and course"


def _notes(newest: SessionFacts, counted: Counted, own: Sequence[Unit], asked: set[str]) -> list[str]:
    notes = [] if newest.barred else [part.says for part in parts(newest.plan.place)][:2]
    if newest.plan.place is None and not newest.barred:
        notes.append("The plan names no place of service: the modifier is open.")
    if beside := [p.id for session, p in counted.beside if session in asked]:
        notes.append(f"{', '.join(beside)}: volumes of interest outside the ports; the coder decides.")
    if any(u.of == UNNAMED for u in own):
        notes.append(
            "The plan names no volume of interest (volume) for points of no port: they are counted as one, and the"
            " coder decides whether there are more."
        )
    notes += [a.by_whom for a in counted.additional if a.unit.session in asked]
    renamed = [(u.of, counted.ports.names(u.of)) for u in counted.units if u.kind == "port"]
    notes += [f"{', '.join(names)} are one port under several names." for _, names in renamed if len(names) > 1]
    return notes


def _verdict(verdict: Verdict) -> dict[str, Any]:
    table = verdict.table
    return {
        "stands": verdict.stands,
        "says": verdict.says,
        "table": None
        if table is None
        else {
            "kind": table.kind, "name": table.name, "valid_from": table.valid_from.isoformat(),
            "valid_until": table.valid_until.isoformat(), "sha256": table.sha256,
        },
    }  # fmt: skip


def _version(held: Sequence[Verdict]) -> str | None:
    used = {f"{v.table.name}, {v.table.valid_from} to {v.table.valid_until}": None for v in held if v.table}
    return "; ".join(used) or None


def _plain(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in type(item).__slots__}
