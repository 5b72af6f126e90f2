"""Which reader run the elements of a point were read in, and so which standards, controls and checks are theirs.

Where the records leave that open there is no result of the point, but a sentence; and two people may state it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.documents.plan import Batch
from acquire.procedure.documents.point import Point
from acquire.procedure.readouts.elements import different_records, readout
from acquire.procedure.readouts.placed import placements
from acquire.procedure.readouts.read_together import WAY_OUT, Side, Together, place_of, together, together_as_stated
from acquire.procedure.readouts.reader_records import reader_records
from acquire.procedure.readouts.reader_run import Begins, Limits, ReaderRun, Record, reader_runs
from acquire.procedure.session.reader_run_statements import keep_statements, runs_stated
from acquire.procedure.session.session import Session
from acquire.store import entries
from acquire.store.attribution import StoredReading
from acquire.store.made import Received

Read = Mapping[str, Sequence[StoredReading]]  # element: its readings that count
BETWEEN = {
    Begins.STATED: "the reader states another run",
    Begins.QUALITY_CONTROL: "a run begins in between with its quality control records",
    Begins.AGAIN: "an element was read once more in between",
}


class RunsOfReader:
    """The runs around some readouts of a session's elements on one reader, and what is wanted of each run."""

    def __init__(self, connection: sqlite3.Connection, session: Session, read: Read) -> None:
        readings = [each for of in read.values() for each in of]
        self.reader = readings[0].instrument
        self.inventory = session.inventory
        self.batch = session.plan.batch_of(self.reader) or Batch(reader=self.reader)
        self.wanted = dict.fromkeys(self.batch.travelling, self.batch.standard_readings)
        own = {e for p in session.plan.point for e in p.elements} | set(read)
        self._limits = Limits(dict.fromkeys(own, self.batch.readings) | self.wanted, self.batch.readings)
        self._stated = runs_stated(connection, session.id)
        records = reader_records(connection, session.inventory, session.plan.batch_of(self.reader), readings)
        self.runs = reader_runs(records, self.wanted, self._limits)

    def of(self, name: str, readings: Sequence[StoredReading]) -> Together:
        """What was read with an element, as the records tell or as two people have stated."""
        at = [(each.stream, each.seq) for each in readings]
        if (said := self._stated.get(at[0])) is not None:
            return self.as_stated(at, said.side)
        return together(self.runs, name, at, self.wanted)

    def as_stated(self, at: Sequence[tuple[str, int]], side: Side) -> Together:
        """What stands with standards on one side of a readout."""
        return together_as_stated(self.runs, at, self.wanted, side, self._limits)

    def said_of(self, readings: Sequence[StoredReading]) -> str | None:
        """What people have stated of a readout, as a sentence."""
        said = self._stated.get((readings[0].stream, readings[0].seq))
        return said.says if said else None

    def elsewhere(self, name: str, readings: Sequence[StoredReading], missing: Sequence[str]) -> str | None:
        """The sentence where what is missing was read in another run, and why that is another."""
        n, _ = place_of(self.runs, (readings[0].stream, readings[0].seq))
        for at, border in ((n - 1, n), (n + 1, n + 1)):
            if 0 <= at < len(self.runs) and self.runs[at].holds(missing):
                stand = ", ".join(each for each in missing if self.runs[at].of(each))
                why = BETWEEN.get(self.runs[border].begins, "another run begins in between")
                said = f"{stand} stand in another run of {self.reader} than {name}, since {why}"
                return f"{said}; if that is wrong, {WAY_OUT}."
        return None


def select_run(
    connection: sqlite3.Connection, session: Session, point: Point, read: Read, chosen: dict[str, Any]
) -> None:
    """Standards, controls and check element of the run in which a point's elements were read; what is wrong with it."""
    of = RunsOfReader(connection, session, read)
    found = {name: of.of(name, readings) for name, readings in read.items()}
    chosen["remarks"] += [said for readings in read.values() if (said := of.said_of(readings))]
    if doubts := [each.doubt for each in found.values() if each.doubt]:
        doubted = next(each for each in found.values() if each.doubt)
        chosen["problems"] += [*_absent(of.batch, doubted.missing), *doubts]
        return
    first = next(iter(found.values()))
    if len({each.key for each in found.values()}) > 1 or (not of.wanted and _certainly_apart(of.runs, read)):
        chosen["problems"].append(f"The elements of {point.id} were read in different reader sessions.")
        return
    chosen["run"] = _described(connection, of, read, first)
    _travelling(connection, of, read, first, chosen)


def _certainly_apart(runs: Sequence[ReaderRun], read: Read) -> bool:
    """Whether a run surely begins between elements that were read without standards."""
    places = sorted({place_of(runs, (each.stream, each.seq))[0] for of in read.values() for each in of})
    return any(run.certain for run in runs[places[0] + 1 : places[-1] + 1])


def _travelling(
    connection: sqlite3.Connection, of: RunsOfReader, read: Read, found: Together, chosen: dict[str, Any]
) -> None:
    batch = of.batch
    chosen |= {"checks": []} if batch.check else {}
    for kind, wanted in _kinds(batch).items():
        for element in wanted:
            records = found.found[element]
            every = [_stored(connection, of.reader, each) for each in found.run.of(element)]
            if several := different_records(of.inventory.element_named(element), every, batch, batch.standard_readings):
                chosen["problems"].append(several)
            if len(records) == batch.standard_readings:
                chosen[kind].append(element)
                chosen["readings"][element] = [_ref(connection, each) for each in records]
    if found.missing:
        name, readings = next(iter(read.items()))
        elsewhere = of.elsewhere(name, readings, found.missing)
        chosen["problems"] += [*_absent(batch, found.missing), *([elsewhere] if elsewhere else [])]


def _kinds(batch: Batch) -> dict[str, tuple[str, ...]]:
    """Where each kind of what travels with the elements stands in a selection."""
    return {
        "standards": batch.standards,
        "controls": batch.controls,
        "checks": (batch.check.element,) if batch.check else (),
    }


def _absent(batch: Batch, missing: Sequence[str]) -> list[str]:
    """A sentence for each kind of which something was not read in a run."""
    found = []
    for kind, wanted in _kinds(batch).items():
        if absent := [each for each in wanted if each in missing]:
            what = "check element" if kind == "checks" else kind
            found.append(f"No result, {what} missing in this reader session: {', '.join(absent)}.")
    return found


def _described(connection: sqlite3.Connection, of: RunsOfReader, read: Read, found: Together) -> dict[str, Any]:
    """What names the run for ever: its first record, and its quality control up to the point's last readout."""
    records, last = found.run.records, _last_of(found.run, read)
    first = records[0]
    origin = entries.body_at(connection, first.stream, first.seq).get("origin") or {}
    told = {
        "reader": of.reader, "begins": found.run.begins.value, "first": _ref(connection, first), "states": first.run,
        "is": first.reader, "file": origin.get("file"), "offset": origin.get("offset"),
    }  # fmt: skip
    quality = {
        kind: [_ref(connection, each) for each in records[: last + 1] if each.kind == kind]
        for kind in ("pmt-noise", "reference-light")
    }
    return {key: value for key, value in (told | quality).items() if value not in (None, [])}


def _last_of(run: ReaderRun, read: Read) -> int:
    at = {(each.stream, each.seq) for of in read.values() for each in of}
    return max((n for n, record in enumerate(run.records) if record.at in at), default=len(run.records) - 1)


def _ref(connection: sqlite3.Connection, record: Record) -> dict[str, Any]:
    return {"stream": record.stream, "seq": record.seq, "digest": _entry(connection, record).digest}


def _entry(connection: sqlite3.Connection, record: Record) -> entries.Entry:
    entry = entries.entry_at(connection, record.stream, record.seq)
    if entry is None:
        raise entries.Damaged(record.stream, record.seq)
    return entry


def _stored(connection: sqlite3.Connection, reader: str, record: Record) -> StoredReading:
    entry = _entry(connection, record)
    body = entries.decoded(record.stream, entry)
    return StoredReading(record.stream, record.seq, reader, body, entry.digest, Received(0, entry.received_at))


# --- what is open, and what people state of it ----------------------------------------------------------------------


def run_doubts(connection: sqlite3.Connection, session: Session) -> list[str]:
    """A sentence for each element that was read and whose run is not certain."""
    read = _read(connection, session)
    by_reader: dict[str, dict[str, Sequence[StoredReading]]] = {}
    for name, readings in read.items():
        by_reader.setdefault(readings[0].instrument, {})[name] = readings
    runs = {reader: RunsOfReader(connection, session, of) for reader, of in by_reader.items()}
    told = (runs[readings[0].instrument].of(name, readings).doubt for name, readings in read.items())
    return [doubt for doubt in told if doubt]


def state_run(
    connection: sqlite3.Connection,
    session: Session,
    names: Sequence[str],
    side: Side,
    who: str,
    confirmed_by: str,
    reason: str,
) -> None:
    """Two people state that elements were read with the standards that stand before, or after, them.

    Raises Refused: one person twice, no reason, an element that has no readout, none of its standards on that side.
    """
    two_people("The reader run of an element is stated", who, confirmed_by, reason)
    read = _read(connection, session)
    if unread := [name for name in names if name not in read]:
        raise Refused(
            f"{', '.join(unread)} has no readout in session {session.id}; a reader run is stated once it was read."
        )
    for name in names:
        of = RunsOfReader(connection, session, {name: read[name]})
        stands = of.as_stated([(each.stream, each.seq) for each in read[name]], side)
        if not of.wanted or not any(stands.found.values()):
            raise Refused(f"None of the standards and controls of {of.reader} stand {side} {name}.")
    keep_statements(connection, session, {name: read[name][0] for name in names}, side, who, confirmed_by, reason)


def _read(connection: sqlite3.Connection, session: Session) -> dict[str, Sequence[StoredReading]]:
    found: dict[str, Sequence[StoredReading]] = {}
    for placement in placements(connection, session.id):
        element = session.inventory.element_named(placement.dosimeter)
        batch = session.plan.batch_of(element.reader)
        of = readout(connection, element, placement, batch)
        if of.used is not None and of.several is None:
            found[placement.dosimeter] = (of.used, *of.later)[: batch.readings if batch else 1]
    return found
