"""The dose of a chip from its signals, standards and controls, by hand: in both forms of the background."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from acquire.procedure.methods.doses import calculate, parsed_inputs
from acquire.procedure.methods.tld import METHOD

KEPT = Path(__file__).parent / "released" / "dosimetry-2-procedure-7.jsonl"


def chip_with_standards() -> dict[str, Any]:
    """Inputs as they were stored: one chip, three standards, one control, k_F, k_L and k_Q."""
    lines = (json.loads(json.loads(line)["inputs"]) for line in KEPT.read_text(encoding="utf-8").splitlines())
    return next(i for i in lines if i["method"] == "tld" and len(i.get("elements", [])) == 1 and i.get("controls"))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("form", ["after-sensitivity", "before-sensitivity"])
def test_a_control_is_corrected_as_the_form_of_the_background_says(form: str) -> None:
    inputs = chip_with_standards()
    (chip,), (control,), standards = inputs["elements"], inputs["controls"], inputs["standards"]
    inputs["background_form"], inputs["plausible"] = form, {"low_gy": 0.5, "high_gy": 10.0}
    inputs["coefficient_range"] = None
    control["value"] = 0.1 * chip["value"]
    control["ecc"]["value"] = 1.25
    after = form == "after-sensitivity"
    b = control["value"] * (1.25 if after else 1.0)

    def net(of: dict[str, Any]) -> float:
        return of["value"] * of["ecc"]["value"] - b if after else (of["value"] - b) * of["ecc"]["value"]

    rcf = mean([net(s) for s in standards]) / inputs["standard_dose"]["value"]
    ks = inputs["factors"]
    wanted = net(chip) / rcf * ks["k_f"]["value"] * ks["k_l"]["value"] * ks["k_q"]["value"]
    output = calculate(parsed_inputs(inputs))
    assert not output.why, output.why
    assert 100 * (output.dose_gy or 0.0) == pytest.approx(wanted, rel=1e-12)
    assert output.decision == "REPORT ONLY"


def test_a_chip_in_another_unit_than_its_coefficient_has_no_dose() -> None:
    inputs = chip_with_standards()
    inputs["elements"][0]["unit"] = "{counts}"
    output = calculate(parsed_inputs(inputs))
    assert output.dose_gy is None


def test_what_the_method_says_of_itself() -> None:
    assert (METHOD.title, METHOD.asks.readouts, METHOD.asks.coefficient) == ("TLD", ("scalar", "glow-curve"), "rcf")
