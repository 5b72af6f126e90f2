"""Planning believes no coefficient, dose or k_Q that cannot be; what is not published the site states: no default."""

from __future__ import annotations

import pytest
from cases import case_b, case_c, case_d, case_f
from test_worked_cases import measured
from worked import GIVEN, factor, k_q

from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.calibrations import Calibrations, FactorEntry, read_calibrations
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.methods.detector_needs import factor as factor_record
from acquire.procedure.methods.rows import components_of, factor_of
from acquire.procedure.records.factors import ComponentRecord
from acquire.procedure.session.believed import fraction_gy, fractions


def of(case, name: str, owner: int = 0) -> dict:
    return case.calibrations[owner]["factors"][name]


def cgy_for_gy(case):
    case.points[0]["expected"]["dose_gy"] = 46.8


def no_fraction(case):
    case.plan["prescription"] = "as in the plan"


def no_range(case):
    of(case, "n_cal").pop("range")
    of(case, "n_cal", 1).pop("range")


def no_ranges_of_the_batch(case):
    case.batches[0].pop("coefficient_range")
    case.ecc.pop("range")


def too_deep(case):
    case.batches[0]["depletion_per_reading"] = 0.05


def in_volts(case):
    case.detectors[0]["threshold_mv"] = 6.412


def limit_in_volts(case):
    of(case, "limit_mv")["value"] = 20.0


def steep(case):
    case.points[0]["linearity"]["slope_per_gy"] = 2.0


def k_q_of_trs398(case):
    case.points[0]["protocol"] = "tg51"


def another_chamber(case):
    case.detectors[0]["model"] = "31010"


def another_specifier(case):
    case.calibrations[0]["factors"]["k_q"] = k_q(GIVEN["F_kq398"], pdd10x=66.4)


def another_energy(case):
    for each in (case.points[0], case.calibrations[0]):
        each["beam"] = "15 MV"


def cross_calibrated(case):
    case.calibrations[0]["conditions"]["quality"] = "6 MV"


def expected_outside(case):
    case.points[0]["plausible"] = {"low_gy": 2.0, "high_gy": 4.0}


def any_pair(case):
    case.points[2]["pair_limit_percent"] = 500.0


def any_dose(case):
    case.points[0]["limits"] |= {"tolerance_percent": 70.0, "action_percent": 90.0}


def a_longer_course(case):
    case.points[2]["course"] = {"fractions": 250}


def beyond_the_course(case):
    case.plan["fraction"] = 26


SIZES = [
    (case_c, any_pair, r"C4: a pair limit of 500 % is none: two elements of which one reads nothing differ by 200 %"),
    (case_c, any_dose, r"C2: a tolerance of 70 % accepts whatever is measured"),
    (case_c, a_longer_course, r"C4: the course is 250, and the prescription '50 Gy in 25.*' has 25 fractions"),
    (case_c, beyond_the_course, r"The plan's fraction is 26, and the prescription '50 Gy in 25.*' has 25 fractions"),
    (case_c, cgy_for_gy, r"C2: The expected 46\.8 Gy is 23\.4 times the 2 Gy prescribed for a fraction: is it cGy"),
    (case_c, no_fraction, r"C2: the prescription 'as in the plan' does not say the dose of a fraction"),
    (case_c, expected_outside, r"C2: the expected 1\.215 Gy lies outside the plausible 2 to 4 Gy"),
    (case_c, no_range, r"calibration CAL-D-14 of D-14 gives no range for n_cal: nothing is published"),
    (case_c, no_ranges_of_the_batch, r"The batch of reader-1 gives no coefficient_range.*ECC give no range"),
    (case_c, too_deep, r"A depletion of 0\.05 per reading on reader-1 is above 0\.02"),
    (case_b, in_volts, r"bladder: The inventory's threshold of MF-3 is 6\.412 mV; .*looks like 6\.412 V"),
    (case_b, limit_in_volts, r"bladder: The limit of MF-3 is 20 mV; .*looks like 20 V"),
    (case_b, steep, r"R1: a linearity of 2 per Gy lies outside ±0\.1"),
    (case_f, k_q_of_trs398, r"ref: The point's protocol is TG-51, its k_q is of TRS-398"),
    (case_f, another_chamber, r"ref: k_q is of a chamber PTW 30013; the inventory says that it is a 31010"),
    (case_f, another_specifier, r"ref: k_q in 6 MV after TRS-398 is stated for one TPR20,10"),
    (case_f, another_energy, r"ref: k_q is stated for TPR20,10 = 0\.668; a 15 MV beam has"),
    (case_f, cross_calibrated, r"ref: .*N_D,w was calibrated in 6 MV: it would count twice"),
]


@pytest.mark.parametrize(("case", "change", "said"), SIZES, ids=[change.__name__ for _, change, _ in SIZES])
def test_planning_refuses_what_cannot_be(connection, case, change, said) -> None:
    made = case()
    made = made[0] if isinstance(made, tuple) else made
    change(made)
    with pytest.raises(Refused, match=said):
        made.add(connection)


@pytest.mark.parametrize(
    ("text", "stated", "gy"),
    [
        ("78 Gy in 39 fractions of 2.00 Gy", None, 2.0), ("4 × 7.0 Gy to the target", None, 7.0),
        ("12.0 Gy/6", None, 2.0), ("20 x 250 cGy", None, 2.5), ("as in the plan", None, None), ("?", 1.8, 1.8),
    ],
)  # fmt: skip
def test_the_dose_of_a_fraction_is_read_from_the_prescription(text, stated, gy) -> None:
    case, _ = case_d()
    case.plan |= {"prescription": text, "fraction_gy": stated}
    found = fraction_gy(read_plan(case.plan_file[1], "plan.toml"))
    assert found == (pytest.approx(gy) if gy else None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("78 Gy in 39 fractions of 2.00 Gy", 39), ("12.0 Gy in 6 × 2.00 Gy", 6), ("50 Gy in 25, then 16 Gy in 8", 33),
        ("4 × 7.0 Gy after 45 Gy in 25", 29), ("as in the plan", None),
    ],
)  # fmt: skip
def test_the_fractions_are_counted_over_every_series_of_the_prescription(text, number) -> None:
    case, _ = case_d()
    case.plan |= {"prescription": text, "fraction_gy": 2.0}
    assert fractions(read_plan(case.plan_file[1], "plan.toml")) == number


def certificate(**entry) -> Calibrations:
    case = case_f()
    case.calibrations[0]["factors"]["n_dw"] = {
        name: value for name, value in (factor(0.05366, "Gy/nC", range=[0.05, 0.06]) | entry).items() if value != "-"
    }
    return read_calibrations(case.calibration_file[1], "calibrations.toml")


def test_a_certificate_is_entered_as_printed_and_converted() -> None:
    printed: FactorEntry = certificate(u_percent="-", U_percent=1.1, k=2, dof=50).calibration[0].factor("n_dw")
    assert (printed.u_percent, printed.U_percent, printed.k, printed.dof) == (pytest.approx(0.55), 1.1, 2, 50)
    assert certificate(u_percent=0.55).calibration[0].factor("n_dw").dof is None


NEEDS_K = "needs the k of the certificate"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"u_percent": 0.55, "U_percent": 1.1, "k": 2}, "not both"), ({"u_percent": 0.55, "k": 2}, "not both"),
        ({"u_percent": "-", "U_percent": 1.1}, NEEDS_K), ({"u_percent": "-", "k": 2}, NEEDS_K),
        ({"u_percent": "-", "U_percent": 1.1, "k": 0}, NEEDS_K), ({"u_percent": "-"}, "u_percent"),
        ({"value": 53.66}, r"53\.66, outside the 0\.05 to 0\.06 that the site believes"),
        ({"range": [0.001, 5.0]}, "says nothing"),
    ],
)  # fmt: skip
def test_an_uncertainty_stated_twice_or_by_half_and_a_wrong_size_are_refused(entry, said) -> None:
    with pytest.raises(FileProblem, match=said):
        certificate(**entry)


def test_an_element_correction_outside_its_batchs_range_is_named() -> None:
    case, _ = case_d()
    case.eccs["S-1"] = 9.92
    with pytest.raises(FileProblem, match=r"ecc of S-1 is 9\.92, outside the 0\.8 to 1\.2"):
        read_calibrations(case.calibration_file[1], "calibrations.toml")


def test_the_degrees_of_freedom_of_a_certificate_reach_the_budget() -> None:
    entry = certificate(u_percent=0.55, dof=7).calibration[0].factor("n_dw")
    assert factor_of(factor_record(entry)).dof == 7
    (row,) = components_of([ComponentRecord(name="x", u_percent=1.0, source="s", dof=4.0, per="result")])
    assert row.dof == 4


async def test_standards_of_another_run_give_a_coefficient_that_nobody_believes(connection) -> None:
    case, reads = case_d()
    others = [(name, value / 2 if name.startswith("S-") else value) for name, value in reads]
    _, outputs = await measured(connection, case, others)
    assert outputs["head-R"]["decision"] == "INVALID"
    (why,) = outputs["head-R"]["why"]
    assert "is 6.3" in why
    assert "outside the 11 to 15 that the site believes" in why
