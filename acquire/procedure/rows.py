"""Factors and budget rows of the dose library, from the plain inputs that are stored with a result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from acquire.dosimetry import Contribution, Factor


def factor_of(entry: Mapping[str, Any]) -> Factor:
    """One factor."""
    return Factor(entry["value"], entry["unit"], entry["u_percent"], entry["source"], shared_key=entry.get("shared"))


def factors_of(entries: Mapping[str, Any]) -> dict[str, Factor]:
    """Factors by name."""
    return {name: factor_of(entry) for name, entry in entries.items()}


def components_of(entries: Sequence[Mapping[str, Any]], elements: int = 1) -> list[Contribution]:
    """Budget rows that belong to no factor; those of each element count by the root of how many there are."""
    share = {"result": 1.0, "element": math.sqrt(max(1, elements))}
    return [
        Contribution(c["name"], c["u_percent"] / share[c["per"]], c["source"], shared_key=c.get("shared"))
        for c in entries
    ]


def repeats_row(charge: Mapping[str, Any], name: str) -> list[Contribution]:
    """The type A row of a charge that is the mean of repeats; for a single one the plan states a type B component."""
    if charge.get("sem_percent") is None:
        return []
    n = charge["repeats"]
    return [Contribution(name, charge["sem_percent"], f"scatter of {n} readings", kind="A", dof=n - 1)]
