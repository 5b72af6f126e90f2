"""The law of propagation for any model, with correlated inputs, by numerical derivatives (GUM 5.1.2, 5.2.2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from acquire.dosimetry.budget import coverage_factor, effective_dof
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields


@dataclass(frozen=True, slots=True)
class InputQuantity:
    """An input of a model: value and standard uncertainty in its own unit, and degrees of freedom."""

    value: float
    u: float
    dof: float = math.inf

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.u) and self.u >= 0 and self.dof >= 1):
            raise OutsideValidity("A quantity needs a finite value, u of 0 or more, and at least 1 degree of freedom.")


@dataclass(frozen=True, slots=True)
class Propagated:
    """Result of a model: value, standard uncertainty, degrees of freedom, and c_i u_i of each input."""

    value: float
    u: float
    dof: float
    parts: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        finite_fields(self)

    @property
    def k(self) -> float:
        """Coverage factor for 95.45 %."""
        return coverage_factor(self.dof)


Model = Callable[..., float]
Correlations = Mapping[tuple[str, str], float]


@finite
def propagate(
    model: Model, inputs: Mapping[str, InputQuantity], correlations: Correlations | None = None
) -> Propagated:
    """y = model(**values), u² = Σ Σ c_i c_j u_i u_j r_ij; c_i by central differences over ± u_i (GUM 5.1.3, note 2).

    correlations: r for pairs of input names; pairs that are not named are independent. The degrees of freedom are those
    of Welch and Satterthwaite, which hold for independent inputs only. Raises OutsideValidity.
    """
    values = {name: each.value for name, each in inputs.items()}
    parts = {name: _part(model, values, name, each.u) for name, each in inputs.items()}
    variance = math.fsum(part * part for part in parts.values())
    for (a, b), r in (correlations or {}).items():
        if a not in inputs or b not in inputs or a == b or not -1 <= r <= 1:
            raise OutsideValidity(f"The correlation of '{a}' and '{b}' must name two inputs and lie in -1 to 1.")
        variance += 2 * r * parts[a] * parts[b]
    if variance < -1e-12 * math.fsum(part * part for part in parts.values()):
        raise OutsideValidity("The correlations contradict each other: the variance would be negative.")
    dof = effective_dof([(abs(parts[name]), each.dof) for name, each in inputs.items()])
    return Propagated(float(model(**values)), math.sqrt(max(0.0, variance)), dof, tuple(parts.items()))


def _part(model: Model, values: Mapping[str, float], name: str, u: float) -> float:
    if u == 0:
        return 0.0
    high = model(**{**values, name: values[name] + u})
    low = model(**{**values, name: values[name] - u})
    return float(high - low) / 2
