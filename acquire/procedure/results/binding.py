"""The way back when diodes were exchanged on the patient: two people bind each to the port at which it lay.

Coefficients follow the diode and its channel, place and expected dose stay with the port. The signals decide whether
it can be true: afterwards each port's own diode must have collected the most during it. Diodes on instruments of their
own are bound with what each of them collected there meanwhile (acquire.procedure.results.across).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping

from acquire.canonical import utc_now
from acquire.dosimetry import DosimetryError
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Invalid, collected
from acquire.procedure.methods.doses import calculate
from acquire.procedure.methods.exchanged import LOOK
from acquire.procedure.records.selection import BoundDetector, OfCharges
from acquire.procedure.results.across import lay_across
from acquire.procedure.results.inputs import held_against_neighbours, prepare
from acquire.procedure.results.loading import load_all
from acquire.procedure.results.selection import select
from acquire.procedure.session.bound import Binding, bindings, channel_of, is_port, planned_at
from acquire.procedure.session.session import Session, SessionState
from acquire.store import audit
from acquire.store.database import transaction

BOUND_IN = (SessionState.MEASURING, SessionState.MEASURED, SessionState.CALCULATED)


def bind(
    connection: sqlite3.Connection,
    session: Session,
    found: Mapping[str, str],
    who: str,
    confirmed_by: str,
    reason: str,
) -> None:
    """Bind diodes to the ports at which they really lay, {point: detector}; results are then made from these.

    Raises Refused: one person alone, no reason, no exchange of planned diodes, a signal that contradicts it still, or a
    result that was decided already.
    """
    two_people("A diode is bound to another point", who, confirmed_by, reason)
    if session.state not in BOUND_IN:
        raise Refused(f"Session {session.id} is {session.state}; diodes are bound once their ports were measured.")
    before = bindings(connection, session.id)
    _is_an_exchange(session.plan, found, {point: each.detector for point, each in before.items()} | dict(found))
    lay = {point: _lay(connection, session, point, detector) for point, detector in found.items()}
    _is_told(connection, session, {point: found[point] for point, each in lay.items() if not each.is_across})
    at = utc_now()
    with transaction(connection):
        for point in found:
            _is_undecided(connection, session, point)
        rows = [
            audit.row(
                "binding", session=session.id, point=point, planned=session.plan.point_named(point).detector,
                planned_channel=_channel(session, point), detector=each.detector, channel=each.channel or "",
                reason=reason, who=who, confirmed_by=confirmed_by, at=at, instrument=each.instrument,
                stream=each.stream, first_seq=each.first_seq, last_seq=each.last_seq,
            )
            for point, each in lay.items()
        ]  # fmt: skip
        old = ", ".join(f"{_in_force(session, before, point)} at {point}" for point in found)
        new = ", ".join(f"{detector} at {point}" for point, detector in found.items())
        audit.keep(
            connection, who, "diodes bound", session.id, rows=rows, old=old,
            new=f"{new}, confirmed by {confirmed_by}", reason=reason,
        )  # fmt: skip
        for point, each in lay.items():
            if not each.is_across:
                _agrees_with_the_signals(connection, session, point)


def _is_an_exchange(plan: Plan, found: Mapping[str, str], bound: Mapping[str, str]) -> None:
    """Planned diodes change places: none is at two ports that was planned for one, none is gone."""
    for each in found:
        _port(plan, each)
    there = [p for p in plan.point if is_port(p)]
    planned = Counter(p.detector or "" for p in there)
    lay = Counter(bound.get(p.id, p.detector or "") for p in there)
    if unknown := [name for name in found.values() if name not in planned]:
        raise Refused(f"{', '.join(unknown)} is planned at no port; planned are {', '.join(sorted(planned))}.")
    if twice := sorted((lay - planned).keys()):
        gone = ", ".join(sorted((planned - lay).keys()))
        raise Refused(
            f"{', '.join(twice)} cannot have been at two ports; say too where {gone} lay, in the same command."
        )


def _port(plan: Plan, name: str) -> Point:
    point = plan.point_named(name)
    if not is_port(point):
        raise Refused(f"{name} is no port with a diode on its entrance side; only those are told apart by their beam.")
    return point


def _lay(connection: sqlite3.Connection, session: Session, point: str, detector: str) -> BoundDetector:
    """Where the diode that lay at a point was read: with the point, or on an instrument of its own. Raises Refused."""
    own = planned_at(session.plan, point, detector)
    if own.instrument == session.plan.point_named(point).instrument:
        return BoundDetector(detector=detector, channel=channel_of(session.inventory, own))
    return lay_across(connection, session, point, own)


def _channel(session: Session, point: str) -> str:
    planned = session.plan.point_named(point)
    return channel_of(session.inventory, planned) or ""


def _is_told(connection: sqlite3.Connection, session: Session, found: Mapping[str, str]) -> None:
    """Diodes that were on one input, one after the other: only their sizes tell of an exchange."""
    for point in found:
        planned = session.plan.point_named(point)
        if channel_of(session.inventory, planned) is not None:
            continue
        output = calculate(prepare(connection, select(connection, session, point)))
        if LOOK not in " ".join(output.why or ()):
            raise Refused(
                f"{planned.detector} is on no channel of {planned.instrument}: nothing else was read while {point} was"
                " measured, and the sizes do not tell either that another diode lay there."
            )


def _in_force(session: Session, before: Mapping[str, Binding], point: str) -> str | None:
    return before[point].detector if point in before else session.plan.point_named(point).detector


def _is_undecided(connection: sqlite3.Connection, session: Session, point: str) -> None:
    from acquire.procedure.results.result import versions  # noqa: PLC0415 - results are made from bindings

    decided = [r for r in versions(connection, session.id, point) if r.output.decision != "INVALID"]
    if decided:
        raise Refused(
            f"The result of {point} was decided already ({decided[-1].output.decision}, v{decided[-1].version});"
            " a diode is bound before that, not after."
        )


def _agrees_with_the_signals(connection: sqlite3.Connection, session: Session, point: str) -> None:
    """Inside the transaction that has the new rows, which is undone where they contradict the readings."""
    chosen = select(connection, session, point)
    of = chosen.of
    if chosen.bound is None or not isinstance(of, OfCharges):
        raise Refused(f"{point} is no port with a diode of its own.")
    if chosen.bound[point].channel is None:
        return  # of one input; the sizes have told it before
    said = f"The signals do not agree that {chosen.bound[point].detector} lay at {point}: "
    if not of.neighbours or not any(of.neighbours.values()):
        raise Refused(f"{said}no other diode of the instrument was read during it, or it was not measured.")
    try:
        for name in of.neighbours:  # one that has no charge itself proves nothing
            own = load_all(connection, chosen.readings[name])
            collected(own, of.integrates or "running")
        held_against_neighbours(connection, chosen, of)
    except (Invalid, DosimetryError) as why:
        raise Refused(f"{said}{why}") from why
