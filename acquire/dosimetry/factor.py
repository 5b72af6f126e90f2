"""A factor is a number with its unit, its uncertainty and where it comes from; all four or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from acquire.dosimetry.errors import MissingFactor, OutsideValidity


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a formula.

    value is in `unit` (UCUM, "1" for none); u_percent its relative standard uncertainty (k = 1), dof the degrees of
    freedom of that. `shared_key` names a calibration or reader that other results share (correlation).
    """

    value: float
    unit: str
    u_percent: float
    source: str
    dof: float = math.inf
    shared_key: str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or not math.isfinite(self.u_percent) or self.u_percent < 0:
            raise OutsideValidity(f"A factor of {self.source} is no finite number with an uncertainty of 0 % or more.")
        if not self.source:
            raise MissingFactor("A factor without its source is not used: name the certificate or table.")


def needed(factors: Mapping[str, Factor], name: str, unit: str, formula: str) -> Factor:
    """The factor `name` in the unit the formula needs. Raises MissingFactor; OutsideValidity for another unit."""
    if name not in factors:
        raise MissingFactor(f"{formula} needs {name}, and it is not given; it is never taken as 1.")
    factor = factors[name]
    if factor.unit != unit:
        raise OutsideValidity(f"{formula} needs {name} in {unit}, not in {factor.unit}.")
    return factor
