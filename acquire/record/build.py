"""The complete record of a session as one JSON document, made from the store alone.

The same store gives the same bytes: nothing in it depends on when it is printed. The patient is not in it; the store
knows him by an id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from acquire.billing import Judged, judge, proposal
from acquire.canonical import canonical, digest, parse
from acquire.fits.shown import fits_of_point, last_written
from acquire.people import every_account
from acquire.printable import printable_json
from acquire.procedure.documents.cancelled import cancelled
from acquire.procedure.documents.order import Order, OrderVersion, get_order, version_at_start, versions_of
from acquire.procedure.documents.point import Point
from acquire.procedure.methods import releases
from acquire.procedure.methods.output import not_stated
from acquire.procedure.readouts.placed import placements
from acquire.procedure.readouts.read_anew import read_anew_in
from acquire.procedure.readouts.read_names import read_as_in
from acquire.procedure.readouts.stated_presence import presence_stated
from acquire.procedure.results.beam_assignment import beams_shown
from acquire.procedure.results.changes import changes
from acquire.procedure.results.result import Result, results, versions
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beam_statements import beam_statements, every_part_said
from acquire.procedure.session.beams_outside import beams_outside
from acquire.procedure.session.bound import every_binding
from acquire.procedure.session.clock_offsets import clocks_compared
from acquire.procedure.session.closing import asks_for_amendment, closed
from acquire.procedure.session.input_changes import input_changes
from acquire.procedure.session.known_people import not_known
from acquire.procedure.session.notices import notices
from acquire.procedure.session.notices import plain as notice_plain
from acquire.procedure.session.progress import progress
from acquire.procedure.session.reader_run_statements import every_run_stated
from acquire.procedure.session.session import Session, get_session, refused_time_outs
from acquire.procedure.session.take_over import taken_over
from acquire.procedure.session.transcribed import totals, transcriptions
from acquire.procedure.session.unattached import unattached
from acquire.procedure.signing.rows import disclosures_of, rendition_of
from acquire.procedure.signing.shown import about, measurement_of, shown_sha256
from acquire.procedure.signing.standing import Coming, Standing, standing
from acquire.record.billing_facts import claim_of
from acquire.record.equipment import equipment
from acquire.record.evidence import of_result
from acquire.record.was import changed_figures
from acquire.store import anchors
from acquire.store.attribution import measurement
from acquire.store.database import one_moment

NOT_A_DEVICE = "Not a cleared medical device. To be verified by a qualified medical physicist before any clinical use."
UNSEALED = ("sha256", "signatures")


def build(connection: sqlite3.Connection, session_id: str, coming: Coming | None = None) -> dict[str, Any]:
    """The record. `sha256` is that of its canonical JSON without signatures, `to_sign` that of what a signature binds.
    With a signature that is coming it is the record as it will be with that; the heads of the chains are of now.

    Of a version that is signed, what was measured comes from the bytes kept with its signature. Raises Refused for an
    unknown session.
    """
    with one_moment(connection):
        return _build(connection, get_session(connection, session_id), coming)


def _build(connection: sqlite3.Connection, session: Session, coming: Coming | None) -> dict[str, Any]:
    now = standing(connection, session, coming)
    claim = claim_of(connection, session.id, coming=coming)
    judged = judge(claim)
    measured = _as_signed(connection, session, now) or _measured(connection, session)
    record: dict[str, Any] = {
        **measured,
        **about(now, disclosures_of(connection, session.id)),
        "was": _was(connection, session, now, measured),
        "notices": [notice_plain(each) for each in notices(connection, session.id)],
        "rules_77331": [rule_of(each) for each in judged],
        "missing_for_77331": [each.finding.says for each in judged if each.finding.status == "missing"],
        "charge": proposal(claim, judged),
        "integrity": _integrity(connection),
    }
    record["to_sign"] = shown_sha256(record)
    record["sha256"] = seal(record)
    return record


def _as_signed(connection: sqlite3.Connection, session: Session, now: Standing) -> dict[str, Any] | None:
    kept = rendition_of(connection, session.id, now.version) if now.holds else None
    return None if kept is None else measurement_of(parse(kept[0]))


def _was(
    connection: sqlite3.Connection, session: Session, now: Standing, measured: dict[str, Any]
) -> dict[str, Any] | None:
    """What the signed version before said of the figures that this one says otherwise; None for the first version."""
    before = now.version + bool(now.changes) - 1
    kept = rendition_of(connection, session.id, before) if before else None
    if kept is None:
        return None
    return {"version": before, "points": changed_figures(parse(kept[0])["points"], measured["points"])}


def _measured(connection: sqlite3.Connection, session: Session) -> dict[str, Any]:
    """What the store says of the measurement."""
    order = get_order(connection, session.order_id, version_at_start(connection, session.id))
    found, written = results(connection, session.id), last_written(connection, session)
    record = {
        "schema": "record/1",
        "id": session.id,
        "simulated": session.simulated,
        "people_not_known": not_known(connection, session),
        "notice": NOT_A_DEVICE,
        "order": _order(order, cancelled(connection, order.id)),
        "order_versions": [_order_version(connection, session.order_id, v) for v in versions_of(connection, order.id)],
        "plan": _plan(session),
        "session": _session(connection, session),
        "equipment": equipment(connection, session, found),
        "points": [_point(connection, session, p, found, written) for p in session.plan.point],
        "events": _events(connection, session),
        "placements": _placements(connection, session),
        "bindings": _bindings(connection, session),
        "beams": beams_shown(connection, session),
        "beam_statements": [_plain(each) for each in beam_statements(connection, session.id)],
        "beam_parts_said": [_plain(each) for each in every_part_said(connection, session.id)],
        "beams_outside": [_plain(each) for each in beams_outside(connection, session)],
        "presence_stated": [_plain(each) for each in presence_stated(connection, session.id)],
        "read_anew": [_plain(each) for each in read_anew_in(connection, session.id)],
        "read_as": [_plain(each) for each in read_as_in(connection, session.id)],
        "reader_runs_stated": [_plain(each) for each in every_run_stated(connection, session.id)],
        "attached_to_nothing": [_plain(s) for s in unattached(connection, session)],
        "asks_for_amendment": asks_for_amendment(connection, session),
        "transcribed": [_plain(each) for each in transcriptions(connection, session.id)],
        "totals_read_back": [_plain(each) for each in totals(connection, session.id)],
        "not_stated": not_stated({r.point: r.output for r in found}),
        "documents": _documents(connection, session),
    }
    return {**record, "people": _people(connection, record)}


def _people(connection: sqlite3.Connection, record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Printed name and roles of every account that the record names, by the name it has there."""
    named = set(_texts(record))
    return {
        name: {"name": each.name, "roles": [*each.roles]}
        for each in every_account(connection)
        for name in (each.id, *each.known_as)
        if name in named
    }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)


def as_json(record: dict[str, Any]) -> bytes:
    """The record as a file: canonical JSON, hidden characters as escapes."""
    return printable_json(canonical(record).decode()).encode()


def seal(record: dict[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of the record without its own digest and the signatures over it."""
    return digest(canonical({k: v for k, v in record.items() if k not in UNSEALED})).hex()


def rule_of(judged: Judged) -> dict[str, Any]:
    """One rule of 77331 as the record and the command print it."""
    rule, found = judged.rule, judged.finding
    return {
        "id": rule.id, "rule": rule.title, "status": found.status, "met": found.status != "missing", "says": found.says,
        "where": found.where, "source": rule.source,
    }  # fmt: skip


def _plain(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in type(item).__slots__}


def _order(order: Order, gone: str | None) -> dict[str, Any]:
    """The order without the patient."""
    return {
        "cancelled": None if gone is None else str(gone),
        "id": order.id,
        "requester": order.requester,
        "requester_role": order.requester_role,
        "authored_on": order.authored_on.isoformat(),
        "asks": order.text,
        "necessity": order.necessity,
        "decides": order.effect,
        "diagnosis_codes": list(order.reasons),
        "history": list(order.history),
        "version": order.version,
        "entered_from": order.source,
        "telephone": None if order.telephone is None else _plain(order.telephone),
        "covering_for": order.covering_for,
        "entered_late": order.entered_late,
        "patient": "kept apart from the measurements, not in this record",
    }


def _order_version(connection: sqlite3.Connection, order_id: str, version: OrderVersion) -> dict[str, Any]:
    """Who ordered what when, of each version; the order above is the one the session was started on."""
    said = get_order(connection, order_id, version.version)
    return {
        "version": version.version, "requester": said.requester, "authored_on": said.authored_on.isoformat(),
        "came_at": version.at, "from": version.who, "reason": version.reason, "draft": said.draft,
    }  # fmt: skip


def _plan(session: Session) -> dict[str, Any]:
    plan = session.plan.model_dump(mode="json", by_alias=True, exclude={"point", "step", "batch"})
    return {**plan, "batches": [b.model_dump(mode="json") for b in session.plan.batch]}


def _session(connection: sqlite3.Connection, session: Session) -> dict[str, Any]:
    at_closing = closed(connection, session.id)
    rows = connection.execute(
        "SELECT state, at, who, reason FROM session_state WHERE session = ? ORDER BY n", (session.id,)
    )
    return {
        "state": session.state.value,
        "fraction": session.fraction,
        "machine": session.plan.machine,
        "started_at": session.started_at,
        "started_by": session.started_by,
        "closed_at": at_closing[0].at if at_closing else None,
        "closed_over": at_closing[1] if at_closing else None,
        "states": [dict(row) for row in rows],
        "time_outs": _rows(connection, "time_out", session.id),
        "time_outs_refused": refused_time_outs(connection, session.id),
        "clocks": [{**_plain(each), "behind_s": each.behind_s} for each in clocks_compared(connection, session.id)],
        "input_changes": [_plain(each) for each in input_changes(connection, session.id)],
        "taken_over": [_plain(each) for each in taken_over(connection, session.id)],
        "environment": _rows(connection, "environment", session.id, but=("session", "made_after")),
    }


def _rows(
    connection: sqlite3.Connection, table: str, session_id: str, but: Sequence[str] = ("n", "session", "made_after")
) -> list[dict[str, Any]]:
    rows = connection.execute(f"SELECT * FROM {table} WHERE session = ? ORDER BY n", (session_id,)).fetchall()
    return [{k: parse(v) if isinstance(v, bytes) else v for k, v in dict(row).items() if k not in but} for row in rows]


def _point(
    connection: sqlite3.Connection, session: Session, point: Point, found: list[Result], written: int
) -> dict[str, Any]:
    """written: the audit entry before which the fits were kept that are shown (`last_written`)."""
    plain = point.model_dump(mode="json")
    steps = [s.model_dump(mode="json") for s in session.plan.step if s.kind == "irradiate" and point.id in s.measured]
    result = next((r for r in found if r.point == point.id), None)
    if result is None:
        return {**plain, "beams": steps, "result": None, "versions": [], "inputs": None, "evidence": None, "fits": []}
    plain["detector"] = result.output.detector or point.detector
    plain["channel"] = result.output.channel or point.channel
    return {
        **plain,
        "beams": steps,
        "result": {
            "version": result.version,
            "at": result.at,
            "calculated_with": result.formula,
            "inputs_sha256": result.inputs_sha256,
            "output_sha256": result.output_sha256,
            **result.output.plain(),
        },
        "versions": _versions(versions(connection, session.id, point.id)),
        "inputs": result.inputs,
        "evidence": of_result(connection, result),
        "fits": fits_of_point(connection, session, result, written),
    }


def _versions(found: Sequence[Result]) -> list[dict[str, Any]]:
    """Side by side, oldest first: what each gave by which formulas, and what changed against the one before."""
    befores: list[Result | None] = [None, *found[:-1]]
    return [_version(before, result) for before, result in zip(befores, found, strict=True)]


def _version(before: Result | None, result: Result) -> dict[str, Any]:
    output = result.output
    return {
        "version": result.version,
        "at": result.at,
        "calculated_with": result.formula,
        "decision": output.decision,
        "dose_gy": output.dose_gy,
        "expanded_gy": output.dose.expanded_gy if output.dose else None,
        "deviation_percent": output.deviation_percent,
        "output_sha256": result.output_sha256,
        "changed": [] if before is None else [_plain(each) for each in changes(before, result)],
    }


def _events(connection: sqlite3.Connection, session: Session) -> list[dict[str, Any]]:
    """Every step with its attempts, what the streams say of them, and why something was not done."""
    events = []
    for status in progress(connection, session):
        own = []
        for attempt in attempts(connection, session.id, status.step.id):
            view = measurement(connection, attempt.measurement)
            own.append(
                {
                    "measurement": attempt.measurement,
                    "requested_at": attempt.requested_at,
                    "stream": view.stream,
                    "begin_seq": view.begin_seq,
                    "end_seq": view.end_seq,
                    "state": view.state,
                    "readings": len(view.readings),
                    "refused": view.refused,
                    "why": view.reason,
                    "channel": view.channel,
                    "in_force": attempt.in_force.plain() if attempt.in_force else None,
                    "abandoned": attempt.abandoned,
                }
            )
        step = status.step
        events.append(
            {
                "step": step.id,
                "kind": step.kind,
                "title": step.title,
                "instrument": step.instrument,
                "progress": status.progress,
                "reason": status.reason,
                "missing": list(status.missing),
                "attempts": own,
            }
        )
    return events


def _placements(connection: sqlite3.Connection, session: Session) -> list[dict[str, Any]]:
    return [{k: v for k, v in _plain(p).items() if k != "session"} for p in placements(connection, session.id)]


def _bindings(connection: sqlite3.Connection, session: Session) -> list[dict[str, Any]]:
    """Diodes that lay elsewhere than planned: both bindings, who said so, who confirmed it, when and why."""
    return [{k: v for k, v in _plain(each).items() if v is not None} for each in every_binding(connection, session.id)]


def _documents(connection: sqlite3.Connection, session: Session) -> list[dict[str, Any]]:
    """Order, plan, calibrations and inventory by the SHA-256 of their bytes."""
    rows = connection.execute("SELECT kind, name, sha256 FROM document ORDER BY kind, name, sha256")
    wanted = {session.calibrations_sha256, session.inventory_sha256}
    row = connection.execute(
        "SELECT sha256 FROM plan WHERE order_id = ? AND version = ?", (session.order_id, session.plan.version)
    ).fetchone()
    wanted |= {row["sha256"], *(each.sha256 for each in versions_of(connection, session.order_id))}
    return [dict(row) for row in rows if row["sha256"] in wanted]


def _integrity(connection: sqlite3.Connection) -> dict[str, Any]:
    anchor = anchors.anchor(connection)
    return {
        "software": f"dosimetry-acquire {metadata.version('dosimetry-acquire')}",
        "formulas": releases.newest(),
        "canonical_form": "JSON, keys sorted, no blanks, shortest round-trip numbers; without sha256 and signatures",
        "store": anchor.store,
        "audit_entries": anchor.audit[0],
        "audit_head": anchor.audit[1],
        "seals": anchor.seal[0],
        "seal_head": anchor.seal[1],
        "verify_with": "acquire store verify",
    }
