"""Uncertainty budgets after the GUM (JCGM 100:2008): relative standard uncertainties of a product, in percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# Coverage factor for 95.45 % by degrees of freedom: JCGM 100:2008, table G.2.
_T_9545 = {
    1: 13.97, 2: 4.53, 3: 3.31, 4: 2.87, 5: 2.65, 6: 2.52, 7: 2.43, 8: 2.37, 9: 2.32, 10: 2.28, 11: 2.25, 12: 2.23,
    13: 2.21, 14: 2.20, 15: 2.18, 16: 2.17, 17: 2.16, 18: 2.15, 19: 2.14, 20: 2.13, 25: 2.11, 30: 2.09, 35: 2.07,
    40: 2.06, 45: 2.06, 50: 2.05, 100: 2.025,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contribution:
    """One row of a budget. `sensitivity` multiplies u_percent (GUM 5.1.3); 1 for a plain factor."""

    name: str
    u_percent: float
    source: str
    kind: Literal["A", "B"] = "B"
    sensitivity: float = 1.0
    dof: float = math.inf
    shared_key: str | None = None

    @property
    def part_percent(self) -> float:
        """What it adds, before squaring."""
        return abs(self.sensitivity) * self.u_percent


@dataclass(frozen=True, slots=True)
class Budget:
    """The rows, and what they sum to."""

    rows: tuple[Contribution, ...]

    @property
    def u_percent(self) -> float:
        """Combined relative standard uncertainty, k = 1 (GUM 5.1.2, uncorrelated)."""
        return math.sqrt(sum(row.part_percent**2 for row in self.rows))

    @property
    def dof(self) -> float:
        """Effective degrees of freedom (Welch-Satterthwaite, GUM G.4.1)."""
        spread = sum(row.part_percent**4 / row.dof for row in self.rows if row.part_percent)
        return self.u_percent**4 / spread if spread else math.inf

    @property
    def k(self) -> float:
        """Coverage factor for 95.45 %: 2 for ample degrees of freedom, table G.2 below that (next lower entry)."""
        return coverage_factor(self.dof)

    @property
    def expanded_percent(self) -> float:
        """U = k u, in percent."""
        return self.k * self.u_percent


def coverage_factor(dof: float) -> float:
    """k for 95.45 % and these degrees of freedom (JCGM 100:2008 table G.2); at least one degree is needed."""
    if dof > max(_T_9545):
        return 2.0
    return _T_9545[max((n for n in _T_9545 if n <= dof), default=1)]


def quadrature(parts: Sequence[float]) -> float:
    """Root of the sum of squares."""
    return math.sqrt(sum(part * part for part in parts))
