"""Results that share a calibration or a reader: sums and means, with what is common counted as common (GUM 5.2)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from acquire.dosimetry.budget import Budget, Contribution, coverage_factor, effective_dof
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields
from acquire.sums import added


@dataclass(frozen=True, slots=True)
class Term:
    """weight × value, with the relative budget of the value; `scale` is what the percentages of the budget refer to."""

    value: float
    budget: Budget
    weight: float = 1.0
    scale: float | None = None

    def __post_init__(self) -> None:
        finite_fields(self)


@dataclass(frozen=True, slots=True)
class Part:
    """What one row, or one group of rows that are common, adds to a combination, in the value's unit."""

    name: str
    u: float
    shared_key: str | None
    dof: float
    kind: Literal["A", "B"]
    source: str = "combined results"
    sign: float = 1.0


@dataclass(frozen=True, slots=True)
class Combined:
    """A linear combination: value and standard uncertainty in the terms' unit, and its parts by row."""

    value: float
    u: float
    dof: float
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        finite_fields(self)

    @property
    def expanded(self) -> float:
        """U = k u, in the unit of the value."""
        return coverage_factor(self.dof) * self.u

    def budget(self) -> Budget:
        """The relative budget of the combination. Raises OutsideValidity when its value is zero."""
        if self.value == 0:
            raise OutsideValidity("A combination of value zero has no relative uncertainty.")
        rows = (
            Contribution(p.name, 100 * abs(p.u / self.value), p.source, p.kind, p.sign, p.dof, p.shared_key)
            for p in self.parts
        )
        return Budget(tuple(rows))


@finite
def combine(terms: Sequence[Term]) -> Combined:
    """Σ weight·value. Rows with the same name and shared_key add linearly with their signs, all others apart.

    Raises OutsideValidity.
    """
    if not terms:
        raise OutsideValidity("There is nothing to combine.")
    sums: dict[tuple[str, str | None, int], float] = defaultdict(float)
    firsts: dict[tuple[str, str | None, int], Contribution] = {}
    for i, term in enumerate(terms):
        scale = term.value if term.scale is None else term.scale
        for j, row in enumerate(term.budget.rows):
            own = -1 if row.shared_key is not None else 1000 * i + j
            key = (row.name, row.shared_key, own)
            sums[key] += term.weight * scale * row.sensitivity * row.u_percent / 100
            if row.dof < firsts.setdefault(key, row).dof:
                firsts[key] = row
    u = math.sqrt(math.fsum(part * part for part in sums.values()))
    dof = effective_dof([(abs(part), firsts[key].dof) for key, part in sums.items()])
    parts = tuple(
        Part(key[0], abs(part), key[1], firsts[key].dof, firsts[key].kind, firsts[key].source, math.copysign(1.0, part))
        for key, part in sums.items()
    )
    return Combined(math.fsum(t.weight * t.value for t in terms), u, dof, parts)


@finite
def mean_of_doses(doses_gy: Sequence[float], budgets: Sequence[Budget]) -> Combined:
    """Arithmetic mean of doses in Gy, correlated through their shared rows. Raises OutsideValidity for none."""
    n = len(doses_gy)
    return combine([Term(dose, budget, 1 / n) for dose, budget in zip(doses_gy, budgets, strict=True)])


@finite
def mean_of_deviations(deviations_percent: Sequence[float], budgets: Sequence[Budget]) -> Combined:
    """Mean of deviations in percent; the budgets' percentages are percentages of the expected dose (first order).

    Raises OutsideValidity for none.
    """
    n = len(deviations_percent)
    pairs = zip(deviations_percent, budgets, strict=True)
    return combine([Term(deviation, budget, 1 / n, 100.0) for deviation, budget in pairs])


@finite
def weighted_mean(doses_gy: Sequence[float], budgets: Sequence[Budget]) -> Combined:
    """Mean weighted by 1/u² of the parts that are not shared; what is shared stays common. Raises OutsideValidity."""
    own = [
        math.sqrt(added((dose * row.part_percent / 100) ** 2 for row in budget.rows if row.shared_key is None))
        for dose, budget in zip(doses_gy, budgets, strict=True)
    ]
    if not own or min(own) <= 0:
        raise OutsideValidity("A weighted mean needs an own uncertainty above 0 for each result.")
    total = math.fsum(1 / u**2 for u in own)
    weights = [1 / u**2 / total for u in own]
    return combine([Term(d, b, w) for d, b, w in zip(doses_gy, budgets, weights, strict=True)])


@finite
def correlation_coefficient(first: Term, second: Term) -> float:
    """r of two results, from the rows they share (GUM 5.2.2). Raises OutsideValidity."""
    together, apart = combine([first, second]), combine([first, Term(second.value, second.budget, -second.weight)])
    u1, u2 = combine([first]).u, combine([second]).u
    if u1 == 0 or u2 == 0:
        raise OutsideValidity("A correlation needs two results with an uncertainty above 0.")
    return (together.u**2 - apart.u**2) / (4 * u1 * u2)
