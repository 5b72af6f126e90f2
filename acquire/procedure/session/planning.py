"""Taking a plan in: it must belong to an order, be measurable with what the clinic owns, and fit its own limits."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime

from acquire.canonical import utc_now
from acquire.dosimetry import Budget, DosimetryError, LifeSpent, RangeTooSmall, fit_for
from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.procedure.documents.beams import twice
from acquire.procedure.documents.calibrations import Calibrations
from acquire.procedure.documents.causes import Cause, Stop, of_kind
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.order import get_order
from acquire.procedure.documents.people import same_person
from acquire.procedure.documents.plan import Batch, Plan, Step, read_plan
from acquire.procedure.documents.point import Point
from acquire.procedure.documents.routine_work import rows_of_work
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.doses import planned_budget
from acquire.procedure.methods.method import Sources
from acquire.procedure.methods.reader_needs import element_correction
from acquire.procedure.session import framing
from acquire.procedure.session.believed import not_believed
from acquire.procedure.session.foreseen import foreseen
from acquire.procedure.session.order_holds import holds_for, of_order
from acquire.procedure.stock.file_coefficients import first_rows
from acquire.procedure.stock.frozen import Frozen, with_stock
from acquire.procedure.stock.toml_text import toml_of
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import has_accounts
from drivers import Misuse, registry
from drivers.model import Model


def add_plan(
    connection: sqlite3.Connection, body: bytes, name: str, who: str, inventory: Inventory, calibrations: Calibrations
) -> Plan:
    """Read, check and keep a plan. The same bytes again change nothing. Routine work is opened with its first plan.

    Raises FileProblem (file, line, key), or Refused: no such order, another purpose after the first reading, a version
    that is here with another content or is not newer, a method that is not fit for its tolerance, a factor missing or
    out of date, an element of the stock that may not be used.
    """
    plan = read_plan(body, name)
    work = rows_of_work(connection, plan, who)
    order_version = 1 if work else get_order(connection, plan.order).version
    frozen = _measurable(connection, plan, inventory, calibrations)
    with transaction(connection):
        sha256, file = kept.to_keep(connection, "plan", name, body)
        versions = {
            row["version"]: row["sha256"]
            for row in connection.execute("SELECT version, sha256 FROM plan WHERE order_id = ?", (plan.order,))
        }
        if versions.get(plan.version) == sha256:
            return plan
        _is_newer(plan, versions)
        _purpose_stays(connection, plan)
        added = audit.row(
            "plan", order_id=plan.order, version=plan.version, sha256=sha256, added_at=utc_now(), added_by=who
        )
        own = [*_files(connection, plan, inventory, calibrations), *first_rows(connection, frozen.first, who)]
        own.append(holds_for(plan.order, plan.version, order_version, who, None))
        rows, new = [*work, *file, added, *own], f"v{plan.version} {sha256}"
        audit.keep(connection, who, "plan added", plan.order, rows=rows, old=_newest(versions), new=new)
        # Where names are typed the first plan carries its own second person; every later one is confirmed anew.
        if not versions and not has_accounts(connection):
            for point in plan.point:
                if point.expected is not None and point.expected.checked_by is not None:
                    _confirm(connection, plan.order, plan.version, point.id, point.expected.checked_by)
    return plan


def _files(
    connection: sqlite3.Connection, plan: Plan, inventory: Inventory, calibrations: Calibrations
) -> list[audit.Row]:
    """What a plan is held against, kept with it: `acquire doctor ORDER` asks of these before there is a session."""
    files = {"calibrations": toml_of(calibrations), "inventory": toml_of(inventory)}
    found = {kind: kept.to_keep(connection, kind, f"{kind}.toml", body) for kind, body in files.items()}
    named = audit.row(
        "plan_files", order_id=plan.order, version=plan.version, **{kind: sha256 for kind, (sha256, _) in found.items()}
    )
    return [*(row for _, rows in found.values() for row in rows), named]


def files_of_plan(connection: sqlite3.Connection, order_id: str, version: int) -> tuple[kept.File, kept.File] | None:
    """(calibrations, inventory) with which a plan came in, each (name, bytes); None of plans of earlier releases."""
    row = connection.execute(
        "SELECT calibrations, inventory FROM plan_files WHERE order_id = ? AND version = ?", (order_id, version)
    ).fetchone()
    if row is None:
        return None
    return kept.fetch(connection, row["calibrations"]), kept.fetch(connection, row["inventory"])


def check_plan(
    connection: sqlite3.Connection, plan: Plan, inventory: Inventory, calibrations: Calibrations
) -> list[str]:
    """What would stop a measurement of this plan today, with what the store has of the stock; one sentence each."""
    try:
        _measurable(connection, plan, inventory, calibrations)
    except Refused as refused:
        return list(refused.sentences)
    return []


def _measurable(connection: sqlite3.Connection, plan: Plan, inventory: Inventory, calibrations: Calibrations) -> Frozen:
    """What a plan takes of the stock, where it could be measured today. Raises Refused for all that would stop it."""
    if gone := of_order(connection, plan.order, None):
        raise Refused(*gone)
    today = datetime.now(UTC).date()
    frozen = with_stock(connection, plan, inventory, calibrations, today)
    if wrong := readiness(plan, frozen.inventory, frozen.calibrations, today):
        raise Refused(*wrong)
    return frozen


def get_plan(connection: sqlite3.Connection, order_id: str, version: int) -> Plan:
    """A plan of the store. Raises Refused when there is none."""
    row = connection.execute(
        "SELECT sha256 FROM plan WHERE order_id = ? AND version = ?", (order_id, version)
    ).fetchone()
    if row is None:
        raise Refused(f"Order {order_id} has no plan version {version}.")
    name, body = kept.fetch(connection, row["sha256"])
    return read_plan(body, name)


def newest_version(connection: sqlite3.Connection, order_id: str) -> int:
    """The newest plan version of an order. Raises Refused when there is none."""
    row = connection.execute("SELECT max(version) AS v FROM plan WHERE order_id = ?", (order_id,)).fetchone()
    if row["v"] is None:
        raise Refused(f"Order {order_id} has no plan yet.")
    return int(row["v"])


def unconfirmed(connection: sqlite3.Connection, order_id: str, version: int) -> list[str]:
    """Points whose expected dose no second person has confirmed for this plan version.

    Raises Refused where there is no such plan.
    """
    done = {
        row["point"]
        for row in connection.execute(
            "SELECT point FROM expected_confirmed WHERE order_id = ? AND version = ?", (order_id, version)
        )
    }
    plan = get_plan(connection, order_id, version)
    return [p.id for p in plan.point if p.expected is not None and p.id not in done]


def confirm_expected(connection: sqlite3.Connection, order_id: str, version: int, point_id: str, who: str) -> None:
    """A second person stands by the expected dose of a point. Raises Refused for the one who entered it.

    Where people log in, that is also who brought the plan in: the name in its file was typed.
    """
    point = get_plan(connection, order_id, version).point_named(point_id)
    if point.expected is None:
        raise Refused(f"Point {point_id} has no expected dose to confirm.")
    entered = [point.expected.entered_by]
    if has_accounts(connection):
        asked = "SELECT added_by FROM plan WHERE order_id = ? AND version = ?"
        entered.append(connection.execute(asked, (order_id, version)).fetchone()["added_by"])
    if any(same_person(each, who) for each in entered):
        raise Refused(f"{who} entered the expected dose of {point_id}; another person must confirm it.")
    with transaction(connection):
        if point_id in unconfirmed(connection, order_id, version):
            _confirm(connection, order_id, version, point_id, who)


def readiness(
    plan: Plan, inventory: Inventory, calibrations: Calibrations, on: date, told: Collection[str] = ()
) -> list[str]:
    """What would stop a measurement of this plan on a day, one sentence each; a Stop says of which kind it is.

    told: instruments that say themselves how they are used: their models need not be known here, and the begin of each
    step holds it against what they say.
    """
    wrong: list[str] = []
    sources = Sources(plan, inventory, calibrations, on)
    wrong.extend(of_kind(each, "inventory") for each in _instruments(plan, inventory, told))
    wrong.extend(twice(plan))
    for batch in plan.batch:
        for element in (*batch.standards, *batch.controls):
            try:
                element_correction(element, sources)
            except Refused as refused:
                wrong.extend(Stop("standards", each) for each in refused.sentences)
        wrong.extend(Stop("standards", each) for each in _check_element(batch, inventory))
    wrong.extend(foreseen(plan, inventory))
    wrong.extend(not_believed(plan, inventory, calibrations, on))
    for point in plan.point:
        try:
            budget = planned(plan, point, inventory, calibrations, on)
        except (Refused, DosimetryError, Invalid) as reason:
            wrong.append(Stop(cause_of(reason), f"{point.id}: {reason}"))
        else:
            wrong.extend(Stop("tolerance", each) for each in _not_fit(point, budget))
    return wrong


def cause_of(reason: Refused | DosimetryError | Invalid) -> Cause:
    """Of which kind it is that a point cannot be measured."""
    if isinstance(reason, RangeTooSmall):
        return "range"
    if isinstance(reason, LifeSpent):
        return "mosfet-life"
    own = next(iter(reason.sentences), None) if isinstance(reason, Refused) else None
    return own.cause if isinstance(own, Stop) else "plan"


def planned(plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date) -> Budget:
    """The budget of the dose at a point, before it is measured.

    Raises Refused, DosimetryError or Invalid for what is missing, out of date or outside its validity.
    """
    return planned_budget(Sources(plan, inventory, calibrations, on), point)


def _instruments(plan: Plan, inventory: Inventory, told: Collection[str]) -> Iterator[str]:
    """What is wrong with the instruments that the plan uses, and with how its steps use them."""
    used = dict.fromkeys([*plan.instruments, *(b.reader for b in plan.batch)])
    for name in used:
        try:
            owned = inventory.instrument_named(name)
            model = registry.model(owned.model)
        except Misuse as reason:
            if name not in told:
                yield f"{name}: {reason}"
            continue
        except Refused as reason:
            yield f"{name}: {reason}"
            continue
        yield from framing.of_model(owned, model)
        if owned.machine is not None and not _same_machine(owned.machine, plan.machine):
            yield f"{name} stands at {owned.machine}, as the inventory says; this is for {plan.machine}."
        for step in (s for s in plan.step if name in plan.inputs(s)):
            yield from _step(plan, inventory, step, name, model)


def _same_machine(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _step(plan: Plan, inventory: Inventory, step: Step, instrument: str, model: Model) -> Iterator[str]:
    adds_up, points = {q.integrates for q in model.quantities}, plan.inputs(step)[instrument]
    if framing.collects(plan, step, points) and adds_up.isdisjoint(framing.CHARGE):
        yield f"Step {step.id} collects a charge; {instrument} is a {model.name}, which gives none that adds up."
    if step.kind == "read-out" and "elements" not in adds_up:
        yield f"Step {step.id} reads elements; {instrument} is a {model.name}, which reads none."
    channels = []
    for name in points or (None,):
        try:
            channels.append(framing.channel_of(plan, inventory, (name,) if name else ()))
        except Refused:
            return  # the point says so by itself
        if said := framing.of_channel(instrument, step, channels[-1], model.channels):
            yield said
    if len(points) > 1 and len(set(channels)) < len(channels):
        yield f"Step {step.id} measures {', '.join(points)} on one channel of {instrument} at once."
    for point in (plan.point_named(name) for name in points):
        place = inventory.detector_named(point.detector).channel if point.channel and point.detector else None
        if place not in (None, point.channel):
            yield f"Point {point.id} is on channel {point.channel}; the inventory has {point.detector} on {place}."


def _check_element(batch: Batch, inventory: Inventory) -> list[str]:
    if batch.check is None:
        return []
    try:
        reader = inventory.element_named(batch.check.element).reader
    except Refused as refused:
        return list(refused.sentences)
    right = reader == batch.reader
    return [] if right else [f"Check element {batch.check.element} belongs to {reader}, not to {batch.reader}."]


def _not_fit(point: Point, budget: Budget) -> list[str]:
    """With U at or above the tolerance nothing can pass: said now, with the tolerance that would fit."""
    if point.limits is None or point.expected is None:
        return []
    fit, big_u = fit_for(point.limits.tolerance_percent, budget.u_percent, point.expected.u_percent, budget.dof)
    if fit:
        return []
    return [
        f"{point.id}: not fit for this tolerance: U of the deviation is {big_u:.1f} % (dose {budget.u_percent:.2f} %"
        f" at k = 1), the tolerance {point.limits.tolerance_percent:g} %; above {big_u:.1f} % would fit."
    ]


def _is_newer(plan: Plan, versions: dict[int, str]) -> None:
    if plan.version in versions:
        raise Refused(
            f"Plan v{plan.version} of {plan.order} is here with another content; what was planned stays: give the"
            " change a new version."
        )
    if versions and plan.version < max(versions):
        raise Refused(f"Plan v{plan.version} of {plan.order} is older than v{max(versions)}, which is here.")


def _purpose_stays(connection: sqlite3.Connection, plan: Plan) -> None:
    """What was measured for one purpose is never made to serve another. Raises Refused."""
    measured = connection.execute(
        "SELECT DISTINCT s.id, s.plan_version FROM session s WHERE s.order_id = ?1 AND (EXISTS (SELECT 1 FROM attempt a"
        " JOIN attempt_mark m ON m.measurement = a.measurement AND m.mark = 'begun' WHERE a.session = s.id)"
        " OR EXISTS (SELECT 1 FROM placement p WHERE p.session = s.id)) ORDER BY s.id",
        (plan.order,),
    ).fetchall()
    for row in measured:
        was = get_plan(connection, plan.order, row["plan_version"]).purpose
        if was != plan.purpose:
            raise Refused(
                f"Session {row['id']} of {plan.order} was measured with the purpose '{was}', which is fixed with the"
                f" first reading; work with the purpose '{plan.purpose}' needs an order or a name of its own."
            )


def _newest(versions: dict[int, str]) -> str | None:
    return f"v{max(versions)}" if versions else None


def _confirm(connection: sqlite3.Connection, order_id: str, version: int, point: str, who: str) -> None:
    stands = audit.row("expected_confirmed", order_id=order_id, version=version, point=point, at=utc_now(), who=who)
    audit.keep(connection, who, "expected dose confirmed", order_id, rows=[stands], new=f"{point} v{version}")
