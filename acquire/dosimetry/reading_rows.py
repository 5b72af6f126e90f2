"""What the scatter of a chamber's or diode's readings, and of the leakage taken off them, does to its dose.

The reading at the reference polarity and voltage stands in k_pol and k_s too, so that its part is not 1: with
k_pol = (|M| + |M_o|)/(2 |M|) half of it goes over to the opposite polarity (law of propagation, GUM 5.1.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields

AT_OPPOSITE, AT_LOWER = "readings at the opposite polarity", "readings at the lower voltage"


@dataclass(frozen=True, slots=True)
class ReadCharge:
    """A net charge with its sign in nC: mean of n readings with the standard deviation of the mean in percent.

    time_s: how long each took, and so how long leakage was in it. sem_percent is None for a single reading.
    """

    nc: float
    time_s: float = 0.0
    sem_percent: float | None = None
    n: int = 1

    def __post_init__(self) -> None:
        finite_fields(self)
        if self.nc == 0:
            raise OutsideValidity("A reading of zero has no relative uncertainty.")


@dataclass(frozen=True, slots=True)
class LeakageFit:
    """Standard uncertainty of the leakage current that was taken off, from the fit of its beam-off readings."""

    u_nc_per_s: float
    dof: float

    def __post_init__(self) -> None:
        finite_fields(self)


@finite
def reading_rows(
    charge: ReadCharge,
    name: str,
    *,
    opposite: ReadCharge | None = None,
    reduced: ReadCharge | None = None,
    k_s_follows: float = 0.0,
    leakage: LeakageFit | None = None,
) -> list[Contribution]:
    """Rows of the scatter of repeats (type A) and of the leakage, which all the readings have in common.

    opposite, reduced: where k_pol and k_s were made from readings of this session; k_s_follows: relative change of k_s
    for a relative change of M1/M2 there. A single reading has no row: the plan states a component for it.
    """
    weights: dict[str, tuple[ReadCharge, float]] = {name: (charge, 1.0)}
    if opposite is not None:
        share = abs(opposite.nc) / (abs(charge.nc) + abs(opposite.nc))
        weights = {name: (charge, 1.0 - share), AT_OPPOSITE: (opposite, share)}
    if reduced is not None:
        weights[name] = (charge, weights[name][1] + k_s_follows)
        weights[AT_LOWER] = (reduced, -k_s_follows)
    rows = [
        Contribution(each, read.sem_percent, f"scatter of {read.n} readings", "A", weight, read.n - 1)
        for each, (read, weight) in weights.items()
        if read.sem_percent is not None
    ]
    return rows if leakage is None else [*rows, _leakage(weights, leakage)]


def _leakage(weights: Mapping[str, tuple[ReadCharge, float]], leakage: LeakageFit) -> Contribution:
    """One current for all readings: its error has one sign, the charges may have two."""
    per_nc_per_s = math.fsum(weight * read.time_s / read.nc for read, weight in weights.values())
    u_percent = 100 * leakage.u_nc_per_s * abs(per_nc_per_s)
    return Contribution("leakage", u_percent, "fit of the beam-off readings", "A", dof=leakage.dof)
