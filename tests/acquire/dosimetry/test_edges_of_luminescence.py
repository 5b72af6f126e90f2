"""Where the rules of chips and dots end: the value on an edge counts, the next one beyond it does not."""

from __future__ import annotations

import math

import pytest

from acquire import dosimetry as d
from acquire.dosimetry import luminescence as lum


def one(value: float, unit: str = "1") -> d.Factor:
    return d.Factor(value, unit, 0.0, "certificate 7")


FORM = d.ReaderForm(0.0, "growing", "after-sensitivity", "in-field")


def standard(signal: float) -> d.Dot:
    return d.Dot("S-1", (signal,), one(1.0))


def test_two_elements_are_a_batch_and_a_small_signal_is_one() -> None:
    assert d.element_sensitivities({"T-1": 0.5, "T-2": 1.5}) == pytest.approx({"T-1": 2.0, "T-2": 2 / 3})


@pytest.mark.parametrize("signals", [{"T-1": 1.0}, {"T-1": 0.0, "T-2": 1.0}, {"T-1": -1.0, "T-2": 2.0}])
def test_one_element_or_one_without_signal_is_no_batch(signals) -> None:
    with pytest.raises(d.OutsideValidity, match="at least two elements with a net signal above 0"):
        d.element_sensitivities(signals)


def test_a_depletion_is_a_fraction_from_0_to_a_fifth() -> None:
    assert d.depletion_corrected([100.0, 100.0], 0.0, "growing") == [100.0, 100.0]
    assert d.depletion_corrected([100.0, 100.0, 100.0], 0.19, "growing") == pytest.approx([100.0, 119.0, 141.61])
    for loss in (-0.001, 0.2, 0.3):
        with pytest.raises(d.OutsideValidity, match=r"outside 0 to 0\.2"):
            d.depletion_corrected([100.0, 100.0], loss, "falling")


def test_five_readings_make_a_depletion_four_do_not() -> None:
    readings = [0.5 * 0.9**j for j in range(5)]
    assert d.depletion_of(readings) == pytest.approx(0.1)
    for refused in (readings[:4], [*readings[:4], 0.0], [*readings, -1.0]):
        with pytest.raises(d.OutsideValidity, match="at least five readings above 0"):
            d.depletion_of(refused)


def test_fading_by_hand_and_on_its_edges() -> None:
    assert d.fading_linear(0.01, 7.0, 3.0) == pytest.approx(1.04)
    assert d.fading_linear(0.05, 0.0, 2.0) == pytest.approx(0.9)
    assert d.fading_linear(0.05, 0.5, 0.0) == pytest.approx(1.025)
    assert d.fading_linear(0.0, 7.0, 3.0) == 1.0


@pytest.mark.parametrize("wrong", [(0.01, -1.0, 3.0), (0.01, 7.0, -0.5), (-0.001, 7.0, 3.0), (0.06, 7.0, 3.0)])
def test_a_time_before_or_a_rate_in_percent_is_no_fading(wrong) -> None:
    with pytest.raises(d.OutsideValidity, match="days of 0 or more and a rate of 0 to"):
        d.fading_linear(*wrong)


def test_the_last_day_and_the_first_of_a_fading_curve_count() -> None:
    d.within_days(0.5, 0.5, 30.0, "T-1")
    d.within_days(30.0, 0.5, 30.0, "T-1")
    with pytest.raises(d.Blocked, match=r"T-1 was read 30\.1 d after"):
        d.within_days(30.1, 0.5, 30.0, "T-1")


def test_a_line_of_linearity_holds_to_the_doses_it_was_fitted_with() -> None:
    assert d.linearity_line(0.5, 0.02, 2.0, (0.5, 6.0)) == pytest.approx(1.03)
    assert d.linearity_line(6.0, 0.02, 2.0, (0.5, 6.0)) == pytest.approx(0.92)
    for outside in (0.49, 6.01):
        with pytest.raises(d.OutsideValidity, match="where the linearity was measured"):
            d.linearity_line(outside, 0.02, 2.0, (0.5, 6.0))


def test_a_response_to_an_angle_lies_between_a_half_and_one_and_a_half() -> None:
    assert d.angle_factor(0.5) == 2.0
    assert d.angle_factor(1.5) == pytest.approx(2 / 3)
    for response in (0.49, 1.51, 96.0):
        with pytest.raises(d.OutsideValidity, match=r"outside 0\.5 to 1\.5"):
            d.angle_factor(response)


def test_controls_that_read_nothing_are_a_background_of_zero() -> None:
    assert d.background_of_controls([0.0, 0.4, 0.5]) == pytest.approx(0.3)
    with pytest.raises(d.OutsideValidity, match=r"reads -0\.1"):
        d.background_of_controls([0.4, -0.1])


def test_a_detection_limit_is_three_times_the_scatter_of_ten_blanks() -> None:
    blanks = [1.0, 3.0] * 5
    assert d.blank_sd(blanks) == pytest.approx(math.sqrt(10 / 9))
    assert lum.detection_limit_cgy(0.2, 12.0) == pytest.approx(0.05)


def test_a_check_element_on_its_limit_passes() -> None:
    assert d.check_element(150.0, 100.0, 50.0) == 50.0
    assert d.check_element(50.0, 100.0, 50.0) == -50.0
    with pytest.raises(d.Blocked, match=r"The check element reads \+51\.0 %, the limit is ±50 %"):
        d.check_element(151.0, 100.0, 50.0)


def test_an_element_on_its_limit_of_dose_may_still_be_used() -> None:
    lum.below_cumulative_limit(100.0, 100.0, "T-1")
    with pytest.raises(d.Blocked, match=r"T-1 has received 100\.5 Gy"):
        lum.below_cumulative_limit(100.5, 100.0, "T-1")


def test_a_readout_below_a_twentieth_of_the_first_is_of_an_emptied_element() -> None:
    assert d.second_read(4.9, 100.0)
    assert not d.second_read(5.0, 100.0)
    assert not d.second_read(9.0, 100.0)
    assert d.second_read(9.0, 100.0, 0.1)


# --- the coefficient and the reader's form ---


def test_a_coefficient_of_standards_by_hand() -> None:
    assert d.n_dw_of_standards([standard(1.2), standard(0.9)], 0.8, 0.5, FORM) == pytest.approx(0.5 / 0.25)


def test_standards_without_a_dose_or_without_a_signal_make_no_coefficient() -> None:
    with pytest.raises(d.MissingFactor, match="standards of this reader session are missing"):
        d.n_dw_of_standards([], 0.0, 100.0, FORM)
    for dose_cgy in (0.0, -1.0):
        with pytest.raises(d.OutsideValidity, match="it must be above 0"):
            d.n_dw_of_standards([standard(1e5)], 0.0, dose_cgy, FORM)
    for background in (1e5, 2e5):
        with pytest.raises(d.Blocked, match="may have been exchanged"):
            d.n_dw_of_standards([standard(1e5)], background, 100.0, FORM)
    with pytest.raises(d.MissingFactor, match="Dot S-1 has not been read"):
        d.n_dw_of_standards([d.Dot("S-1", (), one(1.0))], 0.0, 100.0, FORM)


def test_the_readers_dose_in_mrad_and_what_is_none() -> None:
    assert d.reader_dose_mrad(0.0, 0.5, 0.5) == 0.0
    assert d.reader_dose_mrad(0.5, 0.5, 0.25) == 4.0
    for wrong in ((-0.5, 10.0, 1.0), (1e4, 0.0, 1.0), (1e4, -1.0, 1.0), (1e4, 10.0, 0.0), (1e4, 10.0, -1.0)):
        with pytest.raises(d.OutsideValidity, match="must not be negative, the reader's factor and the sensitivity"):
            d.reader_dose_mrad(*wrong)


def test_the_cross_over_itself_is_of_the_low_curve() -> None:
    d.right_curve(11000, "low", 11000)
    d.right_curve(12000, "high", 11000)
    for dose_mrad in (11000, 5000):
        with pytest.raises(d.Blocked, match="calculated with the high-dose curve"):
            d.right_curve(dose_mrad, "high", 11000)


def test_a_coefficient_that_is_not_above_zero_is_named() -> None:
    dots, ks = [d.Dot("N-1", (1e5,), one(1.0))], {k: one(1.0) for k in ("k_f", "k_l", "k_q", "k_theta")}
    none = d.BackgroundSignal(0.0, 0.0, "none")
    with pytest.raises(d.OutsideValidity, match=r"^n_dw = 0 \(certificate 7\) must be above 0"):
        d.osl_dose(
            dots=dots, background=none, n_dw=one(0.0, "cGy/{counts}"), factors=ks, form=FORM, pair_limit_percent=5.0
        )
    with pytest.raises(d.OutsideValidity, match=r"^factor = 0 \(certificate 7\) must be above 0"):
        d.reader_form_dose(
            counts=[("N-1", 1e5, one(1.0))], control=none, reader_factor=one(0.0, "{counts}/mRAD"),
            factors={"k_f": one(1.0), "k_q": one(1.0)}, position="in-field", pair_limit_percent=5.0,
        )  # fmt: skip
    with pytest.raises(d.MissingFactor, match="No dot of this point has been read"):
        d.osl_dose(
            dots=[], background=none, n_dw=one(0.1, "cGy/{counts}"), factors=ks, form=FORM, pair_limit_percent=5.0
        )
    with pytest.raises(d.MissingFactor, match="No dot of this point has been read"):
        d.reader_form_dose(
            counts=[], control=none, reader_factor=one(1.0, "{counts}/mRAD"),
            factors={"k_f": one(1.0), "k_q": one(1.0)}, position="in-field", pair_limit_percent=5.0,
        )  # fmt: skip


def test_a_place_that_is_none_has_no_energy_correction() -> None:
    with pytest.raises(d.OutsideValidity, match="'beside' is unknown: in-field or out-of-field"):
        d.osl_dose(
            dots=[], background=d.BackgroundSignal(0.0, 0.0, "none"), n_dw=one(0.1, "cGy/{counts}"), factors={},
            form=d.ReaderForm(0.0, "growing", "after-sensitivity", "beside"), pair_limit_percent=5.0,
        )  # fmt: skip
