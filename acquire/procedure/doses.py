"""From inputs to a dose, its comparison and its decision: pure, and the same inputs give the same bytes for ever."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from acquire.dosimetry import (
    FORMULAS_VERSION,
    Budget,
    Contribution,
    Decision,
    Dose,
    DosimetryError,
    ElementSignal,
    Factor,
    State,
    background_of_controls,
    chamber_dose_trs398,
    decide,
    diode_entrance_dose,
    pair_difference_percent,
    rcf_of_standards,
    report_only,
    tld_dose,
)
from acquire.procedure.charge import Invalid
from acquire.procedure.factors import Inputs

FORMULA = f"dosimetry {FORMULAS_VERSION}, procedure 1"
Output = dict[str, Any]


def calculate(inputs: Inputs) -> Output:
    """The result as it is stored and printed. Where anything forbids a number the decision is INVALID and says why."""
    why = list(inputs["invalid"])
    if not why:
        try:
            dose = dose_of(inputs)
            decision = _decide(inputs, dose)
        except (DosimetryError, Invalid) as reason:
            why.append(str(reason))
        else:
            return _output(inputs, dose, decision)
    return {"decision": State.INVALID.value, "why": why, "remarks": inputs["remarks"]}


def dose_of(inputs: Inputs) -> Dose:
    """The dose alone. Raises DosimetryError or Invalid."""
    if inputs["method"] == "tld":
        return _tld(inputs)
    components = _components(inputs["components"], 1)
    factors = _factors(inputs["factors"])
    if inputs["method"] == "diode":
        return diode_entrance_dose(
            charge_nc=inputs["charge"]["nc"],
            factors=factors,
            temperature_c=inputs["detector_c"],
            components=components,
        )
    return chamber_dose_trs398(
        charge_nc=inputs["charge"]["nc"],
        factors=factors,
        temperature_c=inputs["environment"]["temperature_c"],
        pressure_kpa=inputs["environment"]["pressure_kpa"],
        t0_c=inputs["conditions"]["t0_c"],
        p0_kpa=inputs["conditions"]["p0_kpa"],
        components=components,
    )


def planned_budget(needed: Inputs, eccs: Mapping[str, Any]) -> Budget:
    """The budget that a point's dose will have: its formula with a nominal signal. `eccs` by element, for TLD.

    Raises DosimetryError or Invalid where the formula cannot be used at all.
    """
    nominal = needed | {
        "charge": {"nc": 10.0},
        "environment": {"temperature_c": 20.0, "pressure_kpa": 101.325},
        "elements": [],
    }
    if needed["method"] == "tld":
        rcf = needed["factors"].get("rcf")
        unit = "{counts}" if rcf and rcf["unit"].startswith("{counts}") else "nC"
        background = needed["factors"].get("background", {"value": 0.0})["value"]
        high = background + 10 * (rcf["value"] if rcf else 1.0)  # 10 cGy, the same dose on every element
        nominal["elements"] = [
            {"element": e, "value": high / ecc["value"], "unit": unit, "ecc": ecc} for e, ecc in eccs.items()
        ]
        nominal["standards"] = [{"element": "-", "value": 100.0, "unit": "nC", "ecc": _ONE}]
        nominal["controls"] = [{"element": "-", "value": 0.0, "unit": "nC", "ecc": _ONE}]
    return dose_of(nominal).budget


_ONE = {"value": 1.0, "unit": "1", "u_percent": 0.0, "source": "nominal, for planning only"}


def _tld(inputs: Inputs) -> Dose:
    factors = _factors(inputs["factors"])
    if "rcf" in factors:
        rcf, background = factors.pop("rcf"), factors.pop("background").value
    else:
        dose = inputs["standard_dose"]
        if dose["unit"] != "cGy":
            raise Invalid(f"The dose of the standards is in {dose['unit']}; it must be in cGy.")
        background = background_of_controls([c["value"] * c["ecc"]["value"] for c in inputs["controls"]])
        value = rcf_of_standards(_signals(inputs["standards"]), background, dose["value"])
        names = ", ".join(s["element"] for s in inputs["standards"])
        rcf = Factor(value, "nC/cGy", inputs["rcf_u_percent"], f"standards {names} of the same reader session")
    for element in inputs["elements"]:
        if not rcf.unit.startswith(element["unit"]):
            raise Invalid(f"{element['element']} was read in {element['unit']}, but RCF is in {rcf.unit}.")
    return tld_dose(
        elements=_signals(inputs["elements"]),
        background=background,
        rcf=rcf,
        factors=factors,
        pair_limit_percent=inputs["pair_limit_percent"] or 0.0,
        components=_components(inputs["components"], len(inputs["elements"])),
    )


def _decide(inputs: Inputs, dose: Dose) -> Decision:
    expected, limits, plausible = inputs["expected"], inputs["limits"], inputs["plausible"]
    if expected is None:
        return report_only(dose.value_gy, (plausible["low_gy"], plausible["high_gy"]))
    return decide(
        dose_gy=dose.value_gy,
        u_measured_percent=dose.budget.u_percent,
        expected_gy=expected["dose_gy"],
        u_expected_percent=expected["u_percent"],
        tolerance_percent=limits["tolerance_percent"],
        action_percent=limits["action_percent"],
        rule=limits["rule"],
    )


def _output(inputs: Inputs, dose: Dose, decision: Decision) -> Output:
    expected = inputs["expected"]
    return {
        "decision": decision.state.value,
        "rule": decision.rule,
        "dose_gy": dose.value_gy,
        "u_gy": dose.u_gy,
        "u_percent": dose.budget.u_percent,
        "k": dose.budget.k,
        "expanded_gy": dose.expanded_gy,
        "expected_gy": expected["dose_gy"] if expected else None,
        "expected_u_percent": expected["u_percent"] if expected else None,
        "deviation_percent": decision.deviation_percent,
        "deviation_expanded_percent": decision.expanded_percent,
        "p_conform": decision.p_conform,
        "tolerance_percent": decision.tolerance_percent,
        "action_percent": decision.action_percent,
        "formula": dose.formula,
        "formula_version": dose.formula_version,
        "formula_inputs_sha256": dose.inputs_hash,
        "steps": [
            {key: getattr(step, key) for key in ("what", "formula", "numbers", "value", "unit", "source")}
            for step in dose.steps
        ],
        "budget": [{"name": r.name, "u_percent": r.part_percent, "source": r.source} for r in dose.budget.rows],
        "pair_percent": _pair(inputs, dose),
        "course": _course(inputs["course"], dose),
        "warnings": list(dose.warnings),
        "remarks": inputs["remarks"],
    }


def _pair(inputs: Inputs, dose: Dose) -> float | None:
    values = [s.value for s in dose.steps if s.what.startswith("D(")] if inputs["method"] == "tld" else []
    return pair_difference_percent(min(values), max(values)) if len(values) > 1 else None


def _course(course: Mapping[str, Any] | None, dose: Dose) -> dict[str, Any] | None:
    """The dose over the whole course; the uncertainty is common to all fractions and scales with them."""
    if course is None:
        return None
    n, limit = course["fractions"], course["limit_gy"]
    upper = n * (dose.value_gy + dose.expanded_gy)
    return {
        "fractions": n,
        "dose_gy": n * dose.value_gy,
        "expanded_gy": n * dose.expanded_gy,
        "upper_gy": upper,
        "limit_gy": limit,
        "below_limit": None if limit is None else upper < limit,
    }


def _factors(entries: Mapping[str, Any]) -> dict[str, Factor]:
    return {name: Factor(f["value"], f["unit"], f["u_percent"], f["source"]) for name, f in entries.items()}


def _signals(entries: Sequence[Mapping[str, Any]]) -> list[ElementSignal]:
    return [ElementSignal(e["element"], e["value"], _factors({"ecc": e["ecc"]})["ecc"]) for e in entries]


def _components(entries: Sequence[Mapping[str, Any]], elements: int) -> list[Contribution]:
    """Budget rows that belong to no factor; those of each element count by the root of how many there are."""
    share = {"result": 1.0, "element": math.sqrt(max(1, elements))}
    return [Contribution(c["name"], c["u_percent"] / share[c["per"]], c["source"]) for c in entries]
