"""Which readings belong to a calibration session, and their signals: the same readings that a session's dose is from.

An element's part names the reader's file, or else takes the first readings that came in after it was entered and
before the element was irradiated or placed again. What has no such reading is named, and so is what has another kind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acquire.errors import Refused
from acquire.procedure.documents.plan import Batch as PlanBatch
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.signals import signals
from acquire.procedure.readouts.elements import different_records, of_element
from acquire.procedure.stock.elements import element_named, of_inventory
from acquire.procedure.stock.terms import Terms
from acquire.store.attribution import StoredReading
from acquire.store.made import Made


@dataclass(frozen=True, slots=True)
class Part:
    """One element in one cycle. `moment`: of its irradiation; `run`: its reader's file, None by order of receipt."""

    n: int
    element: str
    role: str
    cycle: int
    moment: str | None
    run: str | None
    at: str
    made_after: int | None
    audit_entry: int | None


def parts_of(connection: sqlite3.Connection, calibration: str) -> list[Part]:
    """Every part of a calibration session, in the order they were entered."""
    rows = connection.execute(
        "SELECT n, element, role, cycle, moment, run, at, made_after, audit_entry FROM element_calibration_part"
        " WHERE calibration = ? ORDER BY n",
        (calibration,),
    )
    return [Part(*row) for row in rows]


def read_part(connection: sqlite3.Connection, part: Part, reader: str, terms: Terms) -> dict[str, Any]:
    """What an element's part read: signals, unit, and the entries they are from; or `missing`, why there is none."""
    element = of_inventory(connection, element_named(connection, part.element))
    wanted = PlanBatch(
        reader=reader, readings=terms.readings, readout=terms.readout, channel=terms.channel,
        depletion_per_reading=0.0, depletion="growing",
    )  # fmt: skip
    found = _of_part(connection, part, of_element(connection, element, wanted))
    said: dict[str, Any] = {"element": part.element, "cycle": part.cycle, "role": part.role, "moment": part.moment}
    if len(found) < terms.readings:
        times = f"was read {len(found)} times of {terms.readings}" if found else "was not read"
        return said | {"missing": f"{times} in cycle {part.cycle}{f' ({part.run})' if part.run else ''}"}
    if several := different_records(element, found, wanted, terms.readings):
        return said | {"missing": several}
    used = found[: terms.readings]
    try:
        signal = signals(part.element, [each.body for each in used])
    except Invalid as why:
        return said | {"missing": str(why)}
    return said | {
        "signals": list(signal.every),
        "unit": signal.unit,
        "read_at": used[0].body["time"],
        "readings": [{"stream": r.stream, "seq": r.seq, "digest": r.digest} for r in used],
    }


def _of_part(connection: sqlite3.Connection, part: Part, found: Sequence[StoredReading]) -> list[StoredReading]:
    if part.run is not None:
        return _of_run(part, found)
    entered = Made(part.made_after, part.at)
    again = _next_use(connection, part)
    later = [r for r in found if entered.precedes(r.received)]
    return [r for r in later if again is None or r.received.number <= again]


def _of_run(part: Part, found: Sequence[StoredReading]) -> list[StoredReading]:
    """Readings of the named file; where it holds several days, the day stands behind its name. Raises Refused."""
    runs: Mapping[tuple[str, str], list[StoredReading]] = {}
    for reading in found:
        file, day = key = _file_and_day(reading)
        if part.run in (file, f"{file} {day}"):
            runs = {**runs, key: [*runs.get(key, []), reading]}
    if len(runs) > 1:
        days = ", ".join(f"'{file} {day}'" for file, day in runs)
        raise Refused(f"{part.run} holds {part.element} in several runs; name the one: {days}.")
    return next(iter(runs.values()), [])


def _next_use(connection: sqlite3.Connection, part: Part) -> int | None:
    """The number of the last receipt before the element was entered again: in a calibration, or on a patient."""
    row = connection.execute(
        "SELECT min(made_after) AS n FROM (SELECT made_after FROM element_calibration_part"
        " WHERE element = ?1 AND audit_entry > ?2"
        " UNION ALL SELECT made_after FROM placement WHERE dosimeter = ?1 AND made_after >= ?3)",
        (part.element, part.audit_entry, part.made_after),
    ).fetchone()
    return None if row["n"] is None else int(row["n"])


def _file_and_day(reading: StoredReading) -> tuple[str, str]:
    """The reader's file (or stream) and the day on its clock, which only tells what stands in one file apart."""
    origin = reading.body.get("origin") or {}
    return str(origin.get("file") or reading.stream), str(reading.body.get("clock") or "")[:10]
