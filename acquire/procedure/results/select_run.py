"""Standards, controls and check element of the reader run in which a point's elements were read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts.elements import different_records
from acquire.procedure.readouts.read_together import Together, place_of
from acquire.procedure.readouts.reader_run import ReaderRun, Record
from acquire.procedure.records.selection import Ref, RunTaken
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.run_of_point import Read, RunsOfReader
from acquire.store import entries
from acquire.store.attribution import StoredReading
from acquire.store.made import Received


@dataclass(frozen=True, slots=True)
class RunSelected:
    """What was read in the run, by what it is for; `run` is None where it is not certain. checks: None without one."""

    run: RunTaken | None = None
    standards: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    checks: tuple[str, ...] | None = None


def select_run(choosing: Choosing, read: Read) -> RunSelected:
    """Of the elements that were read; what is wrong with their run goes among the problems."""
    connection, point = choosing.connection, choosing.point
    of = RunsOfReader(connection, choosing.session, read)
    found = {name: of.of(name, readings) for name, readings in read.items()}
    choosing.remarks += [said for readings in read.values() if (said := of.said_of(readings))]
    if doubts := [each.doubt for each in found.values() if each.doubt]:
        doubted = next(each for each in found.values() if each.doubt)
        choosing.problems += [*_absent(of.batch, doubted.missing), *doubts]
        return RunSelected()
    first = next(iter(found.values()))
    if len({each.key for each in found.values()}) > 1 or (not of.wanted and _certainly_apart(of.runs, read)):
        choosing.problems.append(f"The elements of {point.id} were read in different reader sessions.")
        return RunSelected()
    run = _described(connection, of, read, first)
    kinds = _travelling(choosing, of, read, first)
    checks = kinds["checks"] if of.batch.check else None
    return RunSelected(run, kinds["standards"], kinds["controls"], checks)


def _certainly_apart(runs: Sequence[ReaderRun], read: Read) -> bool:
    """Whether a run surely begins between elements that were read without standards."""
    places = sorted({place_of(runs, (each.stream, each.seq))[0] for of in read.values() for each in of})
    return any(run.certain for run in runs[places[0] + 1 : places[-1] + 1])


def _travelling(choosing: Choosing, of: RunsOfReader, read: Read, found: Together) -> dict[str, tuple[str, ...]]:
    """By what it is for, what was read as often as the plan wants it."""
    batch, taken = of.batch, {}
    for kind, wanted in _kinds(batch).items():
        names = []
        for element in wanted:
            records = found.found[element]
            every = [_stored(choosing.connection, of.reader, each) for each in found.run.of(element)]
            inventory = of.inventory.element_named(element)
            if several := different_records(inventory, every, batch, batch.standard_readings):
                choosing.problems.append(several)
            if len(records) == batch.standard_readings:
                names.append(element)
                choosing.readings[element] = tuple(_ref(choosing.connection, each) for each in records)
        taken[kind] = tuple(names)
    if found.missing:
        name, readings = next(iter(read.items()))
        elsewhere = of.elsewhere(name, readings, found.missing)
        choosing.problems += [*_absent(batch, found.missing), *([elsewhere] if elsewhere else [])]
    return taken


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


def _described(connection: sqlite3.Connection, of: RunsOfReader, read: Read, found: Together) -> RunTaken:
    """What names the run for ever: its first record, and its quality control up to the point's last readout."""
    records, last = found.run.records, _last_of(found.run, read)
    first = records[0]
    origin = entries.body_at(connection, first.stream, first.seq).get("origin") or {}
    quality = {
        kind: tuple(_ref(connection, each) for each in records[: last + 1] if each.kind == kind)
        for kind in ("pmt-noise", "reference-light")
    }
    return RunTaken(
        reader=of.reader,
        begins=found.run.begins.value,
        first=_ref(connection, first),
        states=first.run,
        reader_is=first.reader,
        file=origin.get("file"),
        offset=origin.get("offset"),
        pmt_noise=quality["pmt-noise"] or None,
        light=quality["reference-light"] or None,
    )


def _last_of(run: ReaderRun, read: Read) -> int:
    at = {(each.stream, each.seq) for of in read.values() for each in of}
    return max((n for n, record in enumerate(run.records) if record.at in at), default=len(run.records) - 1)


def _ref(connection: sqlite3.Connection, record: Record) -> Ref:
    return Ref(stream=record.stream, seq=record.seq, digest=_entry(connection, record).digest)


def _entry(connection: sqlite3.Connection, record: Record) -> entries.Entry:
    entry = entries.entry_at(connection, record.stream, record.seq)
    if entry is None:
        raise entries.Damaged(record.stream, record.seq)
    return entry


def _stored(connection: sqlite3.Connection, reader: str, record: Record) -> StoredReading:
    entry = _entry(connection, record)
    body = entries.decoded(record.stream, entry)
    return StoredReading(record.stream, record.seq, reader, body, entry.digest, Received(0, entry.received_at))
