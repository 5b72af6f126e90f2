"""Diodes, chips, dots, MOSFETs, HDR sources and courses: procedures, named forms, and what they refuse."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire import dosimetry as d

SOURCE = "test"


def one(value: float, u: float = 0.0, unit: str = "1", key: str | None = None) -> d.Factor:
    return d.Factor(value, unit, u, SOURCE, shared_key=key)


def known(value: float) -> d.BackgroundSignal:
    return d.BackgroundSignal(value, 0.0, SOURCE)


def diode_factors(key: str | None = None) -> dict[str, d.Factor]:
    return {
        "n_cal": one(3.1, 1.0, "cGy/nC", key), "svwt": one(0.25, 5, "%/Cel"), "t_cal": one(22.0, 0.5, "Cel"),
        "cf_ssd": one(0.99, 0.5), "cf_fs": one(1.0, 0.5), "cf_wedge": one(1.0),
    }  # fmt: skip


# --- calibration ---


def test_cross_calibration_carries_the_budget_of_the_reference() -> None:
    found = d.cross_calibration(
        one(0.05366, 0.55, "Gy/nC", "lab"), one(0.9895, 0.6), d.mean_of([12.30, 12.31, 12.29]), d.mean_of([24.5, 24.6])
    )
    assert found.value == pytest.approx(0.05366 * 0.9895 * 12.30 / 24.55)
    assert found.unit == "Gy/nC"
    rows = {row.name: row for row in found.budget.rows}
    assert rows["n_dw of the reference chamber"].shared_key == "lab"
    assert rows["field reading"].u_percent == pytest.approx(100 * math.sqrt(0.005) / math.sqrt(2) / 24.55)
    assert rows["field reading"].dof == 1


def test_a_correction_table_is_interpolated_and_never_extrapolated() -> None:
    table = d.CorrectionTable("SSD", "cm", (80.0, 90.0, 100.0), (0.985, 0.994, 1.0), 0.5, "CF table of D-11", "6 MV")
    factor = table.factor(88.0)
    assert factor.value == pytest.approx(0.9922)
    assert (factor.u_percent, factor.beam) == (0.5, "6 MV")
    assert "SSD 88 cm" in factor.source
    with pytest.raises(d.OutsideValidity, match="outside the table, which goes from 80 to 100"):
        table.factor(79.9)


def test_correction_factor_of_ratios_and_its_reference() -> None:
    assert d.cf_of_ratio(98.0, 100.0, 30.0, 31.0) == pytest.approx(0.98 / (30 / 31))
    assert d.cf_of_ratio(100.0, 100.0, 31.0, 31.0) == 1.0
    assert d.equivalent_square_cm(7, 18) == pytest.approx(10.08)


def test_temperature_coefficient_is_found_again() -> None:
    temperatures = [20.0, 24.0, 28.0, 32.0]
    readings = [10 * (1 + 0.0025 * (t - 22)) for t in temperatures]
    assert d.temperature_coefficient(temperatures, readings, 22.0) == pytest.approx(0.25)


# --- diodes ---


def test_midline_of_two_sides_counts_the_common_calibration_once() -> None:
    entrance = d.diode_entrance_dose(charge_nc=16.0, factors=diode_factors("session F"), temperature_c=30.0)
    exit_factors = diode_factors("session F") | {"cf_backscatter": one(1.02, 0.5)}
    exit_dose = d.diode_exit_dose(charge_nc=10.0, factors=exit_factors, temperature_c=30.0)
    middle = d.midline_mean(entrance, exit_dose, one(0.98, 1.0))
    assert middle.value_gy == pytest.approx((entrance.value_gy + exit_dose.value_gy) / 2 * 0.98)
    rows = {row.name: row.part_percent for row in middle.budget.rows}
    assert rows["n_cal"] == pytest.approx(1.0)
    assert sum(name == "cf_ssd" for name in (row.name for row in middle.budget.rows)) == 2
    assert middle.steps[-1].what == "D_mid"


def test_midline_by_transmission_stays_inside_its_table() -> None:
    table = [(0.5, 0.75), (0.6, 0.80), (0.7, 0.85)]
    assert d.midline_transmission(2.0, 1.3, table) == pytest.approx(2.0 * 0.825)
    with pytest.raises(d.OutsideValidity, match="transmission"):
        d.midline_transmission(2.0, 0.4, table)


# --- chips and dots ---


def test_element_sensitivities_bring_a_batch_to_its_mean() -> None:
    signals = {"T-1": 100.0, "T-2": 104.0, "T-3": 96.0}
    corrected = [signals[name] * k for name, k in d.element_sensitivities(signals).items()]
    assert corrected == pytest.approx([100.0] * 3)


@given(st.floats(100, 1e5), st.floats(0.9, 1.1), st.floats(0, 50))
def test_the_two_background_forms_differ_and_are_named(signal: float, k: float, background: float) -> None:
    after = d.net_signal(signal, k, background, "after-sensitivity")
    before = d.net_signal(signal, k, background, "before-sensitivity")
    assert after - before == pytest.approx(background * (k - 1), abs=1e-9 * signal)
    with pytest.raises(d.OutsideValidity, match="unknown"):
        d.net_signal(signal, k, background, "either")


def test_the_background_form_stands_in_the_steps_and_changes_the_hash() -> None:
    doses = [
        d.tld_dose(
            elements=[d.ElementSignal("T-1", 40.0, one(0.95, 1.0))], background=known(0.4),
            rcf=one(12.8, 1.5, "nC/cGy"),
            factors={"k_f": one(1.0), "k_l": one(1.0), "k_q": one(1.0)}, pair_limit_percent=5, background_form=form,
        )
        for form in ("after-sensitivity", "before-sensitivity")
    ]  # fmt: skip
    assert [dose.steps[0].formula for dose in doses] == ["(Q · ECC − B)/RCF", "((Q − B) · ECC)/RCF"]
    assert doses[0].inputs_hash != doses[1].inputs_hash
    assert doses[1].value_gy == pytest.approx((40.0 - 0.4) * 0.95 / 12.8 / 100)


@given(st.floats(0.0001, 0.02), st.floats(1e3, 1e6))
def test_depletion_is_found_again_from_repeated_readings(loss: float, first: float) -> None:
    readings = [first * (1 - loss) ** j for j in range(6)]
    assert d.depletion_of(readings) == pytest.approx(loss, rel=1e-6)
    assert d.depletion_corrected(readings, loss, "falling") == pytest.approx([first] * 6)
    growing = d.depletion_corrected(readings, loss, "growing")
    assert growing[1] == pytest.approx(first * (1 - loss * loss))


def osl(position: str, factors: dict[str, d.Factor]) -> d.Dose:
    return d.osl_dose(
        dots=[d.Dot("N-1", (51230.0, 51190.0), one(1.018, 2.0))], background=known(310.0),
        n_dw=one(0.00385, 1.2, "cGy/{counts}"),
        factors=factors, form=d.ReaderForm(0.0005, "growing", "after-sensitivity", position), pair_limit_percent=5,
    )  # fmt: skip


def test_outside_the_field_an_energy_correction_of_the_site_is_demanded() -> None:
    inside = {"k_f": one(1.0), "k_l": one(1.0), "k_q": one(1.0), "k_theta": one(1.0)}
    assert osl("in-field", inside).formula == "OSL dose, in-field"
    with pytest.raises(d.MissingFactor, match="OSL dose, out-of-field needs k_q_out"):
        osl("out-of-field", inside)
    outside = osl("out-of-field", {k: f for k, f in inside.items() if k != "k_q"} | {"k_q_out": one(0.88, 6.0)})
    assert outside.value_gy == pytest.approx(0.88 * osl("in-field", inside).value_gy)


def test_an_element_at_background_or_a_missing_control_gives_no_dose() -> None:
    with pytest.raises(d.MissingFactor, match="control elements"):
        d.background_of_controls([])
    with pytest.raises(d.Blocked, match="no more than the background"):
        d.tld_dose(
            elements=[d.ElementSignal("T-1", 0.3, one(1.0))], background=known(0.4), rcf=one(12.8, 1.5, "nC/cGy"),
            factors={"k_f": one(1.0), "k_l": one(1.0), "k_q": one(1.0)}, pair_limit_percent=5,
        )  # fmt: skip


def test_reader_curves_checks_and_limits() -> None:
    d.right_curve(5000, "low", 11000)
    with pytest.raises(d.Blocked, match="other curve"):
        d.right_curve(12000, "low", 11000)
    assert d.check_element(101.0, 100.0, 2.0) == pytest.approx(1.0)
    with pytest.raises(d.Blocked, match="service the reader"):
        d.check_element(97.0, 100.0, 2.0)
    with pytest.raises(d.OutsideValidity, match="at least 10"):
        d.blank_sd([0.1] * 9)
    with pytest.raises(d.Blocked, match="known from 0.5 to 180 d".replace(".", r"\.")):
        d.within_days(0.1, 0.5, 180, "N-1")


# --- pairs and attempts ---


def test_a_pair_beyond_its_limit_is_decided_by_the_stated_choice() -> None:
    a, b = ("T-1", 2.0), ("T-2", 2.2)
    assert d.pair_choice(a, ("T-2", 2.05), 5.0, "none") == (pytest.approx(2.025), 0.0)
    with pytest.raises(d.Blocked, match="find the cause"):
        d.pair_choice(a, b, 5.0, "none")
    assert d.pair_choice(a, b, 5.0, "named", "T-2") == (2.2, 0.0)
    with pytest.raises(d.MissingFactor, match="must be named"):
        d.pair_choice(a, b, 5.0, "named")
    value, extra = d.pair_choice(a, b, 5.0, "both-with-spread")
    assert value == pytest.approx(2.1)
    assert extra / 100 * value == pytest.approx(0.1 / math.sqrt(3))


def test_attempts_count_by_rule_never_by_value() -> None:
    attempts = [d.AttemptValue("1", None, "overload"), d.AttemptValue("2", 1.1), d.AttemptValue("3", 1.2)]
    assert d.counting(attempts, "first-valid").used == ("2",)
    assert d.counting(attempts, "last-valid").value == 1.2
    mean = d.counting(attempts, "mean-of-valid")
    assert (mean.value, mean.left_out) == (pytest.approx(1.15), (("1", "overload"),))
    with pytest.raises(d.MissingFactor, match="none is estimated"):
        d.counting(attempts[:1], "first-valid")


# --- MOSFET, HDR, course ---


def test_mosfet_readings_have_order_delay_and_life() -> None:
    with pytest.raises(d.Blocked, match="exchanged"):
        d.threshold_shift_mv(6741.5, 6412.0)
    with pytest.raises(d.Blocked, match="10 min after irradiation, at calibration 2 min"):
        d.read_at_same_delay(2, 10, 2, 1)
    assert d.enough_life(18500, 20000, 1500, 1.0) == 1500
    with pytest.raises(d.Blocked, match="use another sensor"):
        d.enough_life(18500, 20000, 1501, 1.0)


@given(st.floats(0, 300), st.floats(0, 300))
def test_decay_is_exponential(a: float, b: float) -> None:
    together = d.decay_factor(a + b, 73.83)
    assert together == pytest.approx(d.decay_factor(a, 73.83) * d.decay_factor(b, 73.83), rel=1e-12)
    assert d.decay_factor(73.83, 73.83) == pytest.approx(0.5)


def test_the_uncertainty_of_the_half_life_grows_with_time() -> None:
    strength = d.source_strength(one(40820, 2.0, "U"), one(73.83, 0.1, "d"), 73.83)
    assert strength.value == pytest.approx(20410)
    assert strength.u_percent == pytest.approx(math.hypot(2.0, 0.1 * math.log(2)))


def test_a_dwell_time_that_is_not_the_plans_is_blocked() -> None:
    with pytest.raises(d.Blocked, match="check source strength, date and plan"):
        d.check_dwell_time(380.0, 440.7, 1.0)
    with pytest.raises(d.OutsideValidity, match="time zone"):
        d.days_between(datetime(2027, 1, 1), datetime(2027, 1, 2, tzinfo=UTC))


def test_imaging_is_a_line_of_its_own() -> None:
    dose = d.tld_dose(
        elements=[d.ElementSignal("T-1", 76.8, one(1.0))], background=known(0.0), rcf=one(12.8, 5.0, "nC/cGy"),
        factors={"k_f": one(1.0), "k_l": one(1.0), "k_q": one(1.0)}, pair_limit_percent=5,
    )  # fmt: skip
    total = d.course_dose([d.therapy_line(dose, 25), d.imaging_line(one(0.20, 30.0, "cGy"), 25)])
    assert total.value == pytest.approx(1.5 + 0.05)
    assert total.u == pytest.approx(math.hypot(1.5 * 0.05, 0.05 * 0.30))
    with pytest.raises(d.OutsideValidity, match="cGy or Gy"):
        d.imaging_line(one(200, 30.0, "mrad"), 25)


# --- vectorised ---


def test_arrays_have_the_bits_of_single_calls_and_their_refusals() -> None:
    readings = [1.0, 1.002, 1.004]
    found = d.each(d.k_s_pulsed, 3.0, readings)
    assert [float(x) for x in found] == [d.k_s_pulsed(3.0, r) for r in readings]
    grid = d.each(d.k_tp, [[20.0], [22.0]], [98.0, 100.0], t0_c=20.0, p0_kpa=101.325)
    assert grid.shape == (2, 2)
    with pytest.raises(d.Blocked, match=r"Element \[1\]: k_s would be"):
        d.each(d.k_s_pulsed, 3.0, [1.0, 0.99])
