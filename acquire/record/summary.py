"""What programs want of a session: results in a line each, what was attached per instrument, the record as files."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from acquire.printable import printable_json
from acquire.procedure.readouts.elements import of_element, readout
from acquire.procedure.readouts.placed import placements
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.session import Session, get_session
from acquire.record.page import html
from acquire.store.attribution import measurement


def results_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """One dictionary a point: point, detector, dose_gy, u_gy (k = 1), expected_gy, decision, and why where invalid."""
    lines = []
    for point in record["points"]:
        result = point["result"] or {}
        lines.append(
            {
                "point": point["id"],
                "detector": point["detector"] or ", ".join(point["elements"]),
                "channel": point["channel"],
                "dose_gy": result.get("dose_gy"),
                "u_gy": result.get("u_gy"),
                "expected_gy": point["expected"]["dose_gy"] if point["expected"] else None,
                "deviation_percent": result.get("deviation_percent"),
                "decision": result.get("decision", "NO RESULT"),
                "why": result.get("why", []),
            }
        )
    return lines


def attached(connection: sqlite3.Connection, session_id: str) -> dict[str, int]:
    """How many stored readings belong to the session, by instrument: between its markers, or by placed element."""
    session = get_session(connection, session_id)
    counts = dict.fromkeys(session.instruments, 0)
    for attempt in attempts(connection, session_id):
        counts[attempt.instrument] += len(measurement(connection, attempt.measurement).readings)
    for instrument, seqs in _of_elements(connection, session).items():
        counts[instrument] = counts.get(instrument, 0) + len(seqs)
    return counts


def write_files(record: dict[str, Any], folder: Path) -> dict[str, str]:
    """Write the record as JSON and as a page; their names say DRAFT while it is one. Returns {"json", "html"} paths."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{record['id']}-{record['status']}"
    as_json, as_html = folder / f"{name}.json", folder / f"{name}.html"
    document = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
    as_json.write_text(printable_json(document) + "\n", encoding="utf-8")
    as_html.write_text(html(record), encoding="utf-8")
    return {"json": str(as_json), "html": str(as_html)}


def _of_elements(connection: sqlite3.Connection, session: Session) -> dict[str, set[tuple[str, int]]]:
    """(stream, seq) of readings of placed elements, and of the standards and controls since the session began."""
    found: dict[str, set[tuple[str, int]]] = {}
    for placement in placements(connection, session.id):
        read = readout(connection, session.inventory.element_named(placement.dosimeter), placement, None)
        for reading in [r for r in (read.used, *read.later) if r is not None]:
            found.setdefault(reading.instrument, set()).add((reading.stream, reading.seq))
    for batch in session.plan.batch:
        for name in batch.travelling:
            for reading in of_element(connection, session.inventory.element_named(name), None):
                if session.started.precedes(reading.received):
                    found.setdefault(reading.instrument, set()).add((reading.stream, reading.seq))
    return found
