"""A result as it is stored and printed: dose, comparison, steps, budget, course, and what the rules left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from acquire.dosimetry import (
    CourseLine,
    Decision,
    Dose,
    against_limits,
    course_dose,
    imaging_line,
    pair_difference_percent,
    therapy_line,
)
from acquire.procedure.methods.factors import Inputs
from acquire.procedure.methods.rows import factor_of

Output = dict[str, Any]


def output(inputs: Inputs, dose: Dose, decision: Decision) -> Output:
    """Everything a reader needs to follow the result with a pocket calculator. Raises DosimetryError."""
    expected, limits = inputs["expected"], inputs["limits"]
    return {
        "decision": decision.state.value,
        "rule": decision.rule,
        "u_form": limits["u_form"] if limits else None,
        "dose_gy": dose.value_gy,
        "u_gy": dose.u_gy,
        "u_percent": dose.budget.u_percent,
        "dof": None if math.isinf(dose.budget.dof) else dose.budget.dof,
        "k": dose.budget.k,
        "expanded_gy": dose.expanded_gy,
        "expected_gy": expected["dose_gy"] if expected else None,
        "expected_u_percent": expected["u_percent"] if expected else None,
        "deviation_percent": decision.deviation_percent,
        "deviation_expanded_percent": decision.expanded_percent,
        "p_conform": decision.p_conform,
        "tolerance_percent": decision.tolerance_percent,
        "action_percent": decision.action_percent,
        "asks": decision.asks,
        "window": _window(inputs, dose),
        "formula": dose.formula,
        "formula_version": dose.formula_version,
        "formula_inputs_sha256": dose.inputs_hash,
        "steps": [
            {key: getattr(step, key) for key in ("what", "formula", "numbers", "value", "unit", "source")}
            for step in dose.steps
        ],
        "budget": [
            {
                "name": row.name,
                "u_percent": row.part_percent,
                "kind": row.kind,
                "dof": None if math.isinf(row.dof) else row.dof,
                "shared": row.shared_key,
                "source": row.source,
            }
            for row in dose.budget.rows
        ],
        "pair_percent": _pair(inputs, dose),
        "course": _course(inputs, dose),
        "imaging": inputs.get("imaging"),
        "warnings": [*dose.warnings, *_doubts(inputs)],
        "remarks": [*inputs["remarks"], *_left_out(inputs)],
        **of_channel(inputs),
        **quality_of(inputs),
    }


def _doubts(inputs: Inputs) -> list[str]:
    """What is doubted of the curves of a point, and of those that it is the mean of."""
    return [*inputs.get("doubts", ()), *(each for part in inputs.get("parts", ()) for each in _doubts(part))]


def quality_of(inputs: Inputs) -> dict[str, Any]:
    """What was found of the curves and of the spread of standards and controls, where elements were read."""
    return {"quality": inputs["quality"]} if "quality" in inputs else {}


def of_channel(inputs: Inputs) -> dict[str, Any]:
    """The channel that was measured, where there are several; the detector, where two people have bound another one.

    Of elements, the reader run that they and their standards were read in.
    """
    said: Output = {name: inputs[name] for name in ("channel", "reader_run") if name in inputs}
    return {**said, "detector": inputs["bound_detector"]} if "bound_detector" in inputs else said


def not_stated(outputs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What results by point lack that only people can say, one sentence each."""
    lay = [point for point, output in outputs.items() if output.get("imaging") == "not stated"]
    summed = [p for p, output in outputs.items() if (c := output.get("course")) and not c["imaging_stated"]]
    said = []
    if lay:
        said.append(f"Whether imaging was given while the elements lay at {', '.join(lay)} is not stated.")
    if summed:
        said.append(
            f"The imaging dose of the course is not stated at {', '.join(summed)}: the sum is of therapy alone."
        )
    return said


def _left_out(inputs: Inputs) -> list[str]:
    """Which attempts counted, by which rule, and why the others did not."""
    said = []
    for name in ("charge", "opposite", "reduced"):
        charge = inputs.get(name) or {}
        if "rule" in charge:
            said.append(f"{', '.join(charge['used'])} counted by the rule {charge['rule']}.")
        said += [f"{step} did not count: {why.rstrip('.')}." for step, why in charge.get("left_out", ())]
    return said


def _pair(inputs: Inputs, dose: Dose) -> float | None:
    """Largest difference between the elements of a point, in percent."""
    marks = ("D(", "M_corr(")
    values = [s.value for s in dose.steps if s.what.startswith(marks)] if inputs["method"] in ("tld", "osl") else []
    return pair_difference_percent(min(values), max(values)) if len(values) > 1 else None


def _window(inputs: Inputs, dose: Dose) -> dict[str, Any] | None:
    """The dose with its U against absolute limits of the order."""
    window = inputs.get("window")
    if window is None:
        return None
    found = against_limits(dose.value_gy, dose.expanded_gy, window.get("low_gy"), window.get("high_gy"))
    return {
        "where": found.where,
        "certain": found.certain,
        "low_gy": found.low_gy,
        "high_gy": found.high_gy,
        "says": found.sentence,
        "source": window["source"],
    }


def _course(inputs: Inputs, dose: Dose) -> dict[str, Any] | None:
    """The dose over the whole course; imaging is a line of its own, and both stand against the order's limit."""
    course = inputs["course"]
    if course is None:
        return None
    lines = [therapy_line(dose, course["fractions"])]
    if "imaging" in course:
        lines.append(imaging_line(factor_of(course["imaging"]["per_image"]), course["imaging"]["images"]))
    total, limit = course_dose(lines), course.get("limit_gy")
    upper = total.value + total.expanded
    return {
        "fractions": course["fractions"],
        "dose_gy": total.value,
        "expanded_gy": total.expanded,
        "upper_gy": upper,
        "limit_gy": limit,
        "below_limit": None if limit is None else upper < limit,
        "imaging_stated": "imaging" in course,
        "lines": [_line(each) for each in lines],
    }


def _line(line: CourseLine) -> dict[str, Any]:
    gy = line.gy_each * line.times
    return {"name": line.name, "gy_each": line.gy_each, "times": line.times, "dose_gy": gy}
