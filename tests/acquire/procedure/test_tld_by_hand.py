"""The dose of a chip from its signals, standards and controls, by hand: in both forms of the background."""

from __future__ import annotations

from typing import Any

import pytest
from elements_by_hand import dose_cgy, factor_of, kept, mean, result, signal, why

from acquire.procedure.methods.tld import METHOD


@pytest.mark.parametrize("form", ["after-sensitivity", "before-sensitivity"])
def test_a_control_is_corrected_as_the_form_of_the_background_says(form: str) -> None:
    inputs = kept("neck-L")
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
    assert dose_cgy(inputs) == pytest.approx(wanted, rel=1e-12)
    assert result(inputs).decision == "REPORT ONLY"


def test_a_chip_in_another_unit_than_its_coefficient_has_no_dose() -> None:
    inputs = kept("neck-L")
    inputs["elements"][0]["unit"] = "{counts}"
    assert why(inputs).endswith("one unit is needed to compare them.")


def test_what_the_method_says_of_itself() -> None:
    assert (METHOD.title, METHOD.asks.readouts, METHOD.asks.coefficient) == ("TLD", ("scalar", "glow-curve"), "rcf")


# --- what chips and dots have in common ---


def chip(**changes: Any) -> dict[str, Any]:
    """One chip of 64 nC beside one standard of 1 280 nC at 100 cGy and two controls: RCF 12.7 nC/cGy, 4.96 cGy."""
    one = {"k_f": factor_of(1.0, "1"), "k_l": factor_of(1.0, "1"), "k_q": factor_of(1.0, "1")}
    return kept("neck-L") | {
        "elements": [signal("T-1", 74.0, unit="nC")], "standards": [signal("S-1", 1280.0, unit="nC")],
        "controls": [signal("C-1", 9.0, unit="nC"), signal("C-2", 11.0, unit="nC")], "factors": one,
        "standard_dose": factor_of(100.0, "cGy"), "coefficient_range": None,
        "plausible": {"low_gy": 0.01, "high_gy": 0.5}, "components": [],
    } | changes  # fmt: skip


def printed(inputs: dict[str, Any], what: str) -> tuple[str, str]:
    dose = result(inputs).dose
    assert dose is not None
    return next((step.formula, step.numbers) for step in dose.steps if step.what == what)


def test_one_standard_gives_a_coefficient_and_the_mean_of_two_controls_is_printed_as_one() -> None:
    assert dose_cgy(chip()) == pytest.approx((74 - 10) / 12.7, rel=1e-12)
    assert printed(chip(), "B") == ("mean of C-1, C-2", "(9 + 11) / 2")
    assert printed(chip(controls=[signal("C-1", 10.0, unit="nC")]), "B") == ("mean of C-1", "10")
    assert printed(chip(), "M(S-1)")[1] == "1280 × 1 − 10"
    assert printed(chip(background_form="before-sensitivity"), "M(S-1)")[1] == "(1280 − 10) × 1"
    assert printed(chip(), "RCF") == ("mean M / D", "1270 / 100")


def test_a_coefficient_outside_what_the_site_believes_gives_no_dose() -> None:
    assert dose_cgy(chip(coefficient_range=[10.0, 15.0])) == dose_cgy(chip())
    assert "The coefficient of S-1 in nC/cGy" in why(chip(coefficient_range=[13.0, 15.0]))
    assert why(chip(rcf_u_percent=None)) == "The uncertainty of the coefficient of S-1 is not known (rcf_u_percent)."
    assert why(chip(standard_dose=None)) == "The dose of the standards is not known."
    assert why(chip(standard_dose=factor_of(1.0, "Gy"))) == "The dose of the standards is in Gy; it must be in cGy."


FADING = {"per_day": 0.004, "low_days": 0.5, "high_days": 10.0, "u_percent": 0.5, "source": "site fit"}


def faded(days: float, **changes: Any) -> dict[str, Any]:
    """The chip read so many days after its removal, its standards three days after theirs."""
    inputs = chip(fading=FADING, days={"T-1": days}, standard_days={"S-1": 2.0, "S-2": 4.0})
    del inputs["factors"]["k_f"]
    return inputs | changes


def test_fading_is_counted_from_the_days_of_the_standards() -> None:
    assert dose_cgy(faded(8.0)) == pytest.approx(64 / 12.7 * (1 + 0.004 * (8 - 3)), rel=1e-12)
    assert printed(faded(8.0), "k_F")[1] == "1 + 0.004 × (8 − 3)"
    stated = faded(8.0, fading={**FADING, "days_of_standards": 1.0}, standard_days=None)
    assert dose_cgy(stated) == pytest.approx(64 / 12.7 * (1 + 0.004 * (8 - 1)), rel=1e-12)


@pytest.mark.parametrize("days", [0.4, 10.5])
def test_a_chip_read_when_its_fading_is_not_known_has_no_dose(days: float) -> None:
    assert why(faded(days)) == f"T-1 was read {days} d after irradiation; its fading is known from 0.5 to 10 d."


def test_linearity_follows_the_dose_before_any_correction_and_its_uncertainty_is_shared() -> None:
    line = {"slope_per_gy": 0.5, "at_gy": 0.1, "low_gy": 0.0, "high_gy": 0.4, "u_percent": 2.0, "source": "site fit"}
    inputs = chip(linearity=line)
    del inputs["factors"]["k_l"]
    inputs["factors"]["k_q"] = factor_of(1.1, "1")
    apparent = 64 / 12.7 / 100
    k_l = 1 - 0.5 * (apparent - 0.1)
    assert dose_cgy(inputs) == pytest.approx(100 * apparent * k_l * 1.1, rel=1e-12)
    dose = result(inputs).dose
    assert dose is not None
    assert next((row.u_percent, row.shared) for row in dose.budget if row.name == "k_l") == (2.0, "site fit")
    wider = next(row.u_percent for row in dose.budget if row.name == "rcf")
    follows = 1 - 0.5 * apparent / k_l
    assert wider == pytest.approx(inputs["rcf_u_percent"] * follows, rel=1e-12)


def own_reader(**changes: Any) -> dict[str, Any]:
    inputs = chip(standards=[], controls=[], **changes)
    own = {"rcf": factor_of(12.7, "nC/cGy"), "background": factor_of(10.0, "nC")}
    return inputs | {"factors": inputs["factors"] | own, "standard_dose": None, "rcf_u_percent": None}


def test_a_reader_s_own_coefficient_and_background_give_the_same_dose_and_never_in_another_unit() -> None:
    assert dose_cgy(own_reader()) == pytest.approx(64 / 12.7, rel=1e-12)
    other = own_reader(elements=[signal("T-1", 74.0, unit="{counts}")])
    assert why(other) == "T-1 was read in {counts}, but RCF is in nC/cGy."


def test_two_chips_are_held_to_the_limit_of_a_pair() -> None:
    pair = [signal("T-1", 74.0, unit="nC"), signal("T-2", 78.0, unit="nC")]
    assert dose_cgy(chip(elements=pair, pair_limit_percent=7.0)) == pytest.approx(66 / 12.7, rel=1e-12)
    assert "T-1 and T-2 differ by 6.1 %" in why(chip(elements=pair, pair_limit_percent=6.0))
    named = {"pair_rule": "named", "pair_named": "T-2"}
    by_name = chip(elements=pair, pair_limit_percent=6.0, **named)
    assert dose_cgy(by_name) == pytest.approx(68 / 12.7, rel=1e-12)


# --- the check element and the detection limit of a reader ---


def blanks(limit_cgy: float, unit: str = "nC") -> dict[str, Any]:
    """Zero-dose readings whose three standard deviations are so many cGy at 12.7 a cGy."""
    return {"sd": limit_cgy * 12.7 / 3, "n": 12, "unit": unit, "source": "by hand"}


@pytest.mark.parametrize("k_q", [0.7, 1.0, 1.1])
def test_what_a_chip_shows_before_any_correction_is_held_against_the_detection_limit(k_q: float) -> None:
    inputs = chip(blanks=blanks(5.0))  # it shows 5.039 cGy
    inputs["factors"]["k_q"] = factor_of(k_q, "1")
    assert dose_cgy(inputs) == pytest.approx(64 / 12.7 * k_q, rel=1e-12)
    dose = result(inputs).dose
    assert dose is not None
    (step,) = (s for s in dose.steps if s.what == "D_L")
    assert (step.formula, step.unit, step.value) == ("3 · s(blanks) / RCF", "cGy", pytest.approx(5.0, rel=1e-12))
    inputs["blanks"] = blanks(5.06)
    assert why(inputs) == (
        "The elements show less than the detection limit of 5.06 cGy (three standard deviations of 12 blanks): less"
        " than that was received, and no number is shown."
    )


@pytest.mark.parametrize(("unit", "other"), [("nC", "{counts}"), ("{counts}", "nC")])
def test_blanks_are_in_the_unit_of_the_signal(unit: str, other: str) -> None:
    inputs = own_reader(elements=[signal("T-1", 74.0, unit=unit)], blanks=blanks(1.0, unit))
    own = {"rcf": factor_of(12.7, f"{unit}/cGy"), "background": factor_of(10.0, unit)}
    inputs["factors"] |= own
    assert dose_cgy(inputs) == pytest.approx(64 / 12.7, rel=1e-12)
    inputs["blanks"] = blanks(1.0, other)
    assert why(inputs) == f"The blanks are in {other}, the signal of the elements is in {unit}."


def test_the_deviation_of_the_check_element_is_printed_in_percent() -> None:
    check = {"element": "K-1", "limit_percent": 3.0, "signal": factor_of(1000.0, "nC")}
    inputs = chip(check=check, checks=[signal("K-1", 1020.0, unit="nC")])
    dose = result(inputs).dose
    assert dose is not None
    step = dose.steps[0]
    assert (step.what, step.unit, step.value) == ("check(K-1)", "%", pytest.approx(2.0, rel=1e-9))
    inputs["checks"] = [signal("K-1", 1020.0, unit="{counts}")]
    assert why(inputs) == "Check element K-1 was read in {counts}, its signal is in nC."
