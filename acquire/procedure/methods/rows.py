"""Factors and budget rows of the dose library, from the plain inputs that are stored with a result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from acquire.dosimetry import CalculationStep, Contribution, Factor, LeakageFit, ReadCharge, reading_rows
from acquire.dosimetry.dose import shown
from acquire.procedure.methods.collected_charge import Invalid


def factor_of(entry: Mapping[str, Any]) -> Factor:
    """One factor, from what a stored row says of it: value in its UCUM unit, u in percent, source."""
    dof, shared = entry.get("dof") or math.inf, entry.get("shared")
    return Factor(entry["value"], entry["unit"], entry["u_percent"], entry["source"], dof, shared)


def factors_of(entries: Mapping[str, Any]) -> dict[str, Factor]:
    """The same for several factors, by name."""
    return {name: factor_of(entry) for name, entry in entries.items()}


def components_of(entries: Sequence[Mapping[str, Any]], per: str | None = None) -> list[Contribution]:
    """Budget rows that belong to no factor: all of them, or those of a "result" or of an "element" alone."""
    wanted = [c for c in entries if per is None or c["per"] == per]
    return [
        Contribution(
            c["name"], c["u_percent"], c["source"], dof=c.get("dof") or math.inf, shared_key=c.get("shared")
        )
        for c in wanted
    ]  # fmt: skip


def charge_steps(inputs: Mapping[str, Any]) -> tuple[CalculationStep, ...]:
    """How the charge (and those at the other voltages) came from the readings; nothing before the measurement."""
    names = {"charge": "M", "opposite": "M at the opposite polarity", "reduced": "M at the lower voltage"}
    measured = [(what, inputs[name]) for name, what in names.items() if "gross_nc" in inputs.get(name, {})]
    return tuple(step for what, charge in measured for step in (*_of_attempts(charge), _charge_step(what, charge)))


def ambient_steps(inputs: Mapping[str, Any]) -> tuple[CalculationStep, ...]:
    """Which entry of the ambient conditions the readings are corrected with; nothing before the measurement."""
    ambient = inputs["environment"]
    if "step" not in ambient:
        return ()
    side = "before" if ambient["minutes"] >= 0 else "after the beginning of"
    source = f"{ambient['source']}: air {ambient['n']}, {abs(ambient['minutes']):.0f} min {side} {ambient['step']}"
    values = (("T", ambient["temperature_c"], "Cel"), ("P", ambient["pressure_kpa"], "kPa"))
    return tuple(
        CalculationStep(what, "entry nearest in time", f"{value}", value, unit, source) for what, value, unit in values
    )


def _of_attempts(charge: Mapping[str, Any]) -> list[CalculationStep]:
    """Those of several attempts whose charge is not what was collected, each by itself."""
    used = [a for a in charge.get("attempts", ()) if a["step"] in charge["used"]]
    return [_charge_step(f"M({each['step']})", each) for each in used if each["subtracted"] or "brought" in each]


def _charge_step(what: str, charge: Mapping[str, Any]) -> CalculationStep:
    if "attempts" in charge:
        values = [shown(a["nc"]) for a in charge["attempts"] if a["step"] in charge["used"]]
        numbers, formula = f"({' + '.join(values)}) / {len(values)}", f"mean of {', '.join(charge['used'])}"
        return CalculationStep(what, formula, numbers, charge["nc"], "nC", "net charges between the markers")
    formula, numbers, source = "Q", shown(charge["gross_nc"]), "charge between the markers"
    if charge["subtracted"]:
        formula, source = "Q − I_leak · t", f"{source}, leakage"
        numbers = f"{numbers} − {shown(charge['leakage_nc'])}"
    if "brought" in charge:
        brought = charge["brought"]
        symbol = brought["symbol"]
        formula, numbers = f"({formula}) · {symbol}/{symbol}({brought['to']})", f"({numbers}) × {brought['numbers']}"
        source = f"{source}; brought to the air of {brought['to']}"
    return CalculationStep(what, formula, numbers, charge["nc"], "nC", source)


def repeats_rows(inputs: Mapping[str, Any], name: str, k_s_follows: float = 0.0) -> list[Contribution]:
    """The type A rows of the session's readings and leakage; for a single one the plan states a type B component.

    k_s_follows: relative change of k_s for a relative change of M1/M2, where the session measured it.
    Raises Invalid where repeats were planned, one alone counts, and no such component is there: its scatter is unknown.
    """
    charge = inputs["charge"]
    alone = charge.get("rule") == "mean-of-valid" and charge["repeats"] == 1
    if alone and name not in {c["name"] for c in inputs["components"]}:
        raise Invalid(
            f"Of the repeats only {charge['used'][0]} counts, so their scatter is not known, and the plan states no"
            f" component '{name}' for a single one."
        )
    return _scatter(inputs, name, k_s_follows)


def _scatter(inputs: Mapping[str, Any], name: str, k_s_follows: float) -> list[Contribution]:
    """Rows of the readings that were made in the session: nothing before it."""
    read = {each: _read(inputs[each]) for each in ("charge", "opposite", "reduced") if "time_s" in inputs.get(each, {})}
    if "charge" not in read:
        return []
    fit, used = inputs["background"], {"opposite": "polarity", "reduced": "recombination"}
    others = {each: read.get(each) for each, stated in used.items() if stated in inputs}
    leakage = LeakageFit(fit["u_nc_per_s"], fit["dof"]) if "u_nc_per_s" in fit else None
    return reading_rows(read["charge"], name, **others, k_s_follows=k_s_follows, leakage=leakage)


def _read(charge: Mapping[str, Any]) -> ReadCharge:
    """A charge with its scatter; leakage that was only named lies in the reading as the plan's budget has it."""
    seconds = [a["time_s"] if a["subtracted"] else 0.0 for a in _counting(charge)]
    return ReadCharge(
        charge["nc"], math.fsum(seconds) / len(seconds), charge.get("sem_percent"), charge.get("repeats", 1)
    )


def _counting(charge: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The attempts that count, or the only one."""
    return [a for a in charge["attempts"] if a["step"] in charge["used"]] if "attempts" in charge else [charge]
