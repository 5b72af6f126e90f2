"""A factor is a number with its unit, its uncertainty and where it comes from; all four or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from acquire.dosimetry.errors import MissingFactor, OutsideValidity


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The day and the beam of a measurement: what factors are held against before they are used."""

    on: date | None = None
    beam: str | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a formula.

    value is in `unit` (UCUM, "1" for none); u_percent its relative standard uncertainty (k = 1; 0 only where the source
    says why), dof the degrees of freedom of that. `shared_key` names a calibration or reader that other results share:
    two budget rows of the same name and key are fully correlated (see acquire.dosimetry.correlation). `symbol` and
    `name` are for print; `valid_from`, `valid_until` (both days included) and `beam` bind it to its certificate.
    """

    value: float
    unit: str
    u_percent: float
    source: str
    dof: float = math.inf
    shared_key: str | None = None
    symbol: str = ""
    name: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    beam: str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or not math.isfinite(self.u_percent) or self.u_percent < 0:
            raise OutsideValidity(f"A factor of {self.source} is no finite number with an uncertainty of 0 % or more.")
        if not self.source:
            raise MissingFactor("A factor without its source is not used: name the certificate or table.")
        if not self.dof >= 1:
            raise OutsideValidity(f"A factor of {self.source} has {self.dof} degrees of freedom; at least 1 is needed.")

    def check(self, what: str, at: Circumstances) -> None:
        """Hold the factor against the day and the beam of a measurement. Raises OutsideValidity."""
        if at.on is not None and self.valid_from is not None and at.on < self.valid_from:
            raise OutsideValidity(f"{what} ({self.source}) holds only from {self.valid_from}, not on {at.on}.")
        if at.on is not None and self.valid_until is not None and at.on > self.valid_until:
            days = (at.on - self.valid_until).days
            raise OutsideValidity(
                f"{what} ({self.source}) ended on {self.valid_until}, {days} day(s) before the measurement of {at.on}:"
                " calibrate again, or measure with standards of known dose in the same session."
            )
        if at.beam is not None and self.beam is not None and at.beam != self.beam:
            raise OutsideValidity(
                f"{what} ({self.source}) is a calibration for the beam {self.beam}; the measurement was in {at.beam}."
            )


def needed(
    factors: Mapping[str, Factor], name: str, unit: str, formula: str, at: Circumstances | None = None
) -> Factor:
    """The factor `name` in the unit the formula needs.

    Raises MissingFactor; OutsideValidity for another unit, another day or another beam.
    """
    if name not in factors:
        raise MissingFactor(f"{formula} needs {name}, and it is not given; it is never taken as 1.")
    factor = factors[name]
    if factor.unit != unit:
        raise OutsideValidity(f"{formula} needs {name} in {unit}, not in {factor.unit}.")
    if at is not None:
        factor.check(name, at)
    return factor


def no_others(factors: Mapping[str, Factor], used: Iterable[str], formula: str) -> None:
    """Raises OutsideValidity for a factor that the formula has no place for, as a mistyped name would leave it out."""
    known = tuple(used)
    for name in factors:
        if name not in known:
            raise OutsideValidity(f"{formula} has no place for {name}; it uses {', '.join(known)}.")


def believable_factor(factor: Factor, what: str, low: float, high: float) -> Factor:
    """The factor, which must lie in a range, in its unit, that only catches mistyped ones. Raises OutsideValidity."""
    if not low <= factor.value <= high:
        raise OutsideValidity(
            f"{what} = {factor.value:g} ({factor.source}) lies outside {low:g} to {high:g}: look for a mistyped digit."
        )
    return factor


def positive(factor: Factor, what: str) -> Factor:
    """The factor, which must be above 0. Raises OutsideValidity."""
    if factor.value <= 0:
        raise OutsideValidity(f"{what} = {factor.value:g} ({factor.source}) must be above 0.")
    return factor
