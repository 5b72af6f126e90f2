"""A dose method as a value: everything that the rooms of the procedure ask of it, in one declaration.

Who adds one writes the formula into acquire.dosimetry and one file of this package that ends in `METHOD = Method(...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from msgspec import Struct

from acquire.dosimetry import Dose
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.calibrations import Calibration, Calibrations
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.releases import FIRST
from acquire.procedure.records.needs import Needs
from acquire.procedure.records.output import Output

N = TypeVar("N", bound=Needs)
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Sources:
    """The documents that a dose is made with, and the day on which they must hold."""

    plan: Plan
    inventory: Inventory
    calibrations: Calibrations
    on: date


def no_doubt(point: Point, inventory: Inventory, calibration: Calibration) -> None:
    """Nothing of this method's documents is held against a published size."""


def holds_any(needs: Needs, dose: Dose) -> None:
    """Nothing of a nominal dose can be too much for this method."""


def by_position(point: Point) -> str:
    """Points inside and outside the field are charted apart."""
    return point.position


@dataclass(frozen=True, slots=True)
class Method(Generic[N, M]):
    """One method in one version.

    title     as the record prints it, before the detector's name
    asks      of plan and inventory: how its points are measured
    records   what its inputs are kept as: needs, and what was measured (None for a mean of other points)
    needs     what the formula needs besides the signal. Raises Refused for what is missing, of another beam or over
    dose      needs and what was measured to a dose. Raises DosimetryError or Invalid
    nominal   needs and a nominal signal before the measurement; None where nothing can be said before it
    holds     raises DosimetryError where the nominal dose would be too much for what it is measured with
    believed  raises DosimetryError or Refused for a number of the documents that cannot be
    report    instead of a dose: what is reported of a point that has none; the remarks go with it
    trend     the kind of point by which its deviations are charted
    since     the release of the formulas from which on this version counts (acquire.procedure.methods.releases)
    """

    name: str
    title: str
    asks: Asks
    records: tuple[type[N], type[Struct] | None]
    needs: Callable[[Sources, Point], N]
    dose: Callable[[N, M], Dose] | None = None
    nominal: Callable[[Sources, Point, N], tuple[N, M]] | None = None
    holds: Callable[[N, Dose], None] = holds_any
    believed: Callable[[Point, Inventory, Calibration], None] = no_doubt
    report: Callable[[N, M, Sequence[str]], Output] | None = None
    trend: Callable[[Point], str] = by_position
    since: str = field(default=FIRST)
