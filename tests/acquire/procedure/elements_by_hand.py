"""Chips and dots without a store: stored inputs to change by hand, and a case's documents as planning has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from worked import Case

from acquire.dosimetry import Dose
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.methods.doses import calculate, parsed_inputs
from acquire.procedure.methods.method import Sources
from acquire.procedure.methods.registry import method_of
from acquire.procedure.records.output import Output

KEPT = Path(__file__).parent / "released" / "dosimetry-2-procedure-7.jsonl"


def kept(point: str, decision: str | None = None) -> dict[str, Any]:
    """Inputs as they were stored of the first result of a point, with that decision where one is named."""
    for line in KEPT.read_text(encoding="utf-8").splitlines():
        each = json.loads(line)
        inputs, output = json.loads(each["inputs"]), json.loads(each["output"])
        if inputs["point"] == point and decision in (None, output["decision"]):
            return dict(inputs)
    raise LookupError(point)


def result(inputs: Mapping[str, Any], release: str | None = None) -> Output:
    """What becomes of inputs."""
    return calculate(parsed_inputs(inputs, release), release)


def dose_cgy(inputs: Mapping[str, Any]) -> float:
    """The dose of inputs that have one."""
    output = result(inputs)
    assert not output.why, output.why
    return 100 * (output.dose_gy or 0.0)


def why(inputs: Mapping[str, Any]) -> str:
    """Why inputs have no dose."""
    output = result(inputs)
    assert (output.decision, output.dose_gy) == ("INVALID", None)
    return " ".join(output.why)


def signal(element: str, *readings: float, unit: str, ecc: float = 1.0) -> dict[str, Any]:
    """An element as it was read."""
    read = {"element": element, "value": readings[0], "unit": unit, "ecc": {**factor_of(ecc, "1"), "u_percent": 1.0}}
    return read if len(readings) == 1 else {**read, "readings": list(readings)}


def factor_of(value: float, unit: str) -> dict[str, Any]:
    """A factor whose uncertainty is of no matter."""
    return {"value": value, "unit": unit, "u_percent": 0.0, "source": "by hand"}


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def sources(case: Case) -> Sources:
    """The documents of a case as they are read, on a day on which they hold."""
    return Sources(
        read_plan(case.plan_file[1], "plan.toml"),
        read_inventory(case.inventory[1], "inventory.toml"),
        read_calibrations(case.calibration_file[1], "calibrations.toml"),
        date(2026, 6, 1),
    )


def planned(case: Case, point: str) -> tuple[Any, Any, Dose]:
    """Needs, the nominal signals and the nominal dose of a point of elements."""
    of = sources(case)
    at = of.plan.point_named(point)
    method = method_of(at.method)
    assert method.nominal is not None
    assert method.dose is not None
    needs = method.needs(of, at)
    changed, measured = method.nominal(of, at, needs)
    return needs, measured, method.dose(changed, measured)
