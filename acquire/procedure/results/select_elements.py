"""Readings of chips or dots: those that were placed and count, and what was read with them in their reader run."""

from __future__ import annotations

from collections.abc import Sequence

from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts.elements import Readout, not_read, readout
from acquire.procedure.readouts.placed import Placement, placements
from acquire.procedure.readouts.read_anew import read_anew_by
from acquire.procedure.records.selection import OfElements
from acquire.procedure.results.choosing import Choosing, refs
from acquire.procedure.results.loading import load
from acquire.procedure.results.select_run import RunSelected, select_run
from acquire.procedure.session.exposure import Exposure, exposure_of_point
from acquire.procedure.session.statements import Statement, imaging_of, newest, statements
from acquire.procedure.stock.lapsed import lapsed
from acquire.store.attribution import StoredReading


def select_elements(choosing: Choosing) -> OfElements:
    """The elements of a point with their run, or what is wrong with them."""
    session, point = choosing.session, choosing.point
    reader = session.inventory.element_named(point.elements[0]).reader
    batch = session.plan.batch_of(reader)
    said = statements(choosing.connection, session.id)
    placed = _counting(choosing, said)
    if batch is not None and batch.channel is not None:
        choosing.channel = batch.channel
    exposure = _exposed(choosing, placed)
    read_at = _read_at(choosing, reader, said)
    read, removed = _read(choosing, placed, batch, exposure)
    run = select_run(choosing, read) if read else RunSelected()
    found = OfElements(
        placements=tuple(p.id for p in placed),
        elements=tuple(p.dosimeter for p in placed),
        standards=run.standards,
        controls=run.controls,
        imaging=imaging_of(said, point.id),
        checks=run.checks,
        read_at=read_at,
        removed=removed or None,
        run=run.run,
    )
    last = {n: load(choosing.connection, choosing.readings[n][-1])["time"] for n in found.elements if n in read}
    choosing.problems += lapsed(choosing.connection, session.plan, session.calibrations, reader, last)
    return found


def _exposed(choosing: Choosing, placed: Sequence[Placement]) -> Exposure:
    """The session's beams; what is not shown of the elements, as far as they were in those of the point, is told."""
    connection, session = choosing.connection, choosing.session
    if placed:
        problems, remarks = exposure_of_point(connection, session, choosing.point, placed)
        choosing.problems += problems
        choosing.remarks += remarks
    return Exposure(connection, session)


def _read_at(choosing: Choosing, reader: str, said: list[Statement]) -> str | None:
    """When a reader really read, where two people state it and fading is counted."""
    stated = newest(said, "read-at", reader) if choosing.point.fading is not None else None
    if stated is None:
        return None
    choosing.remarks.append(
        f"{stated.who}, confirmed by {stated.confirmed_by}, state that {reader} read the elements at"
        f" {stated.moment}: {stated.reason.rstrip('.')}."
    )
    return stated.moment


def _read(
    choosing: Choosing, placed: Sequence[Placement], batch: Batch | None, exposure: Exposure
) -> tuple[dict[str, Sequence[StoredReading]], dict[str, str | None]]:
    """The readings that count of each element, and when it was removed."""
    read: dict[str, Sequence[StoredReading]] = {}
    removed: dict[str, str | None] = {}
    if not placed:
        choosing.problems.append(f"No element that counts was placed at {choosing.point.id}.")
    for placement in placed:
        element = choosing.session.inventory.element_named(placement.dosimeter)
        found = readout(choosing.connection, element, placement, batch)
        if found.several is not None:
            choosing.problems.append(found.several)
            continue
        wanted = batch.readings if batch else 1
        _note(choosing, found, placement, wanted)
        if found.used is not None:
            if wrong := exposure.read_too_early(placement, found.used):
                choosing.problems.append(wrong)
            read[placement.dosimeter] = (found.used, *found.later)[:wanted]
            choosing.readings[placement.dosimeter] = refs(read[placement.dosimeter])
            removed[placement.dosimeter] = placement.removed_at
    return read, removed


def _counting(choosing: Choosing, statements_made: list[Statement]) -> list[Placement]:
    """The placements at a point without those that were left out; what people stated of them is kept beside."""
    point = choosing.point
    placed = [p for p in placements(choosing.connection, choosing.session.id) if p.point == point.id]
    said = [s for s in statements_made if s.point == point.id]
    for each in said:
        reason = each.reason.rstrip(".")
        if each.what == "imaging":
            choosing.problems.append(
                f"Imaging was given while the elements of {point.id} lay there ({reason}): they hold no dose of the"
                " therapy alone; it is measured again at the next planned fraction."
            )
        elif each.what == "excluded":
            people = f"{each.who}, confirmed by {each.confirmed_by}"
            choosing.remarks.append(f"{each.dosimeter} was left out: {reason} ({people}).")
    left_out = {each.dosimeter for each in said if each.what == "excluded"}
    return [p for p in placed if p.dosimeter not in left_out]


def _note(choosing: Choosing, found: Readout, placement: Placement, wanted: int) -> None:
    times = (found.used is not None) + len(found.later)
    if found.used is None:
        choosing.problems.append(not_read(found, placement))
    elif times < wanted:
        choosing.problems.append(f"{placement.dosimeter} was read {times} times; the plan asks for {wanted} readings.")
    elif times > wanted:
        which = "the first readout counts" if wanted == 1 else f"the first {wanted} readouts count"
        emptied = "an emptied element" if wanted == 1 else "an element that was read before"
        choosing.remarks.append(f"{placement.dosimeter} was read {times} times; {which}, the others are of {emptied}.")
    if found.used is not None and found.by_clock:
        choosing.remarks.append(
            f"Whether {placement.dosimeter} was read after its removal is by the store's clock alone: an earlier"
            " version kept nothing else."
        )
    if found.as_stated is not None:
        choosing.remarks.append(
            f"The removal of {placement.dosimeter} was written after its readout; two people say that it was off the"
            f" patient by then: {found.as_stated.people}."
        )
    if found.read_as is not None:
        choosing.remarks.append(
            f"The reader has {placement.dosimeter} as {found.read_as.name}; two people say that it was"
            f" {placement.dosimeter}: {found.read_as.people}."
        )
    anew = None if found.used is None else read_anew_by(choosing.connection, (found.used.stream, found.used.seq))
    if anew is not None:
        choosing.remarks.append(
            f"{placement.dosimeter} counts as {anew.file} was taken again on {anew.reader}; what was made of it before"
            f" counts no more: {anew.people}."
        )
    if found.held:
        choosing.remarks.append(
            f"{len(found.held)} reading(s) of {placement.dosimeter} are held: their host says they are older than its"
            " placement."
        )
