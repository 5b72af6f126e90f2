"""Everything that a calibration is computed from, as the store holds it now: readings, corrections, the last value."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from acquire.canonical import parse
from acquire.errors import Refused
from acquire.procedure.stock.batches import get_batch
from acquire.procedure.stock.issued import coefficient_of, corrections, issued
from acquire.procedure.stock.readouts import parts_of, read_parts
from acquire.procedure.stock.sessions import newest
from acquire.procedure.stock.terms import Terms


def prepare(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """Everything a calibration is computed from, as the store holds it now."""
    terms, batch = Terms.model_validate(parse(row["terms"])), get_batch(connection, row["batch"])
    parts = list(read_parts(connection, parts_of(connection, row["id"]), row["reader"], terms))
    depletion = {"per_reading": batch.depletion_per_reading, "form": batch.depletion} if batch.depletion else None
    last, _ = coefficient_of(connection, batch.batch, row["reader"], _begun(row))
    return {
        "calibration": row["id"], "batch": batch.batch, "reader": row["reader"], "kind": batch.kind,
        "issues": row["issues"], "form": batch.background, "depletion": depletion, "terms": parse(row["terms"]),
        "parts": parts, "eccs": _known(connection, row, parts), "earlier": _earlier(connection, row, parts),
        "last": None if last is None else {"id": last.id, **last.value},
    }  # fmt: skip


def first_read(connection: sqlite3.Connection, calibration: str) -> str | None:
    """When the first reading of what a calibration gave last was taken; None where nothing was read for it."""
    last = newest(connection, calibration)
    parts = parse(last["inputs"]).get("parts", ()) if last is not None else ()
    return min((part["read_at"] for part in parts if "read_at" in part), default=None)


def _known(connection: sqlite3.Connection, row: sqlite3.Row, parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Element corrections in force of the elements that were read; not those made of the very same readings."""
    found = corrections(issued(connection, row["batch"]), _begun(row))
    known = {}
    for part in parts:
        each = found.get((part["element"], row["reader"]))
        if each is None:
            continue
        if row["issues"] == "rcf" and part["role"] == "irradiated" and _made_of(connection, each.id, part):
            raise Refused(
                f"The correction of {part['element']} ({each.id}) was made from this very reading, which hides all"
                " scatter: irradiate and read standards anew, or calibrate both at once (ecc+rcf)."
            )
        known[part["element"]] = {"value": each.eccs[part["element"]], "source": each.certificate}
    return known


def _earlier(connection: sqlite3.Connection, row: sqlite3.Row, parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Every confirmed correction of the elements that were read, on this reader, oldest first."""
    found: dict[str, list[float]] = {}
    for each in issued(connection, row["batch"]):
        if each.reader == row["reader"]:
            for part in {part["element"] for part in parts} & each.eccs.keys():
                found.setdefault(part, []).append(each.eccs[part])
    return dict(sorted(found.items()))


def _made_of(connection: sqlite3.Connection, calibration: str, part: dict[str, Any]) -> bool:
    last = newest(connection, calibration)
    used = parse(last["inputs"]).get("parts", ()) if last is not None else ()
    return any(part.get("readings") == other.get("readings") for other in used if "readings" in other)


def _begun(row: sqlite3.Row) -> date:
    return datetime.fromisoformat(row["started_at"]).date()
