"""Calibration sessions in plain values: for lists, JSON and people."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from acquire.canonical import parse
from acquire.procedure.stock.issued import Issued, ended_by, issued
from acquire.procedure.stock.readouts import Part, parts_of, read_parts
from acquire.procedure.stock.sessions import get_calibration, list_calibrations, newest, state_of
from acquire.procedure.stock.terms import Terms


def summaries(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every calibration session, oldest first, with its state and, where an event ended it, which."""
    confirmed = {each.id: each for each in issued(connection)}
    return [_told(connection, name, confirmed.get(name)) for name in list_calibrations(connection)]


def summary(connection: sqlite3.Connection, calibration: str) -> dict[str, Any]:
    """One calibration session: terms, parts, what is not read yet, what it gave last. Raises Refused for none."""
    row = get_calibration(connection, calibration)
    confirmed = {each.id: each for each in issued(connection, row["batch"])}
    last = newest(connection, calibration)
    parts = parts_of(connection, calibration)
    entered = [{"element": p.element, "role": p.role, "cycle": p.cycle, "moment": p.moment, "run": p.run}
               for p in parts]  # fmt: skip
    output = None if last is None else {"version": last["version"], **parse(last["output"])}
    said = {"terms": parse(row["terms"]), "parts": entered, "unread": _unread(connection, row, parts), "output": output}
    return _told(connection, calibration, confirmed.get(calibration)) | said


def _unread(connection: sqlite3.Connection, row: sqlite3.Row, parts: Sequence[Part]) -> list[str]:
    """What keeps each part from having a signal: not read yet, or a reading that is none."""
    terms = Terms.model_validate(parse(row["terms"]))
    read = read_parts(connection, parts, row["reader"], terms)
    return [f"{each['element']}, {each['role']}: {each['missing']}" for each in read if "missing" in each]


def _coefficient(each: Issued | None) -> dict[str, Any] | None:
    if each is None or not each.has_coefficient:
        return None
    return {name: each.output["coefficient"].get(name) for name in ("name", "value", "unit", "u_percent", "dof")}


def _told(connection: sqlite3.Connection, calibration: str, each: Issued | None) -> dict[str, Any]:
    row = get_calibration(connection, calibration)
    event = ended_by(connection, each) if each is not None and each.has_coefficient else None
    from_day = each.valid_from.isoformat() if each else None
    return {
        "calibration": calibration, "batch": row["batch"], "reader": row["reader"], "issues": row["issues"],
        "state": state_of(connection, calibration), "started_by": row["started_by"],
        "confirmed_by": each.confirmed_by if each else None, "valid_from": from_day,
        "valid_until": parse(row["terms"])["valid_until"],
        "coefficient": _coefficient(each),
        "ended": None if event is None else f"coefficient ended: {event.what} at {event.moment}",
    }  # fmt: skip
