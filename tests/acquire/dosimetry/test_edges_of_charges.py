"""Where the rules of an electrometer's reading end: leakage, polarity, recombination, air, factors of detectors."""

from __future__ import annotations

import math

import pytest

from acquire import dosimetry as d


def one(value: float, unit: str = "1") -> d.Factor:
    return d.Factor(value, unit, 0.0, "certificate 7")


# --- leakage ---


def test_the_slope_of_three_readings_and_its_scatter_by_hand() -> None:
    # mean time 1 s, mean charge 2/3 nC: slope 1/2; residuals 1/6, -1/3, 1/6
    assert d.slope([0.0, 1.0, 2.0], [0.0, 1.0, 1.0]) == pytest.approx(0.5)
    u, dof = d.slope_u([0.0, 1.0, 2.0], [0.0, 1.0, 1.0])
    assert (u, dof) == (pytest.approx(math.sqrt(1 / 6 / 1 / 2)), 1)
    u, dof = d.slope_u([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0])
    assert (u, dof) == (pytest.approx(math.sqrt(1.8 / 2 / 5)), 2)


@pytest.mark.parametrize(
    ("times", "charges"), [([0.0, 1.0], [0.0, 1.0]), ([0.0, 1.0, 2.0], [0.0, 1.0]), ([1.0, 1.0, 1.0], [0.0, 1.0, 2.0])]
)
def test_readings_that_make_no_slope_are_refused(times, charges) -> None:
    with pytest.raises(d.OutsideValidity, match="A leakage current needs"):
        d.slope(times, charges)


def test_a_leakage_measured_just_as_long_is_long_enough() -> None:
    d.long_enough(30.0, 30.0)
    with pytest.raises(d.Blocked, match="measure it as long"):
        d.long_enough(29.9, 30.0)


def test_leakage_is_named_to_a_tenth_of_a_percent_and_blocks_above_a_half() -> None:
    named = d.net_charge(-1000.0, 0.0625, 16.0)
    assert named == d.NetCharge(-1000.0, -1000.0, 1.0, 0.1, 16.0, False)
    taken = d.net_charge(-1000.0, 0.125, 16.0)
    assert taken == d.NetCharge(-1002.0, -1000.0, 2.0, 0.2, 16.0, True)
    assert d.net_charge(1000.0, 0.5, 10.0).value_nc == 995.0
    with pytest.raises(d.Blocked, match=r"Leakage is 0\.51 % of the reading \(510\.000 pA for 10\.0 s\), above 0\.5 %"):
        d.net_charge(1000.0, 0.51, 10.0)
    assert d.net_charge(1000.0, 0.0625, 1.0, always_subtract=True).value_nc == 999.9375


def test_a_short_reading_is_one_and_none_is_none() -> None:
    assert d.net_charge(0.5, 0.0, 0.5).value_nc == 0.5
    with pytest.raises(d.OutsideValidity, match="no beam was seen"):
        d.net_charge(0.0, 0.0, 10.0)
    for duration_s in (0.0, -1.0):
        with pytest.raises(d.OutsideValidity, match="a duration above 0 s, not"):
            d.net_charge(1.0, 0.0, duration_s)


# --- polarity ---


def test_a_polarity_two_percent_from_one_counts_and_one_beyond_does_not() -> None:
    assert d.k_pol(12.0, -12.24) == pytest.approx(1.01)
    assert d.k_pol(-100.0, 103.99) == pytest.approx(1.01995)
    assert d.k_pol(0.5, -0.5) == 1.0
    for opposite in (104.1, 95.9):
        with pytest.raises(d.Blocked, match="more than 2 % from 1"):
            d.k_pol(100.0, -opposite)
    with pytest.raises(d.OutsideValidity, match="reference polarity is zero"):
        d.k_pol(0.0, 1.0)


def test_a_polarity_is_remarked_on_beyond_four_in_a_thousand() -> None:
    assert d.polarity_warning(1.0039) is None
    assert d.polarity_warning(0.9961) is None
    assert d.polarity_warning(1.0) is None
    assert d.polarity_warning(0.9959) == (
        "k_pol = 0.9959 lies outside 1 ± 0.004: was the wait after the voltage change long enough?"
    )


def test_waiting_as_long_as_asked_is_waiting_long_enough() -> None:
    d.waited(300.0, 300.0)
    with pytest.raises(d.Blocked, match="299 s after the voltage change; it counts only after 300 s"):
        d.waited(299.0, 300.0)


def test_readings_at_two_polarities_have_two_signs() -> None:
    d.opposite_signs(0.5, -0.5)
    d.opposite_signs(-12.0, 12.0)
    for pair in ((0.5, 0.7), (-0.5, -0.7)):
        with pytest.raises(d.Blocked, match="the voltage was not reversed"):
            d.opposite_signs(*pair)


def test_a_correction_at_calibration_lies_within_a_tenth_of_one() -> None:
    assert d.relative_to_calibration(1.0, 0.9) == pytest.approx(1 / 0.9)
    assert d.relative_to_calibration(1.0, 1.1) == pytest.approx(1 / 1.1)
    for at_calibration in (0.89, 1.11):
        with pytest.raises(d.OutsideValidity, match=r"outside 0\.9 to 1\.1"):
            d.relative_to_calibration(1.0, at_calibration)


# --- recombination ---


def test_forms_of_recombination_by_hand() -> None:
    assert d.k_s_linear(1.5, 1.01) == pytest.approx(1.02)
    assert d.k_s_continuous(1.5, 1.02) == pytest.approx(1.25 / 1.23)
    assert d.p_ion_pulsed(2.0, 1.04) == pytest.approx(1 / 0.96)
    assert d.k_s_continuous_follows(2.0, 1.02) == pytest.approx(1.02 / (4 - 1.02))
    assert d.p_ion_pulsed_follows(2.0, 1.02) == pytest.approx(1.02 / (2 - 1.02))


@pytest.mark.parametrize("form", [d.k_s_pulsed, d.k_s_continuous, d.p_ion_pulsed])
@pytest.mark.parametrize("n", [2.0, 2.5, 3.0, 3.5, 4.0, 5.0])
def test_every_form_at_every_ratio_is_near_its_slope_at_no_recombination(form, n) -> None:
    """At r = 1 each is 1 within the rounding of the table, and grows about as 1/(n-1), 1/(n²-1) in continuous beams."""
    a, b = form(n, 1.003), form(n, 1.009)
    slope = (b - a) / 0.006
    near = 1 / (n * n - 1) if form is d.k_s_continuous else 1 / (n - 1)
    assert slope == pytest.approx(near, rel=0.06)
    assert a == pytest.approx(1 + 0.003 * near, abs=1.2e-3)


@pytest.mark.parametrize(
    ("follows", "form"),
    [(d.k_s_pulsed_follows, d.k_s_pulsed), (d.k_s_scanned_follows, d.k_s_scanned),
     (d.k_s_continuous_follows, d.k_s_continuous), (d.p_ion_pulsed_follows, d.p_ion_pulsed)],
)  # fmt: skip
def test_what_follows_a_reading_is_the_derivative_of_its_form(follows, form) -> None:
    r, h = 1.02, 1e-5
    numeric = r * (form(3.0, r + h) - form(3.0, r - h)) / (2 * h) / form(3.0, r)
    assert follows(3.0, r) == pytest.approx(numeric, rel=1e-6)


def test_recombination_below_one_or_above_five_percent_is_blocked() -> None:
    assert d.p_ion_pulsed(3.0, 1.0) == 1.0
    assert d.p_ion_pulsed(2.0, 2 - 1 / 1.0499) == pytest.approx(1.0499)
    for r in (0.99, 2 - 1 / 1.0501):
        with pytest.raises(d.Blocked, match=r"allowed is 1 to 1\.05"):
            d.p_ion_pulsed(2.0, r)
    assert d.k_s_linear(2.0, 1.0299) == pytest.approx(1.0299)
    for r in (1.03, 1.04):
        with pytest.raises(d.OutsideValidity, match=r"holds below 1\.03 only"):
            d.k_s_linear(2.0, r)


def test_a_ratio_of_voltages_is_above_one_and_for_tg51_two_or_more() -> None:
    for form in (d.k_s_linear, d.k_s_continuous, d.p_ion_pulsed):
        for n in (1.0, 0.5):
            with pytest.raises(d.OutsideValidity, match="it must be above 1"):
                form(n, 1.0)
    with pytest.raises(d.OutsideValidity, match=r"at least 2, not 1\.9"):
        d.p_ion_pulsed(1.9, 1.0)
    with pytest.raises(d.OutsideValidity, match=r"tabulated for voltage ratios 2, 2\.5, 3, 3\.5, 4, 5, not 2\.2"):
        d.k_s_pulsed(2.2, 1.01)


def test_a_ratio_within_a_thousandth_of_a_tabulated_one_is_that_one() -> None:
    assert d.voltage_ratio(300.0, 100.05) == 3.0
    assert d.voltage_ratio(300.0, 100.2) == pytest.approx(300 / 100.2, abs=1e-12)
    assert d.voltage_ratio(-300.0, -200.0) == 1.5
    for high, low in ((300.0, 0.0), (300.0, 300.0), (300.0, -100.0), (100.0, 300.0)):
        with pytest.raises(d.OutsideValidity, match="need one sign, the first the larger"):
            d.voltage_ratio(high, low)


# --- air ---


@pytest.mark.parametrize(
    "air", [(5.0, 80.0, 20.0, 101.325), (45.0, 106.0, 22.0, 101.325), (20.0, 100.0, 15.0, 100.0),
            (20.0, 100.0, 25.0, 102.0)]
)  # fmt: skip
def test_air_on_the_edges_of_what_is_believed(air) -> None:
    t, p, t0, p0 = air
    assert d.k_tp(*air) == pytest.approx((273.15 + t) / (273.15 + t0) * p0 / p, rel=1e-12)
    assert d.p_tp(*air) == pytest.approx((273.2 + t) / (273.2 + t0) * p0 / p, rel=1e-12)


@pytest.mark.parametrize(
    ("air", "said"),
    [
        ((4.9, 100.0, 20.0, 101.325), r"4\.9 °C lies outside 5 to 45 °C; give it in °C\."),
        ((45.1, 100.0, 20.0, 101.325), r"45\.1 °C lies outside 5 to 45 °C; give it in °C; it looks like °F\.$"),
        ((113.0, 100.0, 20.0, 101.325), "it looks like °F"), ((113.1, 100.0, 20.0, 101.325), r"give it in °C\.$"),
        ((278.2, 100.0, 20.0, 101.325), "it looks like K"), ((278.0, 100.0, 20.0, 101.325), r"give it in °C\.$"),
        ((318.1, 100.0, 20.0, 101.325), "it looks like K"), ((318.2, 100.0, 20.0, 101.325), r"give it in °C\.$"),
        ((250.5, 100.0, 20.0, 101.325), r"give it in °C\.$"), ((72.0, 100.0, 20.0, 101.325), "it looks like °F"),
        ((115.0, 100.0, 20.0, 101.325), r"give it in °C\.$"), ((250.0, 100.0, 20.0, 101.325), r"give it in °C\.$"),
        ((293.0, 100.0, 20.0, 101.325), "it looks like K"), ((20.0, 79.9, 20.0, 101.325), r"79\.9 kPa lies outside"),
        ((20.0, 106.1, 20.0, 101.325), r"value\.$"), ((20.0, 800.0, 20.0, 101.325), r"like hPa\.$"),
        ((20.0, 1060.0, 20.0, 101.325), r"like hPa\.$"), ((20.0, 1061.0, 20.0, 101.325), r"value\.$"),
        ((20.0, 601.0, 20.0, 101.325), r"like mmHg\.$"), ((20.0, 795.0, 20.0, 101.325), r"like mmHg\.$"),
        ((20.0, 600.0, 20.0, 101.325), r"value\.$"), ((20.0, 796.0, 20.0, 101.325), r"value\.$"),
        ((20.0, 100.0, 14.9, 101.325), r"T0 = 14\.9 °C lies outside"),
        ((20.0, 100.0, 25.1, 101.325), r"T0 = 25\.1 °C lies outside"),
        ((20.0, 100.0, 20.0, 99.9), r"P0 = 99\.9 kPa lies outside"),
        ((20.0, 100.0, 20.0, 102.1), r"P0 = 102\.1 kPa lies outside"),
    ],
)  # fmt: skip
def test_air_that_cannot_be_is_refused_with_the_unit_it_looks_like(air, said) -> None:
    with pytest.raises(d.OutsideValidity, match=said):
        d.k_tp(*air)


@pytest.mark.parametrize(
    ("humidity", "u"), [(20, 0.15), (39.9, 0.15), (40, 0.05), (60, 0.05), (60.1, 0.15), (80, 0.15)]
)
def test_humidity_has_a_row_and_no_correction(humidity: float, u: float) -> None:
    row = d.humidity_row(humidity)
    assert (row.name, row.u_percent) == ("humidity", u)


@pytest.mark.parametrize("humidity", [19.9, 80.1])
def test_very_dry_or_humid_air_is_refused(humidity: float) -> None:
    with pytest.raises(d.OutsideValidity, match="outside 20 to 80 %"):
        d.humidity_row(humidity)


# --- factors of a chamber and of a diode ---

CHAMBER = {"n_dw": one(0.05, "Gy/nC")} | {k: one(1.0) for k in ("k_elec", "k_pol", "k_s", "k_q")}
AIR = {"temperature_c": 20.0, "pressure_kpa": 101.325, "t0_c": 20.0, "p0_kpa": 101.325}


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("n_dw", 0.001, "Gy/nC"), ("n_dw", 5.0, "Gy/nC"), ("k_elec", 0.98, "1"), ("k_elec", 1.02, "1"),
        ("k_pol", 0.98, "1"), ("k_pol", 1.02, "1"), ("k_s", 1.05, "1"), ("k_s", 1 - 5e-10, "1"),
    ],
)  # fmt: skip
def test_a_chambers_factor_on_its_edge_is_used(name: str, value: float, unit: str) -> None:
    dose = d.chamber_dose_trs398(charge_nc=0.5, factors=CHAMBER | {name: one(value, unit)}, **AIR)
    assert dose.value_gy == pytest.approx(0.5 * (value if name == "n_dw" else 0.05 * value))


@pytest.mark.parametrize(
    ("name", "value", "unit", "error"),
    [
        ("n_dw", 0.0009, "Gy/nC", d.OutsideValidity), ("n_dw", 5.1, "Gy/nC", d.OutsideValidity),
        ("k_elec", 0.979, "1", d.OutsideValidity), ("k_elec", 1.021, "1", d.OutsideValidity),
        ("k_pol", 0.979, "1", d.Blocked), ("k_pol", 1.021, "1", d.Blocked), ("k_s", 1.051, "1", d.Blocked),
        ("k_s", 1 - 2e-9, "1", d.Blocked), ("k_q", 0.79, "1", d.OutsideValidity), ("k_q", 1.21, "1", d.OutsideValidity),
    ],
)  # fmt: skip
def test_a_chambers_factor_beyond_its_edge_is_refused(name: str, value: float, unit: str, error) -> None:
    with pytest.raises(error, match=name if name != "n_dw" else "N_D,w"):
        d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER | {name: one(value, unit)}, **AIR)


def test_a_factor_that_is_zero_is_named() -> None:
    for name, unit in (("n_dw", "Gy/nC"), ("k_pol", "1")):
        with pytest.raises(d.OutsideValidity, match=rf"^{name} = 0 \(certificate 7\) must be above 0"):
            d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER | {name: one(0.0, unit)}, **AIR)
    with pytest.raises(d.OutsideValidity, match="reading of the chamber is zero"):
        d.chamber_dose_trs398(charge_nc=0.0, factors=CHAMBER, **AIR)


DIODE = {"n_cal": one(3.0, "cGy/nC"), "svwt": one(0.25, "%/Cel"), "t_cal": one(22.0, "Cel")} | {
    k: one(1.0) for k in ("cf_ssd", "cf_fs", "cf_wedge")
}


@pytest.mark.parametrize("n_cal", [0.001, 1000.0])
def test_a_diodes_coefficient_on_its_edge_is_used(n_cal: float) -> None:
    dose = d.diode_entrance_dose(charge_nc=0.5, factors=DIODE | {"n_cal": one(n_cal, "cGy/nC")}, temperature_c=22.0)
    assert dose.value_gy == pytest.approx(0.5 * n_cal / 100)


@pytest.mark.parametrize("n_cal", [0.0009, 1001.0])
def test_a_diodes_coefficient_beyond_its_edge_is_refused(n_cal: float) -> None:
    with pytest.raises(d.OutsideValidity, match="is not that of a diode"):
        d.diode_entrance_dose(charge_nc=5.0, factors=DIODE | {"n_cal": one(n_cal, "cGy/nC")}, temperature_c=22.0)


def test_a_diodes_reading_or_coefficient_of_zero_is_named() -> None:
    with pytest.raises(d.OutsideValidity, match="diode's reading is zero"):
        d.diode_entrance_dose(charge_nc=0.0, factors=DIODE, temperature_c=22.0)
    with pytest.raises(d.OutsideValidity, match=r"^n_cal = 0 "):
        d.diode_entrance_dose(charge_nc=1.0, factors=DIODE | {"n_cal": one(0.0, "cGy/nC")}, temperature_c=22.0)
    with pytest.raises(d.MissingFactor, match=r"^Diode exit dose needs cf_backscatter"):
        d.diode_exit_dose(charge_nc=1.0, factors=DIODE, temperature_c=22.0)


def test_every_factor_that_a_diode_may_have_multiplies() -> None:
    more = {k: one(v) for k, v in (("cf_tray", 0.98), ("cf_angle", 1.01), ("cf_dose_rate", 1.02), ("cf_energy", 0.97))}
    dose = d.diode_entrance_dose(charge_nc=10.0, factors=DIODE | more, temperature_c=22.0)
    assert dose.value_gy == pytest.approx(0.3 * 0.98 * 1.01 * 1.02 * 0.97)


@pytest.mark.parametrize("t", [(0.25, 10.0, 45.0), (0.25, 45.0, 10.0), (-0.5, 30.0, 22.0), (1.0, 30.0, 22.0)])
def test_a_diodes_temperature_on_the_edges(t) -> None:
    assert d.cf_temperature(*t) == pytest.approx(1 / (1 + t[0] / 100 * (t[1] - t[2])))


@pytest.mark.parametrize(
    "t", [(0.25, 9.9, 22.0), (0.25, 45.1, 22.0), (0.25, 30.0, 9.9), (0.25, 30.0, 45.1), (-0.51, 30.0, 22.0),
          (1.01, 30.0, 22.0)]
)  # fmt: skip
def test_a_diodes_temperature_beyond_the_edges_is_refused(t) -> None:
    with pytest.raises(d.OutsideValidity, match=r"give (it|them) in"):
        d.cf_temperature(*t)
