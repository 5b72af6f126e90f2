"""Chips and dots before anything is read: what a plan must give, and the dose that a nominal signal comes to."""

from __future__ import annotations

from typing import Any

import pytest
from cases import case_b, case_c, case_d, case_e
from elements_by_hand import planned, sources
from test_guards_in_sessions import one_chip
from test_spectra import case_with_spectrum
from worked import READER, Case, calibration, factor, ranged

from acquire.dosimetry import DosimetryError
from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.asked import Asks
from acquire.procedure.methods import osl, tld
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.doses import planned_budget
from acquire.procedure.methods.registry import method_of
from acquire.procedure.records.needs import ReaderNeeds


def own_n_dw(**reader: float) -> Case:
    """Dots of case C on a reader with a calibration of its own: 0.004 cGy a count over 300 counts."""
    case, _ = case_c(("C3",))
    own = {"n_dw": ranged(0.004, "cGy/{counts}", 1.5), "background": factor(300.0, "{counts}")}
    case.calibrations.append(calibration(READER, "6 MV", own))
    case.batches = [{"reader": READER, **reader}]
    return case


# --- which factors a plan must give ---


@pytest.mark.parametrize(
    ("case", "point", "wanted"),
    [
        (one_chip(), "P", {"k_f", "k_l", "k_q", "rcf", "background"}),
        (case_b()[0], "R1", {"k_f", "k_q"}),  # k_L from the site's line, RCF from the standards of the run
        (case_c()[0], "C3", {"k_f", "k_l", "k_q", "k_theta"}),
        (own_n_dw(), "C3", {"k_f", "k_l", "k_q", "k_theta", "n_dw", "background"}),
        (case_e()[0], "E1", {"k_f", "k_q_out", "reader_factor", "background"}),
    ],
)
def test_the_factors_of_a_point_are_those_of_its_formula(case: Case, point: str, wanted: set[str]) -> None:
    needs, _, _ = planned(case, point)
    assert set(needs.factors) == wanted
    of = next(p for p in case.points if p["id"] == point)
    for name in wanted & set(of["factors"]):
        left_out = of["factors"].pop(name)
        with pytest.raises(Refused, match=f"{point} has no {name}; method '{of['method']}' needs it"):
            planned(case, point)
        of["factors"][name] = left_out


@pytest.mark.parametrize(
    ("case", "point", "name"),
    [
        (one_chip(), "P", "rcf"), (own_n_dw(), "C3", "n_dw"), (case_e()[0], "E1", "reader_factor"),
        (one_chip(), "P", "background"),
    ],
)  # fmt: skip
def test_a_reader_without_standards_states_its_coefficient_and_its_background(
    case: Case, point: str, name: str
) -> None:
    of_reader = next(c for c in case.calibrations if c["of"] == READER)
    del of_reader["factors"][name]
    with pytest.raises(Refused, match=f"CAL-reader-1 of reader-1 has no {name}"):
        planned(case, point)


def test_what_a_reading_of_a_dot_takes_away_is_the_plan_s_and_nothing_where_one_is_read() -> None:
    needs, _, _ = planned(case_c()[0], "C3")
    assert (needs.chain, needs.depletion_per_reading, needs.depletion) == ("tg191", 0.0005, "growing")
    needs, _, _ = planned(own_n_dw(readings=2, depletion_per_reading=0.01, depletion="falling"), "C3")  # type: ignore[arg-type]
    assert (needs.depletion_per_reading, needs.depletion) == (0.01, "falling")
    needs, _, _ = planned(case_e()[0], "E1")
    assert (needs.chain, needs.depletion_per_reading, needs.depletion) == ("reader", 0.0, "growing")


def test_the_reader_s_own_form_takes_no_standards() -> None:
    case, _ = case_e()
    standard, control = case.element("S-1", 1.0, "osl"), case.element("C-1", 1.0, "osl")
    of_standards = {"standards": [standard], "controls": [control], "standard_dose": factor(100.0, "cGy")}
    case.batches[0] |= {**of_standards, "rcf_u_percent": 1.0}
    with pytest.raises(FileProblem, match=r'the reader\'s own form \(chain = "reader"\) takes no standards'):
        sources(case)


def test_what_the_methods_ask_of_readers() -> None:
    assert (tld.METHOD.name, osl.METHOD.name) == ("tld", "osl")
    assert tld.METHOD.asks == Asks("elements", "tld", readouts=("scalar", "glow-curve"), coefficient="rcf")
    assert osl.METHOD.asks == Asks("elements", "osl", readouts=("scalar", "curve"), coefficient="n_dw", per_signal=True)


def needs(case: Case, point: str) -> ReaderNeeds:
    """What a plan, its calibrations and the inventory give of a point."""
    of = sources(case)
    at = of.plan.point_named(point)
    found = method_of(at.method).needs(of, at)
    assert isinstance(found, ReaderNeeds)
    return found


@pytest.mark.parametrize("name", ["rcf", "n_dw", "reader_factor", "background"])
def test_what_the_reader_gives_is_not_stated_in_a_plan(name: str) -> None:
    case = one_chip()
    case.points[0]["factors"][name] = factor(1.0)
    said = f"P states {name}, which comes from the standards or from the calibration of the reader"
    with pytest.raises(Refused, match=said):
        needs(case, "P")


FADING = {"per_day": 0.004, "low_days": 1.0, "high_days": 9.0, "u_percent": 1.0, "source": "s"}
LINE = {"slope_per_gy": 0.02, "at_gy": 2.0, "low_gy": 0.0, "high_gy": 6.0, "u_percent": 1.0, "source": "s"}


def with_curves(zone: str | None = "UTC", own: float | None = 1.0) -> Case:
    """One chip whose fading and linearity the site has measured."""
    case = one_chip()
    case.instruments[-1]["clock_zone"] = zone
    case.points[0] |= {"fading": {**FADING, "days_of_standards": own}, "linearity": LINE}
    for name in ("k_f", "k_l"):
        del case.points[0]["factors"][name]
    return case


def test_with_a_curve_of_the_site_its_factor_is_not_asked_for_and_not_stated_beside_it() -> None:
    assert set(needs(with_curves(), "P").factors) == {"k_q", "rcf", "background"}
    for name in ("k_f", "k_l"):
        case = with_curves()
        case.points[0]["factors"][name] = factor(1.0)
        with pytest.raises(Refused, match=f"P states {name}, which its own curve gives: take it out of the plan"):
            needs(case, "P")


def test_fading_needs_the_zone_of_the_reader_s_clock_and_the_age_of_the_standards_once() -> None:
    with pytest.raises(Refused, match=r"names no clock_zone of reader-1; the fading of P is counted on it"):
        needs(with_curves(zone=None), "P")
    once = "P: fading needs days_of_standards, or standards_irradiated in the batch of reader-1; one of them, not both"
    with pytest.raises(Refused, match=once):
        needs(with_curves(own=None), "P")
    case = with_curves()
    case.batches[0]["standards_irradiated"] = "date:2026-01-01T10:00:00+01:00"
    with pytest.raises(Refused, match=once):
        needs(case, "P")
    case = with_curves(own=None)
    case.batches[0]["standards_irradiated"] = "date:2026-01-01T10:00:00+01:00"
    assert needs(case, "P").fading is not None


def test_an_element_without_its_correction_is_refused() -> None:
    case = one_chip()
    case.eccs["another"] = case.eccs.pop("T-1")
    with pytest.raises(Refused, match=r"no element correction \(ECC\) of T-1 on reader-1"):
        needs(case, "P")


def test_the_dose_of_standards_that_are_none_leaves_the_reader_its_own_coefficient() -> None:
    case = one_chip()
    case.batches[0]["standard_dose"] = factor(100.0, "cGy")
    found = needs(case, "P")
    assert (found.factors["rcf"].value, found.standard_dose) == (12.8, None)


def test_a_reader_whose_calibration_is_over_has_a_way_out_in_standards_but_not_in_its_own_form() -> None:
    case = one_chip()
    case.calibrations[0]["valid_until"] = "date:2025-01-01"
    with pytest.raises(Refused) as refused:
        needs(case, "P")
    assert str(refused.value).endswith(
        "Or read standards of known dose in the same session: standards, standard_dose, rcf_u_percent and controls in"
        " the batch of reader-1."
    )
    assert [stop.cause for stop in refused.value.sentences] == ["calibration"]  # type: ignore[attr-defined]
    own_form, _ = case_e()
    own_form.calibrations[0]["valid_until"] = "date:2025-01-01"
    with pytest.raises(Refused) as refused:
        needs(own_form, "E1")
    assert "standards" not in str(refused.value)


# --- the nominal dose ---


@pytest.mark.parametrize(
    ("case", "point", "unit", "k"),
    [(one_chip(), "P", "nC", 1.0), (one_chip("{counts}", "{counts}/cGy"), "P", "{counts}", 1.0),
     (own_n_dw(), "C3", "{counts}", 0.986 * 1.010)],
)  # fmt: skip
def test_ten_cgy_are_planned_on_every_element_of_a_reader_with_its_own_coefficient(
    case: Case, point: str, unit: str, k: float
) -> None:
    _, measured, dose = planned(case, point)
    assert {e.unit for e in measured.elements} == {unit}
    assert 100 * dose.value_gy == pytest.approx(10 * k, rel=1e-12)


@pytest.mark.parametrize(
    ("case", "point", "unit", "k"),
    [(case_d()[0], "head-R", "nC", 1.0), (case_b()[0], "R1", "nC", 0.975),
     (case_c()[0], "C3", "{counts}", 0.986 * 1.010)],
)  # fmt: skip
def test_beside_standards_a_tenth_of_their_signal_is_planned(case: Case, point: str, unit: str, k: float) -> None:
    needs, measured, dose = planned(case, point)
    assert [(s.element, s.value, s.unit) for s in measured.standards] == [("-", 100.0, unit)]
    assert [(c.element, c.value, c.unit) for c in measured.controls] == [("-", 0.0, unit)]
    assert {e.unit for e in measured.elements} == {unit}
    assert 100 * dose.value_gy == pytest.approx(needs.standard_dose.value / 10 * k, rel=1e-12)


def test_ten_thousand_mrad_are_planned_in_the_reader_s_own_form() -> None:
    _, measured, dose = planned(case_e()[0], "E1")
    assert [e.value for e in measured.elements] == pytest.approx([1e4 * 9.12 * 0.92, 1e4 * 9.12 * 0.91], rel=1e-12)
    assert 100 * dose.value_gy == pytest.approx(1e4 / 1000 * 0.88, rel=1e-12)


# --- the planned budget ---


def rows(case: Case, point: str) -> list[str]:
    of = sources(case)
    return [row.name for row in planned_budget(of, of.plan.point_named(point)).rows]


@pytest.mark.parametrize(
    ("case", "point", "wanted"),
    [
        (case_d()[0], "head-R", ["rcf", "ecc", "reading", "background", "k_f", "k_l", "k_q"]),
        (case_c()[0], "C3", ["n_dw", "k_s", "reading", "background", "k_f", "k_l", "k_q", "k_theta", "place"]),
        (case_e()[0], "E1", ["reader_factor", "sensitivity", "reading", "background", "k_f", "k_q_out", "place"]),
        (case_with_spectrum()[0], "spec", []),
    ],
)
def test_a_planned_budget_has_the_rows_of_its_formula(case: Case, point: str, wanted: list[str]) -> None:
    assert rows(case, point) == wanted


def test_the_budget_of_a_mean_has_that_of_its_sides_and_the_factor_between() -> None:
    found = rows(case_d()[0], "head")
    side = ["rcf", "ecc", "reading", "background", "k_f", "k_l", "k_q"]
    assert found == [*side, "ecc", "reading", "k_q", "midline factor", "place"]  # what both share stands once


def test_a_dose_too_large_for_the_range_of_its_instrument_is_refused_while_planning() -> None:
    case, _ = case_c()
    case.instruments[0]["full_scale_nc"] = 20.0
    with pytest.raises(DosimetryError, match=r"40\.32 nC would overload the range of 20 nC"):
        rows(case, "C2")


@pytest.mark.parametrize(("of_background", "of_coefficient"), [("pC", "nC/cGy"), ("nC", "{counts}/cGy")])
def test_a_reader_s_background_in_another_unit_than_its_coefficient_is_refused(
    of_background: str, of_coefficient: str
) -> None:
    with pytest.raises(Invalid, match=f"The background of reader-1 is in {of_background}, its coefficient in"):
        rows(one_chip(of_background, of_coefficient), "P")


def test_a_background_is_not_negative() -> None:
    def with_background(value: float) -> Any:
        case = one_chip()
        case.calibrations[0]["factors"]["background"] = factor(value, "nC")
        return planned(case, "P")[2]

    assert 100 * with_background(0.0).value_gy == pytest.approx(10.0, rel=1e-12)
    with pytest.raises(Invalid, match=r"The background of reader-1 is -0\.4; a background is not negative"):
        with_background(-0.4)
