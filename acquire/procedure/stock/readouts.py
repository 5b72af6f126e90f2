"""Which readings belong to a calibration session, and their signals: the same readings that a session's dose is from.

An element's part names the reader run, or a file that holds one of the element, or else takes the first readings that
came in after it was entered and before the element was irradiated or placed again. What has no such reading is named,
and so is what has another kind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from acquire.errors import Refused
from acquire.procedure.documents.plan import Batch as PlanBatch
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.signals import signals
from acquire.procedure.readouts.elements import different_records, of_element
from acquire.procedure.stock.elements import element_named, of_inventory
from acquire.procedure.stock.named_runs import NamedRuns
from acquire.procedure.stock.terms import Terms
from acquire.store.attribution import StoredReading
from acquire.store.made import Made


@dataclass(frozen=True, slots=True)
class Part:
    """One element in one cycle. `moment`: of its irradiation; `run`: where it was read, None by order of receipt."""

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


def read_parts(
    connection: sqlite3.Connection, parts: Sequence[Part], reader: str, terms: Terms
) -> Iterator[dict[str, Any]]:
    """What the element of each part read: signals, unit, and their entries; or `missing`, why there is none.

    Raises Refused where what is named as its run holds an element in several.
    """
    wanted = PlanBatch(
        reader=reader, readings=terms.readings, readout=terms.readout, channel=terms.channel,
        depletion_per_reading=0.0, depletion="growing",
    )  # fmt: skip
    runs = NamedRuns(connection, wanted)
    for part in parts:
        yield _read_part(connection, part, wanted, runs)


def _read_part(connection: sqlite3.Connection, part: Part, wanted: PlanBatch, runs: NamedRuns) -> dict[str, Any]:
    element = of_inventory(connection, element_named(connection, part.element))
    found = _of_part(connection, part, of_element(connection, element, wanted), runs)
    said: dict[str, Any] = {"element": part.element, "cycle": part.cycle, "role": part.role, "moment": part.moment}
    if len(found) < wanted.readings:
        times = f"was read {len(found)} times of {wanted.readings}" if found else "was not read"
        return said | {"missing": f"{times} in cycle {part.cycle}{f' ({part.run})' if part.run else ''}"}
    if several := different_records(element, found, wanted, wanted.readings):
        return said | {"missing": several}
    used = found[: wanted.readings]
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


def _of_part(
    connection: sqlite3.Connection, part: Part, found: Sequence[StoredReading], runs: NamedRuns
) -> list[StoredReading]:
    if part.run is not None:
        return _of_run(part, part.run, found, runs)
    entered = Made(part.made_after, part.at)
    again = _next_use(connection, part)
    later = [r for r in found if entered.precedes(r.received)]
    return [r for r in later if again is None or r.received.number <= again]


def _of_run(part: Part, named: str, found: Sequence[StoredReading], runs: NamedRuns) -> list[StoredReading]:
    """Readings of what is named: a reader run; or a file, or a file and a day, that holds just one of the element."""
    in_file = [each for each in found if named in _file_and_day(each)]
    of: dict[str, list[StoredReading]] = {}
    for each in in_file if len(in_file) > 1 else found if not in_file else ():
        of.setdefault(runs.name(each, found), []).append(each)
    if not in_file:
        return of.get(named, [])
    if len(of) > 1:
        raise Refused(
            f"{named} holds {part.element} in several runs; name the one by where it begins:"
            f" {', '.join(repr(each) for each in of)}."
        )
    return in_file


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
    """The reader's file (or stream), and with the day on its clock behind it: either may be named."""
    file = str((reading.body.get("origin") or {}).get("file") or reading.stream)
    return file, f"{file} {str(reading.body.get('clock') or '')[:10]}"
