"""Factors and budget rows of the dose library, from the plain inputs that are stored with a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from acquire.dosimetry import Contribution, Factor, Step
from acquire.dosimetry.dose import shown


def factor_of(entry: Mapping[str, Any]) -> Factor:
    """One factor."""
    return Factor(entry["value"], entry["unit"], entry["u_percent"], entry["source"], shared_key=entry.get("shared"))


def factors_of(entries: Mapping[str, Any]) -> dict[str, Factor]:
    """Factors by name."""
    return {name: factor_of(entry) for name, entry in entries.items()}


def components_of(entries: Sequence[Mapping[str, Any]], per: str | None = None) -> list[Contribution]:
    """Budget rows that belong to no factor: all of them, or those of a "result" or of an "element" alone."""
    wanted = [c for c in entries if per is None or c["per"] == per]
    return [Contribution(c["name"], c["u_percent"], c["source"], shared_key=c.get("shared")) for c in wanted]


def charge_steps(inputs: Mapping[str, Any]) -> tuple[Step, ...]:
    """How the charge (and those at the other voltages) came from the readings; nothing before the measurement."""
    names = {"charge": "M", "opposite": "M at the opposite polarity", "reduced": "M at the lower voltage"}
    measured = [(what, inputs[name]) for name, what in names.items() if "gross_nc" in inputs.get(name, {})]
    return tuple(step for what, charge in measured for step in (*_of_attempts(charge), _charge_step(what, charge)))


def _of_attempts(charge: Mapping[str, Any]) -> list[Step]:
    """Those of several attempts from which leakage was taken off, each by itself."""
    used = [a for a in charge.get("attempts", ()) if a["step"] in charge["used"] and a["subtracted"]]
    return [_charge_step(f"M({each['step']})", each) for each in used]


def _charge_step(what: str, charge: Mapping[str, Any]) -> Step:
    if "attempts" in charge:
        values = [shown(a["nc"]) for a in charge["attempts"] if a["step"] in charge["used"]]
        numbers, formula = f"({' + '.join(values)}) / {len(values)}", f"mean of {', '.join(charge['used'])}"
        return Step(what, formula, numbers, charge["nc"], "nC", "net charges between the markers")
    if charge["subtracted"]:
        numbers = f"{shown(charge['gross_nc'])} − {shown(charge['leakage_nc'])}"
        return Step(what, "Q − I_leak · t", numbers, charge["nc"], "nC", "charge between the markers, leakage")
    return Step(what, "Q", shown(charge["gross_nc"]), charge["nc"], "nC", "charge between the markers")


def repeats_row(charge: Mapping[str, Any], name: str) -> list[Contribution]:
    """The type A row of a charge that is the mean of repeats; for a single one the plan states a type B component."""
    if charge.get("sem_percent") is None:
        return []
    n = charge["repeats"]
    return [Contribution(name, charge["sem_percent"], f"scatter of {n} readings", kind="A", dof=n - 1)]
