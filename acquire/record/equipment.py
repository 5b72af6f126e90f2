"""The equipment of a record: instruments by the serial number that answered, detectors by the inventory's.

A detector has no wire: its number is what people read on it. A reader's own records may name the unit that read; what
they say stands beside the inventory's word.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from acquire.procedure.results.result import Result
from acquire.procedure.session.framing import NOT_TOLD
from acquire.procedure.session.serials import serial_of
from acquire.procedure.session.session import Session
from acquire.record.elements import before_session
from acquire.store.entries import body_at


def equipment(connection: sqlite3.Connection, session: Session, found: Sequence[Result]) -> dict[str, Any]:
    """Instruments, detectors and elements the plan uses, and the certificates that hold on the day."""
    plan = session.plan
    detectors = list(dict.fromkeys(p.detector for p in plan.point if p.detector))
    batched = [e for b in plan.batch for e in b.travelling]
    elements = list(dict.fromkeys([*(e for p in plan.point for e in p.elements), *batched]))
    used = {*detectors, *session.instruments}
    certificates = [
        c.model_dump(mode="json")
        for c in session.calibrations.calibration
        if c.of in used and c.valid_from <= session.day <= c.valid_until
    ]
    return {
        "instruments": [_instrument(connection, session, name, found) for name in session.instruments],
        "detectors": [session.inventory.detector_named(d).model_dump(mode="json") for d in detectors],
        "elements": [
            session.inventory.element_named(e).model_dump(mode="json")
            | {"before": before_session(connection, e, session.started_at)}
            for e in elements
        ],
        "calibrations": certificates,
        "element_corrections": [
            {k: v for k, v in e.model_dump(mode="json").items() if k != "ecc"}
            for e in session.calibrations.elements
            if e.reader in used
        ],
    }


def _instrument(connection: sqlite3.Connection, session: Session, name: str, found: Sequence[Result]) -> dict[str, Any]:
    """`serial`: what instrument or records told, or that they did not; `inventory_serial`: what people wrote."""
    owned = session.inventory.instrument_named(name)
    told, records = serial_of(connection, session, name), _records_say(connection, session, name, found)
    says = told.says if told.asked or not _is_read(session, name) else ", ".join(records) or NOT_TOLD
    return owned.model_dump(mode="json") | {
        "serial": says,
        "serial_told": bool(told.told or records),
        "inventory_serial": owned.serial,
    }


def _is_read(session: Session, name: str) -> bool:
    return any(s.kind == "read-out" and s.instrument == name for s in session.plan.step)


def _records_say(
    connection: sqlite3.Connection, session: Session, name: str, found: Sequence[Result]
) -> tuple[str, ...]:
    """Which unit the records say that read the elements of results, in order; none where they do not tell."""
    said: dict[str, None] = {}
    for result in found:
        point = session.plan.point_named(result.point)
        if not point.elements or session.inventory.element_named(point.elements[0]).reader != name:
            continue
        for refs in result.selection.readings.values():
            for ref in refs:
                if reader := body_at(connection, ref.stream, ref.seq).get("reader"):
                    said[str(reader)] = None
    return (*said,)
