"""Calibration sessions in plain values: for lists, JSON and people."""

from __future__ import annotations

import sqlite3
from typing import Any

from acquire.canonical import parse
from acquire.procedure.stock.issued import Issued, ended_by, issued
from acquire.procedure.stock.readouts import parts_of
from acquire.procedure.stock.sessions import get_calibration, list_calibrations, newest, state_of


def summaries(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every calibration session, oldest first, with its state and, where an event ended it, which."""
    confirmed = {each.id: each for each in issued(connection)}
    return [_told(connection, name, confirmed.get(name)) for name in list_calibrations(connection)]


def summary(connection: sqlite3.Connection, calibration: str) -> dict[str, Any]:
    """One calibration session with its terms, its parts, and what it gave last. Raises Refused when there is none."""
    row = get_calibration(connection, calibration)
    confirmed = {each.id: each for each in issued(connection, row["batch"])}
    last = newest(connection, calibration)
    parts = [{"element": p.element, "role": p.role, "cycle": p.cycle, "moment": p.moment, "run": p.run}
             for p in parts_of(connection, calibration)]  # fmt: skip
    output = None if last is None else {"version": last["version"], **parse(last["output"])}
    said = {"terms": parse(row["terms"]), "parts": parts, "output": output}
    return _told(connection, calibration, confirmed.get(calibration)) | said


def _told(connection: sqlite3.Connection, calibration: str, each: Issued | None) -> dict[str, Any]:
    row = get_calibration(connection, calibration)
    event = ended_by(connection, each) if each is not None and each.has_coefficient else None
    from_day = each.valid_from.isoformat() if each else None
    return {
        "calibration": calibration, "batch": row["batch"], "reader": row["reader"], "issues": row["issues"],
        "state": state_of(connection, calibration), "started_by": row["started_by"],
        "confirmed_by": each.confirmed_by if each else None, "valid_from": from_day,
        "valid_until": parse(row["terms"])["valid_until"],
        "ended": None if event is None else f"coefficient ended: {event.what} at {event.moment}",
    }  # fmt: skip
