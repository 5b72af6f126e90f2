"""Repeated readings: their mean and what their scatter says (type A, GUM 4.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from acquire.dosimetry import guards
from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.errors import MissingFactor
from acquire.dosimetry.finite import finite, finite_fields


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean of n readings in their unit, with the standard deviation of the mean in percent (None for one reading)."""

    value: float
    n: int
    sem_percent: float | None

    def __post_init__(self) -> None:
        finite_fields(self)

    def row(self, name: str, source: str) -> Contribution:
        """The type A row of a budget. Raises MissingFactor for a single reading: its scatter is not known."""
        if self.sem_percent is None:
            raise MissingFactor(f"'{name}' was read once: give a type B uncertainty for it, or repeat it.")
        return Contribution(name, self.sem_percent, source, kind="A", dof=self.n - 1)


@finite
def mean_of(readings: Sequence[float], limit_percent: float | None = None) -> Mean:
    """Mean of repeats in one unit and one polarity. Independent of their order, bit for bit.

    Raises MissingFactor for none; Blocked for mixed signs or, with a limit, for a span above it.
    """
    if not readings:
        raise MissingFactor("There is no reading.")
    guards.one_sign(readings)
    if limit_percent is not None:
        guards.alike(readings, limit_percent)
    n = len(readings)
    mean = math.fsum(readings) / n
    if n == 1 or mean == 0:
        return Mean(mean, n, None)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in readings) / (n - 1))
    return Mean(mean, n, 100 * deviation / math.sqrt(n) / abs(mean))
