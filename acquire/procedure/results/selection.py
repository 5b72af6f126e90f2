"""Which stored readings and documents a result is made from: chosen once, written down, found again.

`select` looks at the store as it is now. Everything after it (acquire.procedure.results.inputs) works from the
selection alone, so that a result can be computed again from the same bytes for ever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from acquire.canonical import parse
from acquire.errors import Refused
from acquire.procedure.documents.plan import Step
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import collected_outside
from acquire.procedure.readouts.elements import Readout, readout
from acquire.procedure.readouts.placed import Placement, placements
from acquire.procedure.results.elsewhere import elsewhere
from acquire.procedure.results.neighbours import neighbours, on_channel, readings_of
from acquire.procedure.session import ambient_conditions
from acquire.procedure.session.as_planned import order_said, said_as_planned
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.beam_statements import beam_statements, every_part_said, rests
from acquire.procedure.session.bound import as_bound, bindings, channel_of, is_port
from acquire.procedure.session.console import console_time
from acquire.procedure.session.planning import newest_version
from acquire.procedure.session.run_of_point import select_run
from acquire.procedure.session.session import Session
from acquire.procedure.session.spectrum_file import spectrum_file
from acquire.procedure.session.statements import imaging_of, newest, statements
from acquire.procedure.stock.lapsed import lapsed
from acquire.store import entries
from acquire.store.attribution import MeasurementView, StoredReading, measurement
from acquire.store.entries import Damaged

Selection = dict[str, Any]


def select(connection: sqlite3.Connection, session: Session, point_id: str, *, compared: bool = True) -> Selection:
    """The selection for a point: references to readings with their digests, documents, environment, and what is wrong.

    compared: with the points of the session beside it that it could be exchanged with.
    `problems` holds one sentence for each thing because of which no number can be given.
    """
    said = bindings(connection, session.id) if is_port(session.plan.point_named(point_id)) else {}
    bound = {each.point: each.really for each in said.values()}
    as_measured, session = session, replace(session, plan=as_bound(session.plan, bound)) if bound else session
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
        "remarks": [said[point_id].says] if point_id in said else [],
        **({"bound": bound} if bound else {}),
    }
    if point_id in said and said[point_id].channel:
        chosen["channel"] = said[point_id].channel
    if (newest_plan := newest_version(connection, session.order_id)) > session.plan.version:
        chosen["remarks"].append(
            f"Plan v{newest_plan} came in while or after this was measured; it is held against v{session.plan.version},"
            " which the session began with."
        )
    if point.method == "spectrum":
        chosen["spectrum"] = spectrum_file(connection, session.id, point.id)
        if chosen["spectrum"] is None:
            chosen["problems"].append(f"No spectrum file was given for {point.id}.")
        return chosen
    if session.plan.source is not None:
        chosen["console"] = console_time(connection, session.id)
    if point.method == "midline":
        chosen["parts"] = [select(connection, session, each) for each in point.of]
    elif point.by_element:
        _select_elements(connection, session, point, chosen)
        reader = session.inventory.element_named(point.elements[0]).reader
        read = _read_at(connection, chosen)
        chosen["problems"] += lapsed(connection, session.plan, session.calibrations, reader, read)
    elif point.method == "mosfet":
        _select_thresholds(connection, session, point, chosen)
    else:
        _select_charges(connection, session, point, chosen)
        if compared:
            _select_beside(connection, as_measured, point, chosen)
        if point.pre_irradiation_gy is not None:
            stated = newest(statements(connection, session.id), "pre-irradiated", point.detector)
            chosen["pre_irradiation"] = {"gy": stated.value, "reason": stated.reason} if stated else None
        chosen["air"] = ambient_conditions.entries(connection, session.id) if point.method == "chamber" else []
    if chosen.get("channel", "") is None:
        del chosen["channel"]
    return chosen


def load(connection: sqlite3.Connection, ref: dict[str, Any]) -> dict[str, Any]:
    """The decoded body of a selected reading. Raises Refused when its bytes are not those that were selected."""
    entry = entries.entry_at(connection, ref["stream"], ref["seq"])
    if entry is None or entry.digest != ref["digest"]:
        raise Refused(f"Entry {ref['seq']} of stream {ref['stream']} is not the one the result was made from.")
    if entry.status == "damaged":
        raise Damaged(ref["stream"], ref["seq"])
    body: dict[str, Any] = parse(entry.body)
    return body


ROLES = {"irradiate": "measurement", "polarity": "polarity", "recombination": "recombination"}


def _select_charges(connection: sqlite3.Connection, session: Session, point: Point, chosen: Selection) -> None:
    """Every irradiation of the point in the plan's order, each with its own problem, and the background before it."""
    done, order = _done(connection, session), order_said(connection, session.id)
    steps = [s for s in session.plan.step if s.kind in ROLES and point.id in s.measured]
    if not any(s.kind == "irradiate" for s in steps):
        chosen["problems"].append(f"{point.id} has no irradiation planned; one is needed for its dose.")
        return
    chosen["attempts"], alone = [], len([s for s in steps if s.kind == "irradiate"]) == 1
    last: tuple[float | None, str] | None = None
    for step in steps:
        role = ROLES[step.kind]
        before = sum(a["role"] == role for a in chosen["attempts"])
        attempt: dict[str, Any] = {"step": step.id, "role": role, "name": f"{role} {before + 1}" if before else role}
        came = order.get(step.id, step.id)
        made = done.get((came, _instrument(session, step, point)), [])
        if not made:
            attempt["problem"] = f"Step {step.id} was not measured{_why(connection, session.id, step.id)}."
        else:
            attempt["problem"] = _take_all(
                connection, session, made, attempt, chosen, _shared(session, step, point, came)
            )
            if last is not None and last[0] != step.voltage_v:
                attempt["changed_after"] = last[1]
            last = (step.voltage_v, attempt["name"])
        if alone and attempt["problem"]:
            chosen["problems"].append(attempt["problem"])
        chosen["attempts"].append({k: v for k, v in attempt.items() if v is not None})
    background = _background(session, point, next(s.id for s in steps if s.kind == "irradiate"))
    before = done.get((background, point.instrument or ""), [])[-1:]
    _take_background(connection, point, before, chosen)
    beams = [each for s in steps for each in done.get((order.get(s.id, s.id), _instrument(session, s, point)), [])]
    if said := [s for s in beam_statements(connection, session.id, "order") if s.step in {each.id for each in steps}]:
        chosen["remarks"].append(
            f"The beam of {said[-1].step} came during {said[-1].subject}: {said[-1].reason.strip().rstrip('.')}"
            f" ({said[-1].who}, confirmed by {said[-1].confirmed_by})."
        )
    _note_in_force(session, [*before, *beams], chosen)
    _note_of_beams(connection, session, point, beams, chosen)
    marks = {a["name"]: chosen["marks"][a["name"]] for a in chosen["attempts"] if "problem" not in a}
    if others := neighbours(session, point):
        chosen["neighbours"] = readings_of(connection, others, marks)
    if far := elsewhere(connection, session, point, marks):
        chosen["elsewhere"] = far


def _select_beside(connection: sqlite3.Connection, session: Session, point: Point, chosen: Selection) -> None:
    """The measured points of other ports by the same method: which two of them may be exchanged is told by their size.

    Not those of which two people have said how they were: as planned, bound to other diodes, or in another order.
    """
    said, order = said_as_planned(connection, session.id), order_said(connection, session.id)
    settled = {*bindings(connection, session.id), *(p for s in order for p in session.plan.step_named(s).measured)}
    for other in session.plan.point:
        if {point.id, other.id} <= settled:
            continue
        if other.method != point.method or other.port in (None, point.port) or None in (other.expected, point.expected):
            continue
        if stated := said.get(frozenset((point.id, other.id))):
            people = f"{stated.who}, confirmed by {stated.confirmed_by}"
            chosen["remarks"].append(
                f"{point.id} and {other.id} were as planned: {stated.reason.strip().rstrip('.')} ({people})."
            )
            continue
        beside = select(connection, session, other.id, compared=False)
        if not beside["problems"] and all("problem" not in a for a in beside["attempts"]):
            chosen.setdefault("beside", []).append(beside)


def _take_background(connection: sqlite3.Connection, point: Point, made: Sequence[Attempt], chosen: Selection) -> None:
    if not made:
        chosen["problems"].append(f"{point.id} has no background measured with {point.detector} before its beam.")
    elif problem := _take(connection, made[-1], "background", chosen):
        chosen["problems"].append(problem)


def _take_all(
    connection: sqlite3.Connection,
    session: Session,
    made: Sequence[Attempt],
    attempt: dict[str, Any],
    chosen: Selection,
    shared: str | None,
) -> str | None:
    """The measurement of an attempt and those of the rest of its beam; returns what is wrong, if anything is."""
    for n, each in enumerate(made):
        name = attempt["name"] if n == 0 else f"{attempt['name']}, rest {n}"
        if n:
            attempt.setdefault("rests", []).append(name)
        problem = _take(connection, each, name, chosen, shared)
        if problem is None and _integrates(session, each) == "running":
            problem = _outside(connection, chosen["readings"][name], chosen.get("channel"))
        if problem is not None:
            return problem
    return None


def _instrument(session: Session, step: Step, point: Point) -> str:
    """The instrument on which a step measures a point."""
    return step.instrument or session.plan.point_named(point.id).instrument or ""


def _shared(session: Session, step: Step, point: Point, came: str | None = None) -> str | None:
    """The channel of a point between markers that may name another one's.

    Its step measures others on the same instrument, or its beam came during another step.
    """
    beside = session.plan.inputs(step).get(_instrument(session, step, point), ())
    is_others = len(beside) > 1 or came not in (None, step.id)
    return channel_of(session.inventory, point) if is_others else None


def _note_of_beams(
    connection: sqlite3.Connection, session: Session, point: Point, beams: Sequence[Attempt], chosen: Selection
) -> None:
    """What people have said of the parts of these beams, and that one of them is the rest of another."""
    own = {each.measurement for each in beams}
    newest_said = {
        (p.measurement, p.begin_s, p.end_s): p
        for p in every_part_said(connection, session.id)
        if p.point == point.id and p.measurement in own
    }
    if newest_said:
        chosen["parts_said"] = [
            {name: getattr(p, name) for name in ("measurement", "begin_s", "end_s", "what")}
            for p in newest_said.values()
        ]
        chosen["remarks"] += [p.says for p in newest_said.values()]
    chosen["remarks"] += [
        f"{said.step} was interrupted and its rest measured after it: {said.reason.strip().rstrip('.')} ({said.who},"
        f" confirmed by {said.confirmed_by}); its parts are summed."
        for measured, said in rests(connection, session.id).items()
        if measured in own
    ]


def _select_thresholds(connection: sqlite3.Connection, session: Session, point: Point, chosen: Selection) -> None:
    """The threshold before and after, and the irradiation between them (for its times only)."""
    done = _done(connection, session)
    steps = [s for s in session.plan.step if s.kind in ("threshold", "irradiate") and point.id in s.measured]
    for name, step in zip(("before", "measurement", "after"), steps, strict=True):
        made = done.get((step.id, _instrument(session, step, point)), [])
        problems = [p for each in made if (p := _take(connection, each, name, chosen, _shared(session, step, point)))]
        if not made:
            chosen["problems"].append(f"Step {step.id} was not measured{_why(connection, session.id, step.id)}.")
        elif problems:
            chosen["problems"] += problems
        elif len(made) > 1:  # from the begin of the beam to the end of its rest
            begin = measurement(connection, made[0].measurement)
            chosen["marks"][name][0] = _marker(connection, str(begin.stream), begin.begin_seq or 0)
            _note_of_beams(connection, session, point, made, chosen)


def _done(connection: sqlite3.Connection, session: Session) -> dict[tuple[str | None, str], list[Attempt]]:
    """The attempts that count, by step and instrument: one, or the parts of an interrupted beam in their order."""
    found: dict[tuple[str | None, str], list[Attempt]] = {}
    of_rests = rests(connection, session.id)
    for attempt in attempts(connection, session.id):
        key, is_rest = (attempt.step, attempt.instrument), attempt.measurement in of_rests
        if attempt.begun and (attempt.beam_given or (attempt.ended and attempt.abandoned is None)):
            found[key] = [*(found.get(key, []) if is_rest else []), attempt]
    return {key: made for key, made in found.items() if len(made) > 1 or (made[0].ended and made[0].abandoned is None)}


def _take(
    connection: sqlite3.Connection, attempt: Attempt, name: str, chosen: Selection, shared: str | None = None
) -> str | None:
    """Readings and markers of a measurement under a name; returns what is wrong with it, if anything is.

    `shared`: the point's channel, where the markers are of several points on one instrument.
    """
    view = measurement(connection, attempt.measurement)
    if shared not in (None, view.channel):
        view = replace(view, readings=(), channel=shared)
        chosen.setdefault("others_markers", []).append(name)
    chosen.setdefault(name, attempt.measurement)
    chosen["readings"][name] = _readings(connection, view, chosen, name)
    if view.refused:
        chosen["remarks"].append(
            f"{view.refused} reply(ies) during {attempt.step} could not be read and were kept apart."
        )
    if view.state != "ended" or view.stream is None or view.begin_seq is None or view.end_seq is None:
        return f"The {name} of {attempt.step} is {view.state}: {view.reason or 'no end yet'}."
    if not _is_bound(chosen) and view.channel != chosen.setdefault("channel", view.channel):
        return f"The {name} of {attempt.step} is of channel {view.channel}, not of channel {chosen['channel']}."
    chosen.setdefault("marks", {})[name] = [
        _marker(connection, view.stream, seq) for seq in (view.begin_seq, view.end_seq)
    ]
    return None


def _is_bound(chosen: Selection) -> bool:
    return "channel" in chosen.get("bound", {}).get(chosen["point"], {})


def _readings(
    connection: sqlite3.Connection, view: MeasurementView, chosen: Selection, name: str
) -> list[dict[str, Any]]:
    """Those of the markers' channel, or of the channel that is the point's own or that two people have bound to it."""
    others = name in chosen.get("others_markers", ())
    if not (_is_bound(chosen) or others) or view.stream is None or view.begin_seq is None or view.end_seq is None:
        return refs(view.readings)
    channel = chosen["channel"] if _is_bound(chosen) else str(view.channel)
    return on_channel(connection, channel, view.stream, view.begin_seq, view.end_seq)


def _integrates(session: Session, attempt: Attempt) -> str | None:
    """How the instrument added up at the attempt: as was written down then, or else as its inventory has it typed."""
    if attempt.in_force is not None:
        return attempt.in_force.integrates
    return session.inventory.instrument_named(attempt.instrument).integrates


def _note_in_force(session: Session, measured: Sequence[Attempt], chosen: Selection) -> None:
    """How the charges add up, where it was written down at their begin: an inventory need not say it."""
    found = dict.fromkeys(_integrates(session, each) for each in measured)
    if len(found) > 1:
        said = " and then ".join(str(each) for each in found)
        chosen["problems"].append(f"{measured[0].instrument} integrated {said}: its charges cannot be compared.")
    if any(each.in_force is not None for each in measured):
        chosen["integrates"] = next(iter(found))


LOOKED_AT = 50  # entries beyond a marker, among them those of other channels


def _outside(connection: sqlite3.Connection, inside: list[dict[str, Any]], channel: str | None) -> str | None:
    """What is wrong where the charge rose between a marker and the reading next to it outside, on the same channel."""
    if not inside:
        return None
    around = []
    for before, ref in ((True, inside[0]), (False, inside[-1])):
        most = LOOKED_AT if channel else 2
        beside = entries.beside(connection, ref["stream"], ref["seq"], before=before, most=most)
        bodies = [entries.decoded(ref["stream"], entry) for entry in beside]
        mine = [b for b in bodies if channel is None or b.get("channel") in (None, channel)][:2]
        if [b["kind"] for b in mine] == ["marker", "scalar"]:  # the marker itself, then the reading beyond it
            around.append(mine[1])
    return collected_outside([load(connection, ref) for ref in inside], around)


def _marker(connection: sqlite3.Connection, stream: str, seq: int) -> dict[str, Any]:
    entry = entries.entry_at(connection, stream, seq)
    if entry is None or entry.status == "damaged":
        raise Damaged(stream, seq)
    return {"stream": stream, "seq": seq, "digest": entry.digest}


def _background(session: Session, point: Point, irradiate: str) -> str | None:
    """The last background step before the beam with the same detector on the same instrument and channel."""
    found = None
    for step in session.plan.step:
        if step.id == irradiate:
            return found
        if step.kind == "background" and step.instrument == point.instrument and step.point is not None:
            other = session.plan.point_named(step.point)
            if channel_of(session.inventory, other) == channel_of(session.inventory, point):
                found = step.id if other.detector == point.detector else None
    return found


def _why(connection: sqlite3.Connection, session_id: str, step: str) -> str:
    row = connection.execute(
        "SELECT reason FROM not_measured WHERE session = ? AND step = ?", (session_id, step)
    ).fetchone()
    return f": {row['reason'].rstrip('.')}" if row else ""


def _select_elements(connection: sqlite3.Connection, session: Session, point: Point, chosen: Selection) -> None:
    reader = session.inventory.element_named(point.elements[0]).reader
    batch = session.plan.batch_of(reader)
    placed = _counting(connection, session, point, chosen)
    chosen["placements"] = [p.id for p in placed]
    chosen["elements"] = [p.dosimeter for p in placed]
    chosen["standards"], chosen["controls"] = [], []
    if batch is not None and batch.channel is not None:
        chosen["channel"] = batch.channel
    said = statements(connection, session.id)
    chosen["imaging"] = imaging_of(said, point.id)
    if point.fading is not None and (stated := newest(said, "read-at", reader)):
        chosen["read_at"] = stated.moment
        chosen["remarks"].append(
            f"{stated.who}, confirmed by {stated.confirmed_by}, state that {reader} read the elements at"
            f" {stated.moment}: {stated.reason.rstrip('.')}."
        )
    if not placed:
        chosen["problems"].append(f"No element that counts was placed at {point.id}.")
        return
    read: dict[str, Sequence[StoredReading]] = {}
    for placement in placed:
        element = session.inventory.element_named(placement.dosimeter)
        found = readout(connection, element, placement, batch)
        if found.several is not None:
            chosen["problems"].append(found.several)
            continue
        wanted = batch.readings if batch else 1
        _note(found, placement, wanted, chosen)
        if found.used is not None:
            counting = (found.used, *found.later)[:wanted]
            chosen["readings"][placement.dosimeter] = refs(counting)
            chosen.setdefault("removed", {})[placement.dosimeter] = placement.removed_at
            read[placement.dosimeter] = counting
    if read:
        select_run(connection, session, point, read, chosen)


def _counting(connection: sqlite3.Connection, session: Session, point: Point, chosen: Selection) -> list[Placement]:
    """The placements at a point without those that were left out; what people stated of them is kept beside."""
    placed = [p for p in placements(connection, session.id) if p.point == point.id]
    said = [s for s in statements(connection, session.id) if s.point == point.id]
    for each in said:
        reason = each.reason.rstrip(".")
        if each.what == "imaging":
            chosen["problems"].append(
                f"Imaging was given while the elements of {point.id} lay there ({reason}): they hold no dose of the"
                " therapy alone; it is measured again at the next planned fraction."
            )
        elif each.what == "excluded":
            people = f"{each.who}, confirmed by {each.confirmed_by}"
            chosen["remarks"].append(f"{each.dosimeter} was left out: {reason} ({people}).")
    left_out = {each.dosimeter for each in said if each.what == "excluded"}
    return [p for p in placed if p.dosimeter not in left_out]


def _note(found: Readout, placement: Placement, wanted: int, chosen: Selection) -> None:
    times = (found.used is not None) + len(found.later)
    if found.used is None:
        state = "has not been read" if placement.removed_at else "has not come back"
        chosen["problems"].append(f"{placement.dosimeter} of {placement.point} {state}.")
    elif times < wanted:
        chosen["problems"].append(f"{placement.dosimeter} was read {times} times; the plan asks for {wanted} readings.")
    elif times > wanted:
        which = "the first readout counts" if wanted == 1 else f"the first {wanted} readouts count"
        emptied = "an emptied element" if wanted == 1 else "an element that was read before"
        chosen["remarks"].append(f"{placement.dosimeter} was read {times} times; {which}, the others are of {emptied}.")
    if found.used is not None and found.by_clock:
        chosen["remarks"].append(
            f"Whether {placement.dosimeter} was read after its removal is by the store's clock alone: an earlier"
            " version kept nothing else."
        )
    if found.held:
        chosen["remarks"].append(
            f"{len(found.held)} reading(s) of {placement.dosimeter} are held: their host says they are older than its"
            " placement."
        )


def _read_at(connection: sqlite3.Connection, chosen: Selection) -> dict[str, str]:
    """When each element of a point was read for the last time, by its host's clock."""
    read = {name: chosen["readings"][name] for name in chosen["elements"] if name in chosen["readings"]}
    return {name: load(connection, each[-1])["time"] for name, each in read.items()}


def refs(readings: Iterable[StoredReading]) -> list[dict[str, Any]]:
    """References to entries: stream, seq, and the digest of the bytes."""
    return [{"stream": r.stream, "seq": r.seq, "digest": r.digest} for r in readings]


def _plan_sha256(connection: sqlite3.Connection, session: Session) -> str:
    row = connection.execute(
        "SELECT sha256 FROM plan WHERE order_id = ? AND version = ?", (session.order_id, session.plan.version)
    ).fetchone()
    return str(row["sha256"])
