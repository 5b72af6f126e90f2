"""Where the guards end: each lets the value on its edge pass and refuses the next one; and no record holds NaN."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acquire import dosimetry as d
from acquire.dosimetry import element_calibration as elements
from acquire.dosimetry import guards
from acquire.dosimetry.chamber_form import AmbientConditions
from acquire.dosimetry.correlation import Combined

NOON = datetime(2027, 2, 1, 12, tzinfo=UTC)


def one(value: float, unit: str = "1", u: float = 0.0) -> d.Factor:
    return d.Factor(value, unit, u, "certificate 7")


def test_a_factor_has_no_symbol_or_name_of_its_own_unless_it_is_given() -> None:
    assert (one(1.0).symbol, one(1.0).name) == ("", "")


ROW = d.Contribution("a", 1.0, "site")
RECORDS: list[Any] = [
    d.AttemptValue("1", 1.0), d.Dot("N-1", (1.0, 2.0), one(1.0)), d.ThresholdScatter(1.0, "site"),
    d.ReaderForm(0.001, "growing", "after-sensitivity", "in-field"), AmbientConditions(20.0, 101.3, 20.0, 101.325),
    d.Term(1.0, d.Budget((ROW,)), 1.0, 1.0), Combined(1.0, 0.1, 5.0, ()), d.ElementSignal("T-1", 1.0, one(1.0)),
    d.Observation(NOON, 1.0, "D-1", "entrance", "LA-1"), d.CourseLine("therapy", 2.0, 25, d.Budget((ROW,))),
    d.Mean(1.0, 2, 1.0), d.ReadCharge(1.0, 1.0, 1.0, 2), d.LeakageFit(0.1, 5.0), d.BackgroundSignal(1.0, 0.1, "site"),
    d.CorrectionTable("SSD", "cm", (80.0, 90.0), (1.0, 1.1), 0.5, "table"), elements.Blank(1.0, 0.1, 5.0),
    elements.Repeatability(1.0, 5.0, "site"), elements.Correction(1.0, 0.1, 5.0, 0.2),
    d.Coefficient(1.0, "cGy/nC", d.Budget((ROW,)), "1", "site"),
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: type(each).__name__)
def test_no_field_of_a_record_is_no_number(record: Any) -> None:
    numbers = [f.name for f in fields(record) if isinstance(getattr(record, f.name), float)]
    inside = [f.name for f in fields(record) if isinstance(getattr(record, f.name), tuple) and getattr(record, f.name)]
    assert numbers or inside
    for name in numbers:
        with pytest.raises(d.OutsideValidity, match=rf"{name} is nan"):
            replace(record, **{name: math.nan})
    for name in inside:
        with pytest.raises(d.OutsideValidity, match=rf"{name}\[1\] is inf"):
            replace(record, **{name: (1.0, math.inf)})


# --- scale and range ---


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1000.0, "mrad or mGy read as cGy or Gy, or pC as nC"), (501.0, "mrad or mGy read"), (499.0, ""), (2000.0, ""),
        (199.0, "cGy read as Gy (a coefficient"), (51.0, "cGy read as Gy (a"), (50.0, ""), (200.0, ""),
        (19.0, "mGy read as cGy, or hPa"), (5.1, "mGy read as cGy"), (5.0, ""), (20.0, ""), (0.19, "cGy read as mGy"),
        (0.051, "cGy read as mGy"), (0.2, ""), (0.05, ""), (0.019, "Gy read as cGy"), (0.0051, "Gy read as cGy"),
        (0.0019, "cGy or Gy read as mrad"), (0.00051, "cGy or Gy read as mrad"), (0.0005, ""), (0.002, ""), (1.0, ""),
    ],
)  # fmt: skip
def test_which_units_may_have_been_mixed_up(ratio: float, said: str) -> None:
    found = d.likely_unit(ratio)
    assert found.startswith(said)
    assert bool(found) is bool(said)


def test_a_fifth_and_five_times_the_expected_dose_are_of_one_scale() -> None:
    d.same_scale(0.5, 2.5)
    d.same_scale(2.5, 0.5)
    for dose, hint in ((2.55, "mGy read as cGy"), (0.09, "cGy read as mGy"), (15.0, "Gy and cGy, nC and pC")):
        with pytest.raises(d.Blocked, match=hint):
            d.same_scale(dose, 0.5)
    for pair in ((0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)):
        with pytest.raises(d.OutsideValidity, match="must both be above 0 Gy"):
            d.same_scale(*pair)


def test_a_plausible_range_has_both_its_ends() -> None:
    d.believable(0.5, 0.5, 4.0)
    d.believable(4.0, 0.5, 4.0)
    d.believable(0.0, 0.0, 4.0)
    with pytest.raises(d.Blocked, match=r"lies above the plausible 400 cGy .* \(mGy read as cGy"):
        d.believable(14.2, 0.5, 4.0)  # ten times the middle of the range, 1.414 Gy
    with pytest.raises(d.Blocked, match=r"lies below the plausible 50 cGy .* \(cGy read as mGy"):
        d.believable(0.142, 0.5, 4.0)
    with pytest.raises(d.Blocked, match=r"above the plausible 400 cGy .* \(mGy read as cGy"):
        d.believable(20.0, 0.0, 4.0)  # from 0 the middle is half the highest
    with pytest.raises(d.Blocked, match=r"\(mrad, cGy, Gy\)"):
        d.believable(5.0, 0.5, 4.0)
    for low, high in ((-0.1, 1.0), (1.0, 1.0), (2.0, 1.0)):
        with pytest.raises(d.OutsideValidity, match="needs a lowest dose below a highest"):
            d.believable(1.0, low, high)


# --- time, sign and size of readings ---


def test_an_entry_just_as_old_as_allowed_is_fresh() -> None:
    hour = timedelta(hours=1)
    d.fresh(NOON, NOON + hour, hour)
    d.fresh(NOON + hour, NOON, hour)
    with pytest.raises(d.Blocked, match=r"^The temperature and pressure were read 90 min before .* at most 60 min"):
        d.fresh(NOON, NOON + 1.5 * hour, hour)
    with pytest.raises(d.Blocked, match="were read 90 min after"):
        d.fresh(NOON + 1.5 * hour, NOON, hour)
    for pair in ((NOON.replace(tzinfo=None), NOON), (NOON, NOON.replace(tzinfo=None))):
        with pytest.raises(d.OutsideValidity, match="need times with a time zone"):
            d.fresh(*pair, hour)


def test_a_polarity_is_that_of_the_calibration() -> None:
    d.polarity_as_at_calibration(0.5, True)
    d.polarity_as_at_calibration(-0.5, False)
    with pytest.raises(d.Blocked, match="is negative, the chamber was calibrated with positive readings"):
        d.polarity_as_at_calibration(-0.5, True)
    with pytest.raises(d.Blocked, match="is positive, the diode was calibrated with negative readings"):
        d.polarity_as_at_calibration(0.5, False, "the diode")
    with pytest.raises(d.OutsideValidity, match="shows no polarity"):
        d.polarity_as_at_calibration(0.0, True)


def test_repeats_have_one_sign_and_one_size() -> None:
    guards.one_sign([0.0, 0.5])
    guards.one_sign([-0.5, 0.0])
    with pytest.raises(d.Blocked, match="both signs"):
        guards.one_sign([-0.5, 0.5])
    guards.alike([1.0, 3.0], 100.0)
    guards.alike([-1.0, -3.0], 100.0)
    with pytest.raises(d.Blocked, match=r"^The repeats differ by 100\.00 %, above 99 %"):
        guards.alike([1.0, 3.0, 2.0], 99.0)
    with pytest.raises(d.Blocked, match="differ by inf %"):
        guards.alike([-1.0, 1.0], 1000.0)


def test_a_reading_without_a_number_names_its_flags() -> None:
    assert d.without_overload(0.0, []) == 0.0
    with pytest.raises(d.Blocked, match=r"\(overload, late\)"):
        d.without_overload(None, ["overload", "late"])
    with pytest.raises(d.Blocked, match=r"\(no value\)"):
        d.without_overload(None, [])


def test_the_ports_own_detector_collects_the_most() -> None:
    d.own_detector_is_largest("D-1", {"D-1": -5.0, "D-2": 4.0})
    with pytest.raises(d.Blocked, match="D-2 collected 4 nC and its own D-1 3 nC"):
        d.own_detector_is_largest("D-1", {"D-1": 3.0, "D-2": -4.0})
    with pytest.raises(d.Blocked, match="D-1 of this port collected nothing"):
        d.own_detector_is_largest("D-1", {"D-2": 4.0})


def test_a_range_holds_to_four_fifths_of_it() -> None:
    d.range_holds(-16.0, 20.0)
    d.range_holds(5.0, 10.0, 0.5)
    with pytest.raises(d.Blocked, match=r"expected 16\.1 nC would overload the range of 20 nC"):
        d.range_holds(-16.1, 20.0)


def test_a_chamber_has_settled_after_ten_gray() -> None:
    d.pre_irradiated(10.0)
    with pytest.raises(d.Blocked, match="settle after 10 Gy"):
        d.pre_irradiated(9.9)
    d.pre_irradiated(2.0, 2.0)


# --- tables, means, courses, coefficients ---


def test_a_table_is_read_on_and_between_its_nodes() -> None:
    table = d.CorrectionTable("SSD", "cm", (80.0, 90.0, 100.0), (0.9, 1.0, 1.2), 0.5, "table 3", "6 MV")
    assert [table.factor(x).value for x in (80.0, 90.0, 100.0)] == [0.9, 1.0, 1.2]
    assert table.factor(95.0).value == pytest.approx(1.1)
    assert (table.factor(95.0).source, table.factor(95.0).unit) == ("table 3, SSD 95 cm", "1")
    for at, cf in (((80.0,), (1.0,)), ((80.0, 90.0), (1.0,)), ((80.0, 80.0), (1.0, 1.1)), ((90.0, 80.0), (1.0, 1.1))):
        with pytest.raises(d.OutsideValidity, match="table over SSD"):
            d.CorrectionTable("SSD", "cm", at, cf, 0.5, "table 3").factor(80.0)
    two = d.CorrectionTable("SSD", "cm", (80.0, 90.0), (0.9, 1.0), 0.5, "table 3")
    assert two.factor(82.0).value == pytest.approx(0.92)
    for x in (79.9, 90.1):
        with pytest.raises(d.OutsideValidity, match="goes from 80 to 90"):
            two.factor(x)


def test_correction_factors_by_hand() -> None:
    assert d.cf_of_ratio(0.5, 0.25, -0.5, -0.5) == 2.0
    assert d.equivalent_square_cm(0.5, 0.5) == 0.5
    assert d.temperature_coefficient([20.0, 22.5, 25.0], [0.99, 1.0, 1.01], 25.0) == pytest.approx(0.4 / 1.01)
    for wrong in ((0.0, 1.0, 1.0, 1.0), (1.0, 0.0, 1.0, 1.0), (1.0, 1.0, 0.0, 1.0), (1.0, 1.0, 1.0, -1.0)):
        with pytest.raises(d.OutsideValidity, match="doses above 0 and readings of one sign"):
            d.cf_of_ratio(*wrong)
    for size in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(d.OutsideValidity, match="Field sizes must be above 0"):
            d.equivalent_square_cm(*size)
    for t, m in (([20.0, 26.0], [1.0, 1.1]), ([20.0, 22.0, 26.0], [1.0, 1.1]), ([20.0, 22.0, 24.9], [1.0, 1.0, 1.1])):
        with pytest.raises(d.OutsideValidity, match="at least three readings over at least 5 °C"):
            d.temperature_coefficient(t, m, 22.0)


def test_a_mean_and_its_row_by_hand() -> None:
    mean = d.mean_of([-1.0, -3.0])
    assert (mean.value, mean.n, mean.sem_percent) == (-2.0, 2, pytest.approx(50.0))
    row = mean.row("reading", "repeats")
    assert (row.name, row.u_percent, row.kind, row.dof, row.source) == ("reading", mean.sem_percent, "A", 1, "repeats")
    assert d.mean_of([5.0]).sem_percent is None
    assert d.mean_of([0.0, 0.0]) == d.Mean(0.0, 2, None)
    with pytest.raises(d.MissingFactor, match="'reading' was read once"):
        d.mean_of([5.0]).row("reading", "repeats")
    with pytest.raises(d.MissingFactor, match="There is no reading"):
        d.mean_of([])
    with pytest.raises(d.Blocked, match="differ by"):
        d.mean_of([1.0, 3.0], 99.0)


def test_a_course_by_hand() -> None:
    line = d.CourseLine("therapy", 2.0, 25, d.Budget((d.Contribution("rcf", 2.0, "site"),)))
    image = d.imaging_line(one(0.5, "cGy", 10.0), 4)
    assert (image.name, image.gy_each, image.times) == ("imaging", 0.005, 4)
    assert d.imaging_line(one(0.5, "Gy"), 4, "CBCT").gy_each == 0.5
    total = d.course_dose([line, image, d.CourseLine("none", 2.0, 0, d.Budget((ROW,)))])
    assert (total.value, total.u) == (pytest.approx(50.02), pytest.approx(math.hypot(1.0, 0.002)))
    found = d.course_against_limit([line], 49.0)
    assert (found.where, found.certain, found.low_gy, found.high_gy) == ("above", False, None, 49.0)
    with pytest.raises(d.OutsideValidity, match="negative number of fractions"):
        d.course_dose([replace(line, times=-1)])


def test_a_coefficient_as_issued_and_when_it_is_not() -> None:
    found = d.detector_calibration(0.5, d.Budget((ROW,)), [-10.0, -12.0], [d.Contribution("place", 2.0, "site")])
    assert (found.value, found.unit, found.numbers) == (pytest.approx(50 / 11), "cGy/nC", "100 × 0.5 / 11")
    assert [row.name for row in found.budget.rows] == ["a", "place", "reading"]
    issued = found.factor(3, "D-1")
    assert (issued.value, issued.unit, issued.shared_key) == (4.55, "cGy/nC", "D-1")
    assert (issued.u_percent, issued.dof) == (found.budget.u_percent, found.budget.dof)
    assert found.source == issued.source == "detector calibration"
    assert d.may_be_issued(1.5, 1.0, 50.0, 10.0, 10.0, "D-1") == 50.0
    with pytest.raises(d.Blocked, match=r"changed by \+51\.00 %, the site's limit is 50 %\. Take it out"):
        d.may_be_issued(1.51, 1.0, 50.0, 10.0, 10.0, "D-1")
    with pytest.raises(d.Blocked, match=r"changed by -51\.00 %, .* and it has received 10\.5 Gy, the limit is 10 Gy"):
        d.may_be_issued(0.49, 1.0, 50.0, 10.5, 10.0, "D-1")
    for dose_gy in (0.0, -1.0):
        with pytest.raises(d.OutsideValidity, match="reference dose of a detector calibration"):
            d.detector_calibration(dose_gy, d.Budget((ROW,)), [1.0])
    with pytest.raises(d.OutsideValidity, match="read zero during"):
        d.detector_calibration(1.0, d.Budget((ROW,)), [0.0])


def test_a_cross_calibration_and_a_dose_at_maximum_by_hand() -> None:
    reference = d.Factor(0.05, "Gy/nC", 0.5, "lab", 9.0, "lab 1")
    k_q = d.Factor(0.5, "1", 0.6, "table", 7.0, "kq")
    found = d.cross_calibration(reference, k_q, d.mean_of([-4.0, -6.0]), d.mean_of([2.0]))
    assert (found.value, found.unit) == (pytest.approx(0.05 * 0.5 * 5 / 2), "Gy/nC")
    assert (found.numbers, found.source) == ("0.05 × 0.5 × 5 / 2", "cross-calibration, TRS-398 Rev.1")
    rows = found.budget.rows
    assert [(r.name, r.source, r.dof, r.shared_key) for r in rows] == [
        ("n_dw of the reference chamber", "lab", 9.0, "lab 1"), ("k_q", "table", 7.0, "kq"),
        ("reference reading", "repeated readings", 1, None),
    ]  # fmt: skip
    for pair in (([0.0], [1.0]), ([1.0], [0.0])):
        with pytest.raises(d.OutsideValidity, match="readings of both chambers"):
            d.cross_calibration(reference, one(1.0), *(d.mean_of(each) for each in pair))
    dose = d.mosfet_dose(
        before_mv=900.0,
        after_mv=1000.0,
        factors={"cf": one(1.0, "cGy/mV"), "cf_energy": one(1.0), "cf_angle": one(1.0)},
    )
    gy, budget = d.dose_at_maximum_of(dose, 50.0, 0.7, "site")
    assert (gy, budget.rows[-1].name, budget.rows[-1].u_percent) == (2.0, "depth dose", 0.7)
    assert d.dose_at_maximum_of(dose, 100.0, 0.7, "site")[0] == 1.0
    assert d.dose_at_maximum_of(dose, 10.5, 0.7, "site")[0] == pytest.approx(1 / 0.105)
    for pdd in (10.0, 100.1):
        with pytest.raises(d.OutsideValidity, match="give it in percent"):
            d.dose_at_maximum_of(dose, pdd, 0.7, "site")


@pytest.mark.parametrize(("gy", "unseen"), [(0.01, True), (0.019, True), (0.02, False), (0.03, False)])
def test_that_no_beam_was_seen_is_guessed_below_two_percent_of_what_was_expected(gy: float, unseen: bool) -> None:
    with pytest.raises(d.Blocked) as blocked:
        guards.same_scale(gy, 1.0)
    assert str(blocked.value).endswith(" Perhaps no beam was seen.") == unseen


@pytest.mark.parametrize(
    ("dose", "low", "high", "hint"),
    [
        (160.0, 0.01, 0.04, "mrad, cGy, Gy"),
        (20.0, 0.01, 0.04, "mrad or mGy read as cGy or Gy, or pC as nC"),
        (2.0, 0.01, 0.04, "cGy read as Gy (a coefficient in cGy/nC used as Gy/nC)"),
        (5.0, 0.0, 0.1, "cGy read as Gy (a coefficient in cGy/nC used as Gy/nC)"),
        (9.0, 0.0, 0.1, "cGy read as Gy (a coefficient in cGy/nC used as Gy/nC)"),
        (11.0, 0.0, 0.1, "mrad, cGy, Gy"),
    ],
)
def test_the_likely_unit_is_by_the_middle_of_a_plausible_range(dose: float, low: float, high: float, hint: str) -> None:
    with pytest.raises(d.Blocked, match=f"above the plausible {100 * high:g} cGy") as blocked:
        guards.believable(dose, low, high)
    assert f"may be wrong ({hint})." in str(blocked.value)


def test_an_environment_reading_says_on_which_side_it_lies() -> None:
    hour = timedelta(hours=1)
    for read, side in ((NOON - 2 * hour, "before"), (NOON + 2 * hour, "after")):
        with pytest.raises(d.Blocked, match=f"were read 120 min {side} the measurement; at most 60 min"):
            guards.fresh(read, NOON, hour)
