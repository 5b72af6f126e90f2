"""The dose of OSL dots from their readings, standards and controls by hand, in both chains; what all elements share."""

from __future__ import annotations

from typing import Any

import pytest
from elements_by_hand import dose_cgy, factor_of, kept, mean, result, signal, why

COUNTS = "{counts}"


def dots(**changes: Any) -> dict[str, Any]:
    """Two dots of case C read beside standards; read once each, and the control is that of a dot with k_s = 1.25."""
    return kept("C3") | {
        "coefficient_range": None,
        "controls": [signal("C-1", 4000.0, 3920.0, unit=COUNTS, ecc=1.25)],
        "depletion": "falling", "depletion_per_reading": 0.02,
        "elements": [signal("D-1", 64000.0, 62720.0, unit=COUNTS, ecc=0.98)],
        "standards": [signal("S-1", 26000.0, unit=COUNTS, ecc=1.01), signal("S-2", 25000.0, unit=COUNTS, ecc=1.05)],
    } | changes  # fmt: skip


def own_reader(**changes: Any) -> dict[str, Any]:
    """The dot on a reader with a calibration of its own: 0.004 cGy a count over 300 counts."""
    inputs = dots(standards=[], controls=[], **changes)
    own = {"n_dw": factor_of(0.004, "cGy/{counts}"), "background": factor_of(300.0, COUNTS)}
    return inputs | {"factors": own | inputs["factors"], "standard_dose": None, "rcf_u_percent": None}


def kq(inputs: dict[str, Any]) -> float:
    product = 1.0
    for name, each in inputs["factors"].items():
        product *= each["value"] if name.startswith("k_") else 1.0
    return product


def first(readings: list[float]) -> float:
    """Readings that each took 2 % away, brought back to the first, as their mean."""
    return mean([m / 0.98**j for j, m in enumerate(readings)])


# --- the chain of TG-191 ---


@pytest.mark.parametrize("form", ["after-sensitivity", "before-sensitivity"])
def test_dots_beside_standards_have_the_dose_of_their_net_signals(form: str) -> None:
    inputs = dots(background_form=form)
    after = form == "after-sensitivity"
    b = first([4000.0, 3920.0]) * (1.25 if after else 1.0)  # a control's own sensitivity counts in one of the forms

    def net(m: float, k: float) -> float:
        return m * k - b if after else (m - b) * k

    n_dw = 100.0 / mean([net(26000.0, 1.01), net(25000.0, 1.05)])
    wanted = net(first([64000.0, 62720.0]), 0.98) * n_dw * kq(inputs)
    assert dose_cgy(inputs) == pytest.approx(wanted, rel=1e-12)


def test_dots_of_a_calibrated_reader_have_the_dose_of_its_coefficient_over_its_background() -> None:
    inputs = own_reader()
    wanted = (first([64000.0, 62720.0]) * 0.98 - 300) * 0.004 * kq(inputs)
    assert dose_cgy(inputs) == pytest.approx(wanted, rel=1e-12)


def test_a_dot_read_twice_in_one_unit_alone_is_a_dose() -> None:
    assert why(dots(elements=[signal("D-1", 64.0, unit="nC")])) == ("D-1 was read in nC; an OSL dot is read in counts.")
    in_nc = dots(standards=[signal("S-1", 26000.0, unit="nC"), signal("S-2", 25000.0, unit=COUNTS)])
    assert why(in_nc) == "S-1 was read in nC, D-1 in {counts}: one unit is needed to compare them."
    in_nc = dots(controls=[signal("C-1", 4000.0, unit="nC")])
    assert why(in_nc) == "C-1 was read in nC, D-1 in {counts}: one unit is needed to compare them."
    in_nc = own_reader()
    in_nc["factors"]["background"] = factor_of(300.0, "nC")
    assert why(in_nc).startswith("The background of reader-1 is in nC, its coefficient in cGy/{counts}")


# --- the reader's own form ---


def badge(**changes: Any) -> dict[str, Any]:
    """One dot of case E, read twice, by the reader's own form: 9.12 counts a mrad, 52 mrad of control."""
    return kept("E1", "REPORT ONLY") | {
        "elements": [signal("D-1", 57910.0, 56751.8, unit=COUNTS, ecc=0.92)],
        "depletion": "falling", "depletion_per_reading": 0.02,
    } | changes  # fmt: skip


def mrad(counts: float, sensitivity: float) -> float:
    return counts / (9.12 * sensitivity)


def test_the_reader_s_own_form_takes_the_stated_control_from_counts_over_factor_and_sensitivity() -> None:
    wanted = (mrad(first([57910.0, 56751.8]), 0.92) - 52) / 1000 * 0.88
    assert dose_cgy(badge()) == pytest.approx(wanted, rel=1e-12)


def test_control_dots_of_the_session_stand_in_for_the_stated_control() -> None:
    controls = [signal("C-1", 500.0, unit=COUNTS, ecc=0.9), signal("C-2", 600.0, unit=COUNTS, ecc=0.95)]
    wanted = (mrad(first([57910.0, 56751.8]), 0.92) - mean([mrad(500.0, 0.9), mrad(600.0, 0.95)])) / 1000 * 0.88
    assert dose_cgy(badge(controls=controls)) == pytest.approx(wanted, rel=1e-12)


def test_how_repeated_readings_became_one_is_printed_and_of_a_single_one_there_is_nothing_to_print() -> None:
    twice, once = signal("D-1", 57910.0, 56751.8, unit=COUNTS, ecc=0.92), signal("D-2", 58000.0, unit=COUNTS, ecc=0.92)
    found = result(badge(elements=[twice, once]))
    assert found.dose is not None
    assert [s.what for s in found.dose.steps][:2] == ["M(D-1)", "D_reader(D-1)"]
    assert "M(D-2)" not in [s.what for s in found.dose.steps]


def test_the_reader_s_own_form_needs_its_factor_and_a_control_that_is_a_dose_in_mrad() -> None:
    inputs = badge()
    inputs["factors"]["background"] = factor_of(52.0, "cGy")
    assert why(inputs) == "The background of the reader's own form is in cGy; it must be in mRAD."
    inputs["factors"]["background"] = factor_of(-1.0, "mRAD")
    assert why(inputs) == "The background of reader-1 is -1; a background is not negative."
    inputs["factors"]["background"] = factor_of(0.0, "mRAD")
    assert dose_cgy(inputs) == pytest.approx(mrad(first([57910.0, 56751.8]), 0.92) / 1000 * 0.88, rel=1e-12)
    del inputs["factors"]["reader_factor"]
    assert why(inputs) == "The reader's own form needs reader_factor in the reader's calibration, not standards."


# --- what every element shares: check element, detection limit, fading, the coefficient of a run ---


@pytest.mark.parametrize("inputs", [dots(), own_reader(), badge()])
def test_a_reader_whose_check_element_is_off_or_unread_gives_no_dose(inputs: dict[str, Any]) -> None:
    inputs["check"] = {"element": "K-1", "limit_percent": 3.0, "signal": factor_of(1000.0, COUNTS)}
    assert why(inputs) == "Check element K-1 was not read."
    inputs["checks"] = [signal("K-1", 969.0, unit=COUNTS)]
    assert why(inputs) == "Check element K-1 reads -3.1 %, the limit is ±3 %: service the reader first."
    inputs["checks"] = [signal("K-1", 971.0, unit=COUNTS)]
    steps = result(inputs).dose
    assert steps is not None
    assert steps.steps[0].what == "check(K-1)"


@pytest.mark.parametrize(
    ("inputs", "unit", "limit_cgy"),
    [(dots(), COUNTS, 3 * 9000 * 100 / mean([26000 * 1.01, 25000 * 1.05])), (own_reader(), COUNTS, 3 * 9000 * 0.004),
     (badge(), "mRAD", 3 * 9000 / 1000)],
)  # fmt: skip
def test_below_three_standard_deviations_of_the_blanks_there_is_no_number(
    inputs: dict[str, Any], unit: str, limit_cgy: float
) -> None:
    inputs["plausible"] = {"low_gy": 1e-4, "high_gy": 10.0}
    inputs["controls"] = [signal("C-1", 0.0, unit=COUNTS)] if inputs["controls"] else []
    inputs["blanks"] = {"sd": 90.0, "n": 12, "unit": unit, "source": "by hand"}
    found = result(inputs).dose
    assert found is not None
    (step,) = (s for s in found.steps if s.what == "D_L")
    assert step.value == pytest.approx(limit_cgy / 100, rel=1e-12)
    inputs["blanks"]["sd"] = 9e6
    assert "less than the detection limit" in why(inputs)
    inputs["blanks"]["unit"] = "pC"
    assert why(inputs).startswith("The blanks are in pC, the signal of the elements is in ")
