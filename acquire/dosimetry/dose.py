"""A dose as it may be printed: value, uncertainty, budget, and every step a reader can follow with a calculator."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from acquire.dosimetry.budget import Budget, Contribution
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.factor import Factor

FORMULAS_VERSION = "1"  # raised whenever a formula or its order of operations changes


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the calculation: what = formula, with the numbers put in, the result in its unit, and the source."""

    what: str
    formula: str
    numbers: str
    value: float
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Dose:
    """Absorbed dose to water in Gy with its standard uncertainty (k = 1)."""

    value_gy: float
    budget: Budget
    steps: tuple[Step, ...]
    formula: str
    formula_version: str
    inputs_hash: str
    warnings: tuple[str, ...] = ()

    @property
    def u_gy(self) -> float:
        """Standard uncertainty, k = 1."""
        return self.value_gy * self.budget.u_percent / 100

    @property
    def expanded_gy(self) -> float:
        """U = k u."""
        return self.value_gy * self.budget.expanded_percent / 100


@dataclass(slots=True)
class Calculation:
    """Collects steps and budget rows while a formula is worked through; `dose` closes it."""

    formula: str
    inputs: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    rows: list[Contribution] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def step(self, what: str, formula: str, numbers: str, value: float, unit: str, source: str) -> float:
        """Note one step; returns its value. Raises OutsideValidity when it is no finite number."""
        if not math.isfinite(value):
            raise OutsideValidity(f"{what} of {self.formula} is not a finite number: check its inputs.")
        self.steps.append(Step(what, formula, numbers, value, unit, source))
        return value

    def row(self, name: str, factor: Factor, sensitivity: float = 1.0) -> None:
        """A budget row for a factor."""
        self.rows.append(
            Contribution(
                name, factor.u_percent, factor.source, sensitivity=sensitivity, dof=factor.dof,
                shared_key=factor.shared_key,
            )
        )  # fmt: skip

    def dose(self, value_gy: float) -> Dose:
        """The finished dose."""
        return Dose(
            value_gy, Budget(tuple(self.rows)), tuple(self.steps), self.formula, FORMULAS_VERSION,
            inputs_hash(self.formula, self.inputs), tuple(self.warnings),
        )  # fmt: skip


def inputs_hash(formula: str, inputs: Mapping[str, Any]) -> str:
    """SHA-256 of formula, version and inputs: the same inputs give the same hash next year."""
    text = json.dumps([formula, FORMULAS_VERSION, inputs], sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    slots = getattr(type(value), "__slots__", None)
    if slots is None:
        raise TypeError(f"{value!r} cannot be an input of a calculation")
    return {name: _finite(getattr(value, name)) for name in slots}


def _finite(value: object) -> object:
    return "inf" if value == math.inf else value
