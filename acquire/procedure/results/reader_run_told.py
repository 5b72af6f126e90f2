"""The reader run of a result as it is stored and printed: what names it, what was read in it, its quality control."""

from __future__ import annotations

import sqlite3

from acquire.procedure.methods.collected_charge import Body
from acquire.procedure.records.inputs import FirstRecord, QualityControlValues, RunTold
from acquire.procedure.records.selection import OfElements, Refs, RunTaken
from acquire.store import entries


def told_of_run(connection: sqlite3.Connection, of: OfElements) -> RunTold | None:
    """The run that a selection names, with the values of its PMT noise and reference light; and a sentence of it."""
    run = of.run
    if run is None:
        return None
    noise, light = _values(connection, run.pmt_noise), _values(connection, run.light)
    return RunTold(
        reader=run.reader,
        reader_is=run.reader_is,
        states=run.states,
        begins=run.begins,
        file=run.file,
        offset=run.offset,
        first=FirstRecord(stream=run.first.stream, seq=run.first.seq),
        elements=of.elements,
        standards=of.standards,
        controls=of.controls,
        checks=of.checks or (),
        pmt_noise=noise,
        light=light,
        says=_says(run, of, {"PMT noise": noise, "reference light": light}),
    )


def quality_control(connection: sqlite3.Connection, run: RunTaken | None) -> list[Body]:
    """The PMT noise and reference light of a run, as they are stored."""
    found = () if run is None else (ref for refs in run.quality.values() for ref in refs)
    return [entries.body_at(connection, ref.stream, ref.seq) for ref in found]


def _values(connection: sqlite3.Connection, refs: Refs | None) -> QualityControlValues | None:
    """What was read, in the order it was read; None where there was no number."""
    if not refs:
        return None
    bodies = [entries.body_at(connection, ref.stream, ref.seq) for ref in refs]
    return QualityControlValues(unit=bodies[0]["unit"], values=tuple(body.get("value") for body in bodies))


def _says(run: RunTaken, of: OfElements, quality: dict[str, QualityControlValues | None]) -> str:
    where = f"entry {run.first.seq} of stream {run.first.stream}"
    if run.file is not None:
        place = "" if run.offset is None else f", byte {run.offset}"
        where = f"{run.file}{place}; {where}"
    named = "" if run.states is None else f" '{run.states}'"
    read = {"standards": of.standards, "controls": of.controls, "check element": of.checks or ()}
    parts = [f"{what} {', '.join(names)}" for what, names in read.items() if names]
    parts += [f"{len(each.values)} of {what}" for what, each in quality.items() if each is not None]
    said = f"Read in the run{named} of {run.reader} that begins at {where}"
    return f"{said}, with {'; '.join(parts)}." if parts else f"{said}."
