"""A dose as it may be printed: value, uncertainty, budget, and every step a reader can follow with a calculator."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from acquire.dosimetry.budget import Budget, Contribution
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.factor import Factor

# Of every formula that states none of its own. One that changes keeps its old function beside the new, which says its
# own version to its Calculation: whoever verifies a stored result calculates with the function it was made by.
FORMULAS_VERSION = "2"


@dataclass(frozen=True, slots=True)
class CalculationStep:
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
    steps: tuple[CalculationStep, ...]
    formula: str
    formula_version: str
    inputs_hash: str
    warnings: tuple[str, ...] = ()
    factors: tuple[tuple[str, Factor], ...] = ()

    @property
    def u_gy(self) -> float:
        """Standard uncertainty in Gy, k = 1."""
        return self.value_gy * self.budget.u_percent / 100

    @property
    def expanded_gy(self) -> float:
        """U = k u in Gy."""
        return self.value_gy * self.budget.expanded_percent / 100


@dataclass(slots=True)
class Calculation:
    """Collects steps and budget rows while a formula is worked through; `dose` closes it.

    version: that of the formula; raised with every change of a bit of what it gives.
    """

    formula: str
    inputs: Mapping[str, Any]
    steps: list[CalculationStep] = field(default_factory=list)
    rows: list[Contribution] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    factors: dict[str, Factor] = field(default_factory=dict)
    version: str = FORMULAS_VERSION

    def step(self, what: str, formula: str, numbers: str, value: float, unit: str, source: str) -> float:
        """Note one step and return its value, in `unit` (UCUM). Raises OutsideValidity for one that is not finite."""
        if not math.isfinite(value):
            raise OutsideValidity(f"{what} of {self.formula} is not a finite number: check its inputs.")
        self.steps.append(CalculationStep(what, formula, numbers, value, unit, source))
        return value

    def row(self, name: str, factor: Factor, sensitivity: float = 1.0) -> None:
        """A budget row for a factor, which is listed among the factors used; sensitivity in percent per percent."""
        self.factors[name] = factor
        self.rows.append(
            Contribution(
                name, factor.u_percent, factor.source, sensitivity=sensitivity, dof=factor.dof,
                shared_key=factor.shared_key,
            )
        )  # fmt: skip

    def dose(self, value_gy: float) -> Dose:
        """The finished dose. Raises OutsideValidity when it is no finite number."""
        if not math.isfinite(value_gy):
            raise OutsideValidity(f"{self.formula} gives no finite number: check its inputs.")
        return Dose(
            value_gy, Budget(tuple(self.rows)), tuple(self.steps), self.formula, self.version,
            inputs_hash(self.formula, self.inputs, self.version), tuple(self.warnings), tuple(self.factors.items()),
        )  # fmt: skip


def inputs_hash(formula: str, inputs: Mapping[str, Any], version: str = FORMULAS_VERSION) -> str:
    """SHA-256 of formula, version and inputs: the same inputs give the same hash next year.

    Fields of factors and rows that stand at their default are left out: a later, optional field changes nothing.
    """
    text = json.dumps([formula, version, inputs], sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, type) or not hasattr(value, "__dataclass_fields__"):
        raise TypeError(f"{value!r} cannot be an input of a calculation")
    return {
        each.name: _finite(getattr(value, each.name))
        for each in fields(value)  # type: ignore[arg-type]  # hasattr above shows it is a dataclass
        if getattr(value, each.name) != each.default
    }


def _finite(value: object) -> object:
    return "inf" if value == math.inf else value


def shown(value: float) -> str:
    """A number as it stands in a step: enough digits to follow the calculation to six figures, with a true minus."""
    return f"{value:.8g}".replace("-", "\u2212")
