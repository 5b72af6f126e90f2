"""What the readings of a diode or chamber came to: each attempt by itself, and which counts by the plan's rule."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from msgspec import UNSET

from acquire.dosimetry import pre_irradiated
from acquire.errors import Refused
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.point import Point
from acquire.procedure.records.measured import Charges
from acquire.procedure.records.selection import Integrates, OfCharges, PreIrradiation
from acquire.procedure.results.elsewhere import none_elsewhere_is_larger
from acquire.procedure.results.loading import Bodies, load_named
from acquire.procedure.results.neighbours import own_signal_is_largest
from acquire.procedure.results.point_charges import charges
from acquire.procedure.results.preparing import Preparing
from acquire.procedure.results.waiting_time import unheld


def read_charges(preparing: Preparing, of: OfCharges) -> None:
    """Charges of a point, from the beams that the signal shows. Raises Refused, Invalid, DosimetryError."""
    _read(preparing, of, beams_seen=True)
    _signals_elsewhere(preparing, of)
    preparing.remarks += _of_beams(preparing.measured)


def read_charges_of_first(preparing: Preparing, of: OfCharges) -> None:
    """As it was before beams were recognised: all that was collected between the markers. Raises as the newer one."""
    _read(preparing, of, beams_seen=False)


def _read(preparing: Preparing, of: OfCharges, *, beams_seen: bool) -> None:
    point, inventory, plan = preparing.point, preparing.sources.inventory, preparing.sources.plan
    _pre_irradiation(preparing, of)
    valid = timedelta(minutes=plan.environment_valid_min or 0)
    integrates = integrates_of(of, point, inventory)
    preparing.measured = charges(preparing, of, integrates, valid, beams_seen=beams_seen)
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


def _signals_elsewhere(preparing: Preparing, of: OfCharges) -> None:
    """Diodes of other ports on other instruments. Raises Blocked, Refused."""
    point, integrates = preparing.point, integrates_of(of, preparing.point, preparing.sources.inventory)
    if of.elsewhere is not None and integrates is not None and point.detector is not None:
        others = {name: load_named(preparing.connection, found) for name, found in of.elsewhere.items()}
        none_elsewhere_is_larger(point.detector, preparing.bodies, others, integrates)


def _of_beams(measured: object) -> list[str]:
    """What stands with the result of how long its beams were on."""
    if not isinstance(measured, Charges):
        return []
    made = [each for each in (measured.charge, measured.opposite, measured.reduced) if each is not None]
    beams = [each.beam for charge in made for each in (charge.attempts or (charge,))]
    return [beam.remark for beam in beams if beam is not None and beam.remark is not None]


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
