"""Which elements may be used on a day, and for those that may not one sentence each with the way out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from acquire.procedure.documents.plan import Plan
from acquire.procedure.stock.elements import StockElement
from acquire.procedure.stock.history import History, history
from acquire.procedure.stock.issued import Issued, coefficient_of, corrections, issued

OTHER = "use another element (acquire elements list)"


def planned(plan: Plan) -> set[str]:
    """Every element that a plan names: of its points, its standards, controls and check elements."""
    return {e for p in plan.point for e in p.elements} | {e for b in plan.batch for e in b.travelling}


def not_usable(connection: sqlite3.Connection, element: StockElement, on: date) -> list[str]:
    """Why an element of the stock may not be used on a day; empty where it may."""
    return list(_why(history(connection, element), on))


def _why(found: History, on: date) -> Iterator[str]:
    name, batch = found.element.element, found.batch
    if (aside := found.set_aside) is not None:
        yield f"{name} is {found.status} ({aside.reason.rstrip('.')}): {OTHER}, or calibrate it again."
    if found.element.expires_on is not None and on > found.element.expires_on:
        yield f"{name} expired on {found.element.expires_on}: {OTHER}."
    if batch.limit_gy is not None and found.at_most_gy >= batch.limit_gy:
        of = "" if found.at_most_gy == found.accumulated_gy else ", with what was expected where no dose is known"
        yield f"{name} has received {found.at_most_gy:.4g} Gy in all{of}; batch {batch.batch} may receive" \
              f" {batch.limit_gy:g} Gy: {OTHER}."  # fmt: skip
    if batch.limit_readings is not None and found.readings >= batch.limit_readings:
        yield f"{name} was read {found.readings} times; batch {batch.batch} may be read {batch.limit_readings} times:" \
              f" {OTHER}."  # fmt: skip


def without_correction(connection: sqlite3.Connection, elements: list[StockElement], on: date) -> Iterator[str]:
    """A sentence for each element without an element correction that is in force."""
    every = issued(connection)
    holding = corrections(every, on)
    for each in elements:
        if (each.element, each.reader) in holding:
            continue
        had = [i for i in every if i.reader == each.reader and each.element in i.eccs]
        of = f"; {had[-1].id} holds from {had[-1].valid_from} to {had[-1].terms.valid_until}" if had else ""
        yield (
            f"{each.element} has no element correction in force on {each.reader} on {on}{of}: calibrate batch"
            f" {each.batch} (acquire calibration begin), or {OTHER}."
        )


def otherwise_read(plan: Plan, used: Iterable[Issued]) -> Iterator[str]:
    """A sentence for each calibration that took another record, or the background at another place, than the plan."""
    for each in used:
        batch = plan.batch_of(each.reader)
        if batch is None or each.issues == "stated":
            continue
        if each.output["form"] != batch.background:
            yield (
                f"{each.id} was made with the background taken off {each.output['form']}; the plan's batch of"
                f" {each.reader} states {batch.background}: state the same."
            )
        if (each.terms.channel, dict(each.terms.readout)) != (batch.channel, dict(batch.readout)):
            yield (
                f"{each.id} was made of {_record(each.terms.channel, each.terms.readout)}; the plan's batch of"
                f" {each.reader} takes {_record(batch.channel, batch.readout)}: take the same."
            )


def _record(channel: str | None, readout: Mapping[str, str]) -> str:
    said = [*(f"{key} {value}" for key, value in readout.items()), *([f"channel {channel}"] if channel else [])]
    return ", ".join(said) or "the only record"


def without_coefficient(connection: sqlite3.Connection, plan: Plan, batches: dict[str, str], on: date) -> Iterator[str]:
    """A sentence for each reader of the plan that has neither standards there nor a coefficient in force.

    batches: by reader, the batch of the stock whose elements it reads.
    """
    for reader, name in batches.items():
        batch = plan.batch_of(reader)
        if batch is None or batch.standards or batch.chain == "reader":
            continue
        found, why = coefficient_of(connection, name, reader, on)
        if found is None:
            yield (
                f"There is no coefficient of {reader} in force on {on}: {why}. Calibrate it (acquire calibration"
                " begin), or plan standards of known dose in the same run."
            )
