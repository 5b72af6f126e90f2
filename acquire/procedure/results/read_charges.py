"""What the readings of a diode or chamber came to: each attempt by itself, and which counts by the plan's rule."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from msgspec import UNSET

from acquire.dosimetry import pre_irradiated
from acquire.errors import Refused
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.point import Point
from acquire.procedure.records.selection import Integrates, OfCharges, PreIrradiation
from acquire.procedure.results.loading import Bodies, load_named
from acquire.procedure.results.neighbours import own_signal_is_largest
from acquire.procedure.results.point_charges import charges
from acquire.procedure.results.preparing import Preparing
from acquire.procedure.results.waiting_time import unheld


def read_charges(preparing: Preparing, of: OfCharges) -> None:
    """Charges of a point. Raises Refused, Invalid, DosimetryError."""
    point, inventory, plan = preparing.point, preparing.sources.inventory, preparing.sources.plan
    _pre_irradiation(preparing, of)
    valid = timedelta(minutes=plan.environment_valid_min or 0)
    integrates = integrates_of(of, point, inventory)
    preparing.measured = charges(preparing, of, integrates, valid)
    largest_signal(preparing.connection, of, point, inventory, preparing.bodies)
    preparing.remarks += unheld(preparing.selection, of, point)


def integrates_of(of: OfCharges, point: Point, inventory: Inventory) -> Integrates | None:
    """As it was written down when the charges were measured, or else as the inventory has it typed."""
    written = None if of.integrates is UNSET else of.integrates
    return written or inventory.instrument_named(point.instrument or "").integrates


def largest_signal(
    connection: sqlite3.Connection, of: OfCharges, point: Point, inventory: Inventory, bodies: Bodies
) -> None:
    """Diodes of other ports that were read during this one. Raises Blocked, Invalid, Refused."""
    if of.neighbours is None:
        return
    integrates = integrates_of(of, point, inventory)
    if integrates is None or point.detector is None:
        return
    others = {name: load_named(connection, found) for name, found in of.neighbours.items()}
    own_signal_is_largest(point.detector, bodies, others, integrates)


def _pre_irradiation(preparing: Preparing, of: OfCharges) -> None:
    """What the chamber received before its readings, where the plan asks for it. Raises Refused, Blocked."""
    point = preparing.point
    if point.pre_irradiation_gy is None:
        return
    if not isinstance(of.pre_irradiation, PreIrradiation) or of.pre_irradiation.gy is None:
        raise Refused(
            f"What {point.detector} received before its readings is not stated (acquire session pre-irradiated); the"
            f" plan asks for {point.pre_irradiation_gy:g} Gy."
        )
    stated = of.pre_irradiation
    pre_irradiated(of.pre_irradiation.gy, point.pre_irradiation_gy)
    preparing.remarks.append(
        f"{point.detector} received {of.pre_irradiation.gy:g} Gy before its readings ({stated.reason.rstrip('.')})."
    )
