"""The facts of a charge from the store: sessions of a course with their orders, plans, results and signatures."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from acquire.billing import Claim
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
from acquire.errors import Refused
from acquire.people import get_account
from acquire.procedure.documents.cancelled import cancelled
from acquire.procedure.documents.order import Order, copied_need, get_order, version_at_start, versions_of
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.registry import method_of
from acquire.procedure.readouts.placed import placements
from acquire.procedure.results.result import Result, results
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beams_given import may_have_given
from acquire.procedure.session.known_people import not_known
from acquire.procedure.session.planning import get_plan, newest_version
from acquire.procedure.session.session import Session, get_session, list_sessions
from acquire.procedure.session.transcribed import in_force
from acquire.procedure.signing.rows import Signature
from acquire.procedure.signing.standing import Coming, standing
from acquire.procedure.signing.writing import prescribes
from acquire.record.billing_tables import tables
from acquire.record.equipment import equipment


def claim_of(connection: sqlite3.Connection, name: str, *, course: bool = False, coming: Coming | None = None) -> Claim:
    """A session, or an order with its sessions, or the whole course of either, as a claim within its course; also as
    it will be with a signature that is about to be written.

    Raises Refused for a name that is neither, and for an order without a session.
    """
    session = connection.execute("SELECT order_id, plan_version FROM session WHERE id = ?", (name,)).fetchone()
    if session is not None:
        order, of = session["order_id"], get_plan(connection, session["order_id"], session["plan_version"]).course
    elif connection.execute("SELECT 1 FROM orders WHERE id = ?", (name,)).fetchone():
        order, of = name, get_plan(connection, name, newest_version(connection, name)).course
    else:
        raise Refused(f"There is no session and no order {name}; `acquire session list` and `order list` show them.")
    found = course_of(connection, order, of, coming)
    asked = tuple(s for s in found.sessions if course or name in (s.id, s.order.id))
    if not asked:
        raise Refused(f"Order {name} has no session yet: there is nothing to charge.")
    return Claim(found, asked, tuple(table for _, table in tables(connection)))


def course_of(connection: sqlite3.Connection, order_id: str, course: int, coming: Coming | None = None) -> CourseFacts:
    """Every session of a course, over the orders of its patient, as they were started."""
    orders = orders_of_patient(connection, order_id)
    plans: dict[tuple[str, int], PlanFacts] = {}
    for order in orders:
        rows = connection.execute("SELECT version FROM plan WHERE order_id = ? ORDER BY version", (order,)).fetchall()
        for row in rows:
            plan = get_plan(connection, order, row["version"])
            if plan.course == course:
                plans[order, plan.version] = _plan(plan)
    found = [get_session(connection, each) for order in orders for each in list_sessions(connection, order)]
    started = {each: n for n, each in enumerate(list_sessions(connection))}
    found = sorted((s for s in found if s.plan.course == course), key=lambda s: started[s.id])
    return CourseFacts(tuple(_session(connection, s, plans, coming) for s in found), plans)


def signatures(
    connection: sqlite3.Connection, session: Session, coming: Coming | None = None
) -> tuple[Signed | None, Signed | None, Decided | None]:
    """(the physicist's review, the physician's interpretation, the decision on the plan) of a session's newest version.

    None of what came in after it was signed: a charge rests on signatures that hold. Who ordered, or in whose place it
    was ordered, signs under the name that the order has.
    """
    now = standing(connection, session, coming)
    if not now.holds:
        return None, None, None
    review, interpretation = now.by("review"), now.by("interpretation")
    reviewed = None if review is None else Signed(review.account, review.role, review.at)
    if interpretation is None:
        return reviewed, None, None
    who, role = _named(connection, get_order(connection, session.order_id), interpretation)
    decision = now.words["decision"]
    return (
        reviewed,
        Signed(who, interpretation.role + role, interpretation.at),
        Decided(str(decision.choice), decision.words, decision.who, interpretation.at),
    )


def _named(connection: sqlite3.Connection, order: Order, signed: Signature) -> tuple[str, str]:
    """Who interpreted, by the name that the order has, and what that person is to the order."""
    if signed.covering_for:
        return signed.account, f", covering for {signed.covering_for}"
    treating = order.covering_for
    if treating is not None and not prescribes(get_account(connection, signed.account), order.requester):
        return treating, f", the treating physician, in whose place {order.requester} ordered"
    return order.requester, ""


def _session(
    connection: sqlite3.Connection, session: Session, plans: dict[tuple[str, int], PlanFacts], coming: Coming | None
) -> SessionFacts:
    order = _order(connection, session)
    found = results(connection, session.id)
    began, began_with = _began(connection, session)
    calculated = _calculated(connection, session, found)
    owned = equipment(connection, session, found)
    devices = {each["id"]: f"{each['model']}, serial {each['serial']}" for each in owned["instruments"]}
    devices |= {each["id"]: f"{each['model']}, serial {each['serial']}" for each in owned["detectors"]}
    review, interpretation, decision = signatures(connection, session, coming)
    return SessionFacts(
        id=session.id,
        order=order,
        plan=plans[session.order_id, session.plan.version],
        fraction=session.fraction,
        state=session.state.value,
        began=began,
        began_with=began_with,
        day=began.astimezone(order.authored_on.tzinfo).date() if began else None,
        points=tuple(_point(p, next((r for r in found if r.point == p.id), None)) for p in session.plan.point),
        measured_by=session.started_by,
        calculated_by=calculated[0],
        calculated_at=calculated[1],
        equipment=devices,
        review=review,
        interpretation=interpretation,
        decision=decision,
        people_not_known=not_known(connection, session),
    )


def _order(connection: sqlite3.Connection, session: Session) -> OrderFacts:
    """The order as it was when the session was started."""
    order = get_order(connection, session.order_id, version_at_start(connection, session.id))
    said, phoned = cancelled(connection, order.id), order.telephone
    return OrderFacts(
        order.id, order.requester, order.requester_role, _written_on(connection, order), order.necessity, order.effect,
        order.history, None if said is None else str(said), order.draft,
        f"taken by telephone by {phoned.taken_by} at {phoned.taken_at}" if phoned else None,
        copied_need(connection, order), order.covering_for,
    )  # fmt: skip


def _written_on(connection: sqlite3.Connection, order: Order) -> datetime:
    """When the physician wrote it: of a telephone order, the written one that followed, where one did.

    No order is accepted after the fact (CGS Medicare, "Medicare Guidelines Regarding Orders", 2023).
    """
    if order.telephone is None:
        return order.authored_on
    later = (v.version for v in versions_of(connection, order.id) if v.version > order.version)
    written = (each for each in (get_order(connection, order.id, v) for v in later) if each.telephone is None)
    return next((each.authored_on for each in written), order.authored_on)


def _plan(plan: Plan) -> PlanFacts:
    return PlanFacts(
        version=plan.version,
        purpose=plan.purpose,
        place=plan.place_of_service,
        machine=plan.machine,
        technique=plan.technique,
        prescription=plan.prescription,
        target=plan.target,
        approved_by=plan.approved_by,
        approved_on=plan.approved_on,
        ports=tuple(_port(plan, port) for port in dict.fromkeys(p.port for p in plan.point if p.port)),
        adjustments=tuple(AdjustmentFacts(a.of, a.what, a.decided_by) for a in plan.adjustment),
        radionuclide=plan.radionuclide,
        unlisted=plan.unlisted.form if plan.unlisted else None,
        why_unlisted=plan.unlisted.why if plan.unlisted else None,
    )


def _port(plan: Plan, port: str) -> PortFacts:
    points = [p for p in plan.point if p.port == port]
    fields = {
        (s.gantry_deg % 360, s.mu)
        for s in plan.step
        if s.kind == "irradiate" and s.gantry_deg is not None and s.mu is not None
        and {p.id for p in points} & set(s.measured)
    }  # fmt: skip
    number = next((p.beam_number for p in points if p.beam_number is not None), None)
    beam = (plan.rt_plan.uid, number) if plan.rt_plan is not None and number is not None else None
    return PortFacts(port, frozenset(fields), beam)


def _point(point: Point, result: Result | None) -> PointFacts:
    dose = result.output.dose or result.output.spectrum if result else None
    detector = (result.output.detector if result else None) or point.measured_by
    return PointFacts(
        id=point.id,
        site=point.site,
        port=point.port,
        volume=point.volume,
        derived=point.asks.way == "mean",
        method=method_of(point.method).title,
        measured_with=detector,
        out_of_field=point.position == "out-of-field",
        decision=result.output.decision if result else None,
        calculated_with=f"{dose.formula} ({result.formula})" if dose and result else None,
    )


def _began(connection: sqlite3.Connection, session: Session) -> tuple[datetime | None, str]:
    """The first beam that was begun, or written on a form; where there is none, when the first element was placed."""
    beams = [
        datetime.fromisoformat(a.requested_at)
        for a in attempts(connection, session.id)
        if a.kind == "irradiate" and may_have_given(connection, session.id, a)
    ]
    beams += [datetime.fromisoformat(each.read_at) for each in in_force(connection, session.id).values()]
    if beams:
        return min(beams), "the first beam"
    placed = [p.placed_at for p in placements(connection, session.id)]
    if placed:
        return datetime.fromisoformat(min(placed)), "the placing of the first element"
    return None, "the measurement"


def _calculated(connection: sqlite3.Connection, session: Session, found: list[Result]) -> tuple[str | None, str | None]:
    """Who calculated the newest result, and when."""
    newest: tuple[str | None, str | None] = (None, None)
    for result in found:
        row = connection.execute(
            "SELECT who, at FROM audit WHERE subject = ? AND what = 'result' ORDER BY n DESC LIMIT 1",
            (f"{session.id} {result.point}",),
        ).fetchone()
        if row is not None and (newest[1] is None or row["at"] > newest[1]):
            newest = row["who"], row["at"]
    return newest
