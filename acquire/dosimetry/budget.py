"""Uncertainty budgets after the GUM (JCGM 100:2008): relative standard uncertainties of a product, in percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from acquire.dosimetry.distributions import student_t_k
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite, hold
from acquire.sums import added

COVERAGE = 0.9545  # the probability for which k = 2 with ample degrees of freedom


@dataclass(frozen=True, slots=True)
class Contribution:
    """One row of a budget. `sensitivity` multiplies u_percent (GUM 5.1.3); 1 for a plain factor.

    kind is "A" (from a series of observations, dof = n - 1) or "B" (everything else). `shared_key` names what other
    results have in common with this row: rows of two results are fully correlated when name and key are the same.
    """

    name: str
    u_percent: float
    source: str
    kind: Literal["A", "B"] = "B"
    sensitivity: float = 1.0
    dof: float = math.inf
    shared_key: str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.u_percent) or self.u_percent < 0 or not math.isfinite(self.sensitivity):
            raise OutsideValidity(f"The uncertainty of '{self.name}' must be a finite number of 0 % or more.")
        if not self.dof >= 1:
            raise OutsideValidity(f"'{self.name}' has {self.dof} degrees of freedom; at least 1 is needed.")

    @property
    def part_percent(self) -> float:
        """What it adds, before squaring."""
        return abs(self.sensitivity) * self.u_percent


@dataclass(frozen=True, slots=True)
class Budget:
    """The rows, and what they sum to. Rows of one name and shared_key are fully correlated, all others independent."""

    rows: tuple[Contribution, ...]

    @property
    def u_percent(self) -> float:
        """Combined relative standard uncertainty, k = 1 (GUM 5.2.2: what is common adds up with its sign first)."""
        return math.sqrt(added(part**2 for part, _ in self._parts()))

    def _parts(self) -> list[tuple[float, float]]:
        """(size in percent, degrees of freedom) of what is independent of the rest."""
        sums: dict[tuple[str, str | int], tuple[float, float]] = {}
        for n, row in enumerate(self.rows):
            key = (row.name, n if row.shared_key is None else row.shared_key)
            part, dof = sums.get(key, (0.0, row.dof))
            sums[key] = (part + row.sensitivity * row.u_percent, min(dof, row.dof))
        return [(abs(part), dof) for part, dof in sums.values()]

    @property
    def type_a_percent(self) -> float:
        """The part evaluated from series of observations, k = 1."""
        return quadrature([row.part_percent for row in self.rows if row.kind == "A"])

    @property
    def type_b_percent(self) -> float:
        """The part evaluated by other means, k = 1."""
        return quadrature([row.part_percent for row in self.rows if row.kind == "B"])

    @property
    def dof(self) -> float:
        """Effective degrees of freedom (Welch-Satterthwaite, GUM G.4.1)."""
        return effective_dof(self._parts())

    @property
    def k(self) -> float:
        """Coverage factor for 95.45 %: 2 for ample degrees of freedom, Student's t below that (GUM G.3, G.4)."""
        return coverage_factor(self.dof)

    @property
    def expanded_percent(self) -> float:
        """U = k u, in percent."""
        return self.k * self.u_percent

    def with_rows(self, *rows: Contribution) -> Budget:
        """The budget with further rows."""
        return Budget(self.rows + rows)

    def scaled(self, sensitivity: float) -> Budget:
        """The budget of a quantity that depends on this one with a relative sensitivity (1: percent for percent)."""
        return Budget(tuple(replace(row, sensitivity=row.sensitivity * sensitivity) for row in self.rows))


def effective_dof(parts: Sequence[tuple[float, float]]) -> float:
    """ν_eff = u_c⁴ / Σ(u_i⁴/ν_i) for (part, degrees of freedom) pairs (GUM G.2b); infinite when every ν_i is.

    Raises OutsideValidity.
    """
    for part, dof in parts:
        hold("part", part)
        hold("dof", dof)
        if dof < 1:
            raise OutsideValidity(f"There are {dof:g} degrees of freedom; at least 1 is needed.")
    spread = added(part**4 / dof for part, dof in parts if part)
    return added(part**2 for part, _ in parts) ** 2 / spread if spread else math.inf


@finite
def coverage_factor(dof: float, p: float = COVERAGE) -> float:
    """k = t_p(ν) for these degrees of freedom, cut down to a whole number (GUM G.4.1); exactly 2 for infinite ones.

    A whole number that Welch and Satterthwaite's formula misses by rounding alone is that number: 3, not 2.
    """
    if math.isinf(dof):
        return 2.0 if p == COVERAGE else student_t_k(p, math.inf)
    return student_t_k(p, float(max(1, math.floor(dof * (1 + 1e-12)))))


@finite
def quadrature(parts: Sequence[float]) -> float:
    """Root of the sum of squares, in the unit of the parts."""
    return math.sqrt(added(part * part for part in parts))


@finite
def standard_from_certificate(expanded_percent: float, k: float) -> float:
    """u = U/k of a certificate, in percent (GUM 4.3.3). The k is the certificate's; there is no default.

    Raises OutsideValidity.
    """
    if k <= 0 or expanded_percent < 0:
        raise OutsideValidity(f"A certificate's uncertainty needs U of 0 % or more and k above 0, not {k}.")
    return expanded_percent / k
