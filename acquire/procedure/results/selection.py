"""Which stored readings and documents a result is made from: chosen once, written down, found again.

`select` looks at the store as it is now. Everything after it (acquire.procedure.results.inputs) works from the
selection alone, so that a result can be computed again from the same bytes for ever. Which readings those are depends
on the way in which the point's method is measured; each way has a module of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace

from msgspec import UNSET, UnsetType

from acquire.procedure.documents.point import Point
from acquire.procedure.records.selection import (
    ConsoleTime,
    DocumentsUsed,
    Of,
    OfCharges,
    OfThresholds,
    Selection,
)
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.results.loading import load
from acquire.procedure.results.rest_taken import began_in, goes_on_elsewhere
from acquire.procedure.results.select_charges import select_charges
from acquire.procedure.results.select_elements import select_elements
from acquire.procedure.results.select_spectrum import select_spectrum
from acquire.procedure.results.select_thresholds import select_thresholds
from acquire.procedure.results.select_transcribed import select_transcribed
from acquire.procedure.session.as_planned import order_said, said_as_planned
from acquire.procedure.session.bound import Binding, as_bound, bindings, is_port
from acquire.procedure.session.console import console_time
from acquire.procedure.session.planning import newest_version
from acquire.procedure.session.session import Session
from acquire.procedure.stock.lapsed import lapsed_detector


def select(connection: sqlite3.Connection, session: Session, point_id: str, *, compared: bool = True) -> Selection:
    """The selection for a point: references to readings with their digests, documents, environment, and what is wrong.

    compared: with the points of the session beside it that it could be exchanged with.
    `problems` holds one sentence for each thing because of which no number can be given.
    """
    said = bindings(connection, session.id) if is_port(session.plan.point_named(point_id)) else {}
    bound = {each.point: each.really for each in said.values()}
    as_measured, session = session, replace(session, plan=as_bound(session.plan, bound)) if bound else session
    point = session.plan.point_named(point_id)
    remarks = _remarks(connection, session, point, said)
    choosing = Choosing(connection, session, point, as_measured.plan, bound, remarks=remarks)
    if point_id in bound:
        choosing.channel = bound[point_id].channel
    of, parts = _of_its_way(choosing), None
    choosing.problems += _lapsed(choosing)
    beside = _beside(choosing, as_measured) if compared and isinstance(of, OfCharges) else ()
    began = _began(choosing) if isinstance(of, OfCharges | OfThresholds) else None
    if compared:
        choosing.problems += goes_on_elsewhere(choosing)
    if point.asks.way == "mean":
        parts = tuple(select(connection, session, each) for each in point.of)
    return Selection(
        session=session.id,
        point=point_id,
        day=session.day.isoformat(),
        documents=_documents(connection, session),
        readings=choosing.readings,
        problems=tuple(choosing.problems),
        remarks=tuple(choosing.remarks),
        bound=bound or None,
        channel=choosing.channel,
        console=_console(connection, session, point),
        marks=choosing.marks or None,
        measurements=choosing.measurements,
        of=of,
        parts=parts,
        beside=beside or None,
        began=began,
    )


def _began(choosing: Choosing) -> Selection | None:
    """The selection of the same point in the session in which its beam began, where only its rest was measured here."""
    found = began_in(choosing)
    return None if found is None else select(choosing.connection, found.session, found.point, compared=False)


def _lapsed(choosing: Choosing) -> list[str]:
    """Why the calibration of a point's detector did not count any more when its measurement ended."""
    ends = [load(choosing.connection, each[-1])["time"] for each in choosing.marks.values()]
    if choosing.point.detector is None or not ends:
        return []
    session = choosing.session
    found = lapsed_detector(
        choosing.connection, session.inventory, session.calibrations, choosing.point, session.day, max(ends)
    )
    return [str(each) for each in found]


def _of_its_way(choosing: Choosing) -> Of | None:
    """By the way in which the point's method is measured; the mean of others has no readings of its own."""
    match choosing.point.asks.way:
        case "charge":
            return select_transcribed(choosing) or select_charges(choosing)
        case "threshold":
            return select_thresholds(choosing)
        case "elements":
            return select_elements(choosing)
        case "file":
            return select_spectrum(choosing)
        case "mean":
            return None


def _beside(choosing: Choosing, session: Session) -> tuple[Selection, ...]:
    """The measured points of other ports by the same method: which two of them may be exchanged is told by their size.

    Not those of which two people have said how they were: as planned, bound to other diodes, or in another order.
    """
    connection, point, found = choosing.connection, choosing.point, []
    said, order = said_as_planned(connection, session.id), order_said(connection, session.id)
    settled = {*bindings(connection, session.id), *(p for s in order for p in session.plan.step_named(s).measured)}
    for other in session.plan.point:
        if {point.id, other.id} <= settled or other.method != point.method or other.port in (None, point.port):
            continue
        if other.expected is None or point.expected is None or point.port is None:
            continue
        if stated := said.get(frozenset((point.id, other.id))):
            people = f"{stated.who}, confirmed by {stated.confirmed_by}"
            choosing.remarks.append(
                f"{point.id} and {other.id} were as planned: {stated.reason.strip().rstrip('.')} ({people})."
            )
            continue
        beside = select(connection, session, other.id, compared=False)
        of = beside.of
        if not beside.problems and isinstance(of, OfCharges) and not any(a.problem for a in of.attempts):
            found.append(beside)
    return tuple(found)


def _remarks(connection: sqlite3.Connection, session: Session, point: Point, said: Mapping[str, Binding]) -> list[str]:
    remarks = [said[point.id].says] if point.id in said else []
    if (newest_plan := newest_version(connection, session.order_id)) > session.plan.version:
        remarks.append(
            f"Plan v{newest_plan} came in while or after this was measured; it is held against v{session.plan.version},"
            " which the session began with."
        )
    return remarks


def _console(connection: sqlite3.Connection, session: Session, point: Point) -> ConsoleTime | UnsetType | None:
    """What the console of an afterloader showed, where the plan has one and the point a dose."""
    if session.plan.source is None or point.asks.way == "file":
        return UNSET
    return console_time(connection, session.id)


def _documents(connection: sqlite3.Connection, session: Session) -> DocumentsUsed:
    row = connection.execute(
        "SELECT sha256 FROM plan WHERE order_id = ? AND version = ?", (session.order_id, session.plan.version)
    ).fetchone()
    return DocumentsUsed(
        plan=str(row["sha256"]), calibrations=session.calibrations_sha256, inventory=session.inventory_sha256
    )
