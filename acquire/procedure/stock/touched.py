"""Which results a calibration touched: of every session that kept it, those whose factors came from it.

It finds calibrations of the stock and of files alike, since a session keeps both in its calibration file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from acquire.canonical import parse
from acquire.procedure.documents import kept
from acquire.procedure.documents.calibrations import Calibrations, read_calibrations


@dataclass(frozen=True, slots=True)
class Touched:
    """One version of a result that was made with a calibration."""

    session: str
    point: str
    version: int
    at: str
    decision: str
    dose_gy: float | None


def touched(connection: sqlite3.Connection, calibration: str) -> list[Touched]:
    """Every version of every result that a calibration is in, oldest session first.

    calibration: its id, as `acquire calibration list` or the calibration file has it.
    """
    found: list[Touched] = []
    for row in connection.execute("SELECT id, calibrations FROM session ORDER BY audit_entry NULLS FIRST, started_at"):
        name, body = kept.fetch(connection, row["calibrations"])
        sources = set(_sources(read_calibrations(body, name), calibration))
        if sources:
            found += _results(connection, row["id"], calibration, sources)
    return found


def _sources(kept: Calibrations, calibration: str) -> Iterator[str]:
    """What results print as the source of a factor of this calibration."""
    for batch in kept.elements:
        if batch.id == calibration:
            yield batch.certificate
    for each in kept.calibration:
        if each.id == calibration or each.id.startswith(f"{calibration}."):
            yield from (each.certificate, *(factor.source for factor in each.factors.values()))


def _results(connection: sqlite3.Connection, session: str, calibration: str, sources: set[str]) -> Iterator[Touched]:
    rows = connection.execute(
        "SELECT point, version, at, inputs, output FROM result WHERE session = ? ORDER BY point, version", (session,)
    )
    for row in rows:
        if _uses(parse(row["inputs"]), calibration, sources):
            output = parse(row["output"])
            yield Touched(session, row["point"], row["version"], row["at"], output["decision"], output.get("dose_gy"))


def _uses(inputs: Any, calibration: str, sources: set[str]) -> bool:
    if isinstance(inputs, dict):
        named = inputs.get("source") in sources or inputs.get("id") == calibration
        return named or any(_uses(each, calibration, sources) for each in inputs.values())
    return isinstance(inputs, list) and any(_uses(each, calibration, sources) for each in inputs)
