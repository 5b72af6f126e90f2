"""Which stored readings and documents a result is made from: chosen once, written down, found again.

`select` looks at the store as it is now. Everything after it (acquire.procedure.inputs) works from the selection alone,
so that a result can be computed again from the same bytes for ever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from acquire.canonical import digest, parse
from acquire.errors import Refused
from acquire.procedure.elements import Readout, of_element, reader_session, readout
from acquire.procedure.placement import Placement, placements
from acquire.procedure.plan import Point
from acquire.procedure.session import Session
from acquire.procedure.steps import Attempt, attempts
from acquire.store.attribution import StoredReading, measurement

Selection = dict[str, Any]
Run = tuple[str, str, str]


def select(connection: sqlite3.Connection, session: Session, point_id: str) -> Selection:
    """The selection for a point: references to readings with their digests, documents, environment, and what is wrong.

    `problems` holds one sentence for each thing because of which no number can be given.
    """
    point = session.plan.point_named(point_id)
    chosen: Selection = {
        "session": session.id,
        "point": point_id,
        "day": session.day.isoformat(),
        "documents": {
            "plan": _plan_sha256(connection, session),
            "calibrations": session.calibrations_sha256,
            "inventory": session.inventory_sha256,
        },
        "readings": {},
        "problems": [],
        "remarks": [],
    }
    if point.method == "tld":
        _select_elements(connection, session, point, chosen)
    else:
        _select_charge(connection, session, point, chosen)
        chosen["environment"] = _environment(connection, session.id)
    return chosen


def load(connection: sqlite3.Connection, ref: dict[str, Any]) -> dict[str, Any]:
    """The decoded body of a selected reading. Raises Refused when its bytes are not those that were selected."""
    row = connection.execute(
        "SELECT body FROM entry WHERE stream = ? AND seq = ?", (ref["stream"], ref["seq"])
    ).fetchone()
    if row is None or digest(row["body"]).hex() != ref["digest"]:
        raise Refused(f"Entry {ref['seq']} of stream {ref['stream']} is not the one the result was made from.")
    body: dict[str, Any] = parse(row["body"])
    return body


def _select_charge(connection: sqlite3.Connection, session: Session, point: Point, chosen: Selection) -> None:
    done = {a.step: a for a in attempts(connection, session.id) if a.ended and a.abandoned is None}
    steps = [s for s in session.plan.step if s.kind == "irradiate" and s.point == point.id]
    for step in steps:
        if step.id not in done:
            chosen["problems"].append(f"Step {step.id} was not measured{_why(connection, session.id, step.id)}.")
    if len(steps) != 1:
        chosen["problems"].append(f"{point.id} has {len(steps)} irradiations planned; one is needed for its dose.")
        return
    background = _background(session, point, steps[0].id)
    for name, step_id in (("measurement", steps[0].id), ("background", background)):
        if step_id is None or (name == "background" and step_id not in done):
            chosen["problems"].append(f"{point.id} has no background measured with {point.detector} before its beam.")
        elif step_id in done:
            _take(connection, done[step_id], name, chosen)


def _take(connection: sqlite3.Connection, attempt: Attempt, name: str, chosen: Selection) -> None:
    view = measurement(connection, attempt.measurement)
    chosen[name] = attempt.measurement
    chosen["readings"][name] = refs(view.readings)
    if view.state != "ended":
        chosen["problems"].append(f"The {name} of {attempt.step} is {view.state}: {view.reason or 'no end yet'}.")
    if view.refused:
        chosen["remarks"].append(
            f"{view.refused} reply(ies) during {attempt.step} could not be read and were kept apart."
        )


def _background(session: Session, point: Point, irradiate: str) -> str | None:
    """The last background step before the beam with the same detector on the same instrument."""
    found = None
    for step in session.plan.step:
        if step.id == irradiate:
            return found
        if step.kind == "background" and step.instrument == point.instrument and step.point is not None:
            same = session.plan.point_named(step.point).detector == point.detector
            found = step.id if same else None
    return found


def _why(connection: sqlite3.Connection, session_id: str, step: str) -> str:
    row = connection.execute(
        "SELECT reason FROM not_measured WHERE session = ? AND step = ?", (session_id, step)
    ).fetchone()
    return f": {row['reason'].rstrip('.')}" if row else ""


def _environment(connection: sqlite3.Connection, session_id: str) -> dict[str, Any] | None:
    row = connection.execute(
        "SELECT n, temperature_c, pressure_kpa, source FROM environment WHERE session = ? ORDER BY n DESC LIMIT 1",
        (session_id,),
    ).fetchone()
    return {key: row[key] for key in row.keys()} if row else None  # noqa: SIM118 (sqlite3.Row)


def _select_elements(connection: sqlite3.Connection, session: Session, point: Point, chosen: Selection) -> None:
    placed = [p for p in placements(connection, session.id) if p.point == point.id]
    chosen["placements"] = [p.id for p in placed]
    chosen["elements"] = [p.dosimeter for p in placed]
    chosen["standards"], chosen["controls"] = [], []
    if not placed:
        chosen["problems"].append(f"Nothing was placed at {point.id}.")
        return
    runs = []
    for placement in placed:
        found = readout(connection, session.inventory.element_named(placement.dosimeter), placement)
        _note(found, placement, chosen)
        if found.used is not None:
            chosen["readings"][placement.dosimeter] = refs([found.used])
            runs.append(reader_session(found.used))
    if len(set(runs)) > 1:
        chosen["problems"].append(f"The elements of {point.id} were read in different reader sessions.")
    elif runs:
        _select_batch(connection, session, runs[0], chosen)


def _select_batch(connection: sqlite3.Connection, session: Session, run: Run, chosen: Selection) -> None:
    """Standards and controls, from the same reader session as the point's elements and no other."""
    batch = session.plan.batch_of(run[0])
    for name, wanted in (("standards", batch.standards), ("controls", batch.controls)) if batch else ():
        for element in wanted:
            readings = of_element(connection, session.inventory.element_named(element))
            same = [r for r in readings if reader_session(r) == run]
            if same:
                chosen[name].append(element)
                chosen["readings"][element] = refs(same[:1])
        absent = [e for e in wanted if e not in chosen[name]]
        if absent:
            chosen["problems"].append(f"No result, {name} missing in this reader session: {', '.join(absent)}.")


def _note(found: Readout, placement: Placement, chosen: Selection) -> None:
    if found.used is None:
        state = "has not been read" if placement.removed_at else "has not come back"
        chosen["problems"].append(f"{placement.dosimeter} of {placement.point} {state}.")
    if found.later:
        chosen["remarks"].append(
            f"{placement.dosimeter} was read {len(found.later) + 1} times; the first readout counts, the others are of"
            " an emptied element."
        )
    if found.held:
        chosen["remarks"].append(
            f"{len(found.held)} reading(s) of {placement.dosimeter} are held: their host says they are older than its"
            " placement."
        )


def refs(readings: Iterable[StoredReading]) -> list[dict[str, Any]]:
    """References to entries: stream, seq, and the digest of the bytes."""
    return [{"stream": r.stream, "seq": r.seq, "digest": r.digest} for r in readings]


def _plan_sha256(connection: sqlite3.Connection, session: Session) -> str:
    row = connection.execute(
        "SELECT sha256 FROM plan WHERE order_id = ? AND version = ?", (session.order_id, session.plan.version)
    ).fetchone()
    return str(row["sha256"])
