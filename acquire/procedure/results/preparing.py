"""One point while its inputs are made: the selection with its bytes and documents, and what was found so far."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date

from msgspec import Struct

from acquire.procedure.documents import kept
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.method import Sources
from acquire.procedure.records.inputs import DwellRecord, FindingRecord
from acquire.procedure.records.needs import Needs
from acquire.procedure.records.selection import DocumentsUsed, Selection
from acquire.procedure.results.loading import Bodies, load, load_named
from acquire.procedure.session.bound import as_bound

Marks = dict[str, list[str]]  # begin and end on the host's clock, ISO 8601


@dataclass(slots=True)
class Preparing:
    """What forbids a number is collected under `invalid`, one sentence each.

    is_part: of a beam whose rest was measured in another session; before_share: of a rest, which share of the beam's
    time was given before, by MU and dose rate; 0 where it is none, or that is not known.
    """

    connection: sqlite3.Connection
    selection: Selection
    sources: Sources
    point: Point
    bodies: Bodies
    marks: Marks
    invalid: list[str]
    remarks: list[str]
    is_part: bool = False
    before_share: float = 0.0
    needs: Needs | None = None
    measured: Struct | None = None
    dwell: DwellRecord | None = None
    quality: tuple[FindingRecord, ...] | None = None
    doubts: tuple[str, ...] | None = None


def begun(connection: sqlite3.Connection, selection: Selection) -> Preparing:
    """From the selection and the bytes it names alone. Raises Refused when those are not in the store."""
    bodies = load_named(connection, selection.readings)
    sources = sources_of(connection, selection, _day(selection, bodies))
    marks = {name: [load(connection, ref)["time"] for ref in refs] for name, refs in (selection.marks or {}).items()}
    return Preparing(
        connection, selection, sources, sources.plan.point_named(selection.point), bodies, marks,
        invalid=list(selection.problems), remarks=list(selection.remarks),
    )  # fmt: skip


def sources_of(connection: sqlite3.Connection, selection: Selection, day: date) -> Sources:
    """The documents as they were kept, the plan with the detectors as they really lay."""
    name, body = {}, {}
    for kind in DocumentsUsed.__struct_fields__:
        name[kind], body[kind] = kept.fetch(connection, getattr(selection.documents, kind))
    return Sources(
        as_bound(read_plan(body["plan"], name["plan"]), selection.bound or {}),
        read_inventory(body["inventory"], name["inventory"]),
        read_calibrations(body["calibrations"], name["calibrations"]),
        day,
    )


def _day(selection: Selection, bodies: Bodies) -> date:
    """The day on which calibrations must hold: that of the last reading, by a reader's own clock where it has one.

    Chips are read days after their session began; a reader's calibration may have ended meanwhile. Never before the
    session's own day: a clock that shows an earlier one is wrong.
    """
    days = [str(body.get("clock") or body["time"])[:10] for each in bodies.values() for body in each]
    return max(date.fromisoformat(day) for day in (selection.day, *days))
