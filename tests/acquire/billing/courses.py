"""Courses as facts, for the rules alone: sessions with what was measured in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from acquire.billing.facts import (
    AdjustmentFacts,
    CourseFacts,
    Decided,
    OrderFacts,
    PlanFacts,
    PointFacts,
    PortFacts,
    SessionFacts,
    Signed,
)

ORDERED = datetime(2027, 2, 2, 16, 5, tzinfo=UTC)
ORDER = OrderFacts("ORD-1", "RO-1", "radiation oncologist", ORDERED, "Hip prosthesis.", "MU or shield.", ("CT",))


def port(name, *, gantry=None, mu=None, beam=None):
    fields = frozenset() if gantry is None else frozenset({(float(gantry), float(mu))})
    return PortFacts(name, fields, beam)


def point(name, of=None, *, volume=None, decision="PASS", derived=False, out_of_field=False):
    return PointFacts(
        id=name, site=f"site of {name}", port=of, volume=volume, derived=derived, method="diode",
        measured_with="D-11", out_of_field=out_of_field, decision=decision, calculated_with="diode formula",
    )  # fmt: skip


def plan(*ports, version=1, purpose="patient", place="22", **more):
    return PlanFacts(
        version=version, purpose=purpose, place=place, machine="LA-1", technique="7 fields", prescription="78 Gy",
        target="prostate", approved_by="MP-1", approved_on=date(2027, 2, 1), ports=ports, **more,
    )  # fmt: skip


def changed(*of, what="gap +3 mm"):
    return AdjustmentFacts(of, what, "RO-1")


def session(name, of, *points, days=1, order=ORDER, signed=False, **more):
    began = ORDERED + timedelta(days=days)
    signatures = {}
    if signed:
        signatures = {
            "review": Signed("MP-1", "physicist", "2027-02-05T10:00:00Z"),
            "interpretation": Signed("RO-1", "radiation oncologist", "2027-02-05T11:00:00Z"),
            "decision": Decided("unchanged", "Within limits.", "RO-1", "2027-02-05T11:00:00Z"),
        }
    facts = {
        "id": name, "order": order, "plan": of, "fraction": days, "state": "CALCULATED", "began": began,
        "began_with": "the first beam", "day": began.date(), "points": points, "measured_by": "MD-1",
        "calculated_by": "MP-1", "calculated_at": "2027-02-05T09:00:00Z", "equipment": {"electrometer-1": "6517B, 1"},
    }  # fmt: skip
    return SessionFacts(**{**facts, **signatures, **more})


def course(*sessions, also=()):
    plans = {(s.order.id, s.plan.version): s.plan for s in sessions} | {(ORDER.id, p.version): p for p in also}
    return CourseFacts(sessions, plans)
