"""A dose explained in text: factors with their sources, each step with its numbers, the budget and what it sums to."""

from __future__ import annotations

import math

from acquire.dosimetry.budget import Budget
from acquire.dosimetry.dose import Dose


def explain(dose: Dose) -> str:
    """What a physicist needs to follow the result with a pocket calculator; ends with version and input hash."""
    lines = [dose.formula, "", "factors"]
    for name, factor in dose.factors:
        value = _with_unit(factor.value, factor.unit)
        lines.append(f"  {factor.symbol or name} = {value}   u {factor.u_percent:g} %   {factor.source}")
    lines += ["", "steps"]
    for step in dose.steps:
        lines += [f"  {step.what} = {step.formula}", f"    = {step.numbers}"]
        lines.append(f"    = {_with_unit(step.value, step.unit)}   ({step.source})")
    lines += ["", budget_table(dose.budget), ""]
    expanded = f"U = {_two(dose.expanded_gy)} Gy (k = {dose.budget.k:.2f})"
    lines.append(f"D = {dose.value_gy:.6g} Gy, u = {_two(dose.u_gy)} Gy, {expanded}")
    lines += [f"warning: {warning}" for warning in dose.warnings]
    lines.append(f"formula version {dose.formula_version}, inputs {dose.inputs_hash}")
    return "\n".join(lines) + "\n"


def budget_table(budget: Budget) -> str:
    """The budget as a table whose last column, squared and summed, gives the square of what is stated."""
    width = max([len(row.name) for row in budget.rows] + [9])
    lines = [f"{'component':<{width}}  type  u %     c        part %"]
    for row in budget.rows:
        numbers = f"{row.u_percent:<6.3g}  {row.sensitivity:<+7.3g}  {row.part_percent:.4f}"
        lines.append(f"{row.name:<{width}}  {row.kind:<4}  {numbers}")
    dof = "∞" if math.isinf(budget.dof) else f"{budget.dof:.0f}"
    total = f"u = {budget.u_percent:.4f} %, ν = {dof}, k = {budget.k:.2f}, U = {budget.expanded_percent:.4f} %"
    lines.append(f"{'combined':<{width}}  {total}")
    return "\n".join(lines)


def _with_unit(value: float, unit: str) -> str:
    return f"{value:.8g}" if unit == "1" else f"{value:.8g} {unit}"


def _two(value: float) -> str:
    """Two significant digits, as an uncertainty is printed."""
    return f"{value:.2g}"
