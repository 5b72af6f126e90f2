"""Each guard blocks with one plain sentence and gives no number: units, commas, polarity, age, beam, doubt."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire import dosimetry as d
from acquire.dosimetry import units
from acquire.dosimetry.kq_electrons import MUIR_ROGERS, PLANE_PARALLEL

AIR = {"temperature_c": 21.8, "pressure_kpa": 99.87, "t0_c": 20.0, "p0_kpa": 101.325}
NOON = datetime(2027, 2, 1, 12, 0, tzinfo=UTC)


def one(value: float, unit: str = "1", **more) -> d.Factor:
    return d.Factor(value, unit, 0.5, "certificate 7", **more)


def chamber(**changes: d.Factor) -> dict[str, d.Factor]:
    return {
        "n_dw": one(0.05366, "Gy/nC"), "k_elec": one(1.001), "k_pol": one(0.9997), "k_s": one(1.0018),
        "k_q": one(0.9895),
    } | changes  # fmt: skip


def sentence(error: pytest.ExceptionInfo[d.DosimetryError]) -> str:
    """The error's text, which must be one plain sentence."""
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


# --- units mixed up ---


@pytest.mark.parametrize(
    ("measured", "expected", "hint"),
    [(200.0, 2.0, "cGy read as Gy"), (0.02, 2.0, "Gy read as cGy"), (2000.0, 2.0, "mrad"), (0.002, 2.0, "nC as pC")],
)
def test_a_dose_a_power_of_ten_off_is_blocked_with_the_likely_unit(measured: float, expected: float, hint: str) -> None:
    with pytest.raises(d.Blocked) as error:
        d.decide(
            dose_gy=measured, expected_gy=expected, u_measured_percent=2, u_expected_percent=2, tolerance_percent=7,
            action_percent=10, rule="guard-band",
        )  # fmt: skip
    assert hint in sentence(error)


@pytest.mark.parametrize(("value", "likely"), [(998.7, "hPa"), (749.0, "mmHg")])
def test_pressure_in_another_unit_is_blocked_and_named(value: float, likely: str) -> None:
    with pytest.raises(d.OutsideValidity) as error:
        d.k_tp(**{**AIR, "pressure_kpa": value})
    assert f"looks like {likely}" in sentence(error)


@pytest.mark.parametrize(("value", "likely"), [(71.2, "°F"), (294.95, "K")])
def test_temperature_in_another_unit_is_blocked_and_named(value: float, likely: str) -> None:
    with pytest.raises(d.OutsideValidity) as error:
        d.p_tp(**{**AIR, "temperature_c": value})
    assert f"looks like {likely}" in sentence(error)


@pytest.mark.parametrize("value", [5.366e7, 5.366e-11])
def test_a_coefficient_on_another_scale_is_blocked(value: float) -> None:
    with pytest.raises(d.OutsideValidity, match="check its unit"):
        d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(n_dw=one(value, "Gy/nC")), **AIR)


def test_the_unit_of_a_factor_is_never_guessed() -> None:
    with pytest.raises(d.OutsideValidity, match="needs n_dw in Gy/nC, not in cGy/nC"):
        d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(n_dw=one(5.366, "cGy/nC")), **AIR)
    with pytest.raises(d.OutsideValidity, match="no charge"):
        units.charge_nc(1.0, "Gy")
    with pytest.raises(d.OutsideValidity, match="no dose per charge"):
        units.n_dw_gy_per_nc(5.4, "cGy")


@given(st.sampled_from(["Gy", "cGy", "mGy", "uGy", "rad", "mrad"]), st.floats(1e-6, 1e6))
def test_doses_convert_there_and_back(unit: str, value: float) -> None:
    assert units.dose_gy(value, unit) / units.dose_gy(1.0, unit) == pytest.approx(value, rel=1e-12)


# --- numbers as they are written ---


@pytest.mark.parametrize(
    ("text", "value"),
    [("12,5", 12.5), ("12.5", 12.5), ("−3,2", -3.2), ("1e-3", 1e-3), ("12 345,6", 12345.6), ("12\u202f345", 12345.0),
     (" 7 ", 7.0), ("+.5", 0.5), ("5.", 5.0)],
)  # fmt: skip
def test_numbers_are_read(text: str, value: float) -> None:
    assert d.parse_number(text) == value


@pytest.mark.parametrize(
    "text", ["1,2,3", "1.234,5", "12 34", "", "NaN", "inf", "1e999", "12a", "0x10", "1_000", "\u0663"]
)
def test_what_is_not_one_number_is_refused(text: str) -> None:
    with pytest.raises(d.OutsideValidity) as error:
        d.parse_number(text)
    sentence(error)


@given(st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_every_float_is_read_back(value: float, comma: bool) -> None:
    text = repr(value).replace(".", ",") if comma else repr(value)
    assert d.parse_number(text.replace("-", "−")) == value


@given(st.text(max_size=12))
def test_nothing_else_ever_becomes_a_number(text: str) -> None:
    try:
        value = d.parse_number(text)
    except d.OutsideValidity:
        return
    kept = text.strip().replace("−", "-").replace("–", "-").replace(",", ".")
    assert float("".join(kept.split())) == value


# --- polarity, age, beam, day ---


def test_swapped_polarity_is_blocked() -> None:
    d.polarity_as_at_calibration(12.3, True)
    with pytest.raises(d.Blocked) as error:
        d.polarity_as_at_calibration(-12.3, True)
    assert "polarity is swapped" in sentence(error)
    with pytest.raises(d.Blocked, match="voltage was not reversed"):
        d.opposite_signs(12.3, 12.2)
    with pytest.raises(d.Blocked, match="two polarities are mixed"):
        d.mean_of([12.3, -12.3])


def test_stale_environment_is_blocked() -> None:
    d.fresh(NOON - timedelta(minutes=20), NOON, timedelta(minutes=30))
    with pytest.raises(d.Blocked) as error:
        d.fresh(NOON - timedelta(hours=3), NOON, timedelta(minutes=30))
    assert "180 min before the measurement" in sentence(error)
    with pytest.raises(d.OutsideValidity, match="time zone"):
        d.fresh(datetime(2027, 2, 1), NOON, timedelta(minutes=30))


def test_a_calibration_for_another_beam_or_day_is_refused() -> None:
    bound = one(0.05366, "Gy/nC", valid_from=date(2026, 4, 14), valid_until=date(2028, 4, 14), beam="6 MV")
    at = d.Circumstances(date(2027, 2, 1), "6 MV")
    assert d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(n_dw=bound), at=at, **AIR).value_gy > 0
    for wrong, said in (
        (d.Circumstances(date(2027, 2, 1), "10 MV"), "for the beam 6 MV; the measurement was in 10 MV"),
        (d.Circumstances(date(2028, 4, 24), "6 MV"), "ended on 2028-04-14, 10 day"),
        (d.Circumstances(date(2026, 4, 13), "6 MV"), "only from 2026-04-14"),
    ):
        with pytest.raises(d.OutsideValidity, match=said) as error:
            d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(n_dw=bound), at=wrong, **AIR)
        sentence(error)


# --- leakage, recombination, repeats ---


def test_leakage_is_measured_as_long_as_the_beam_and_blocks_above_half_a_percent() -> None:
    with pytest.raises(d.Blocked, match="as long"):
        d.long_enough(5.0, 15.0)
    with pytest.raises(d.Blocked, match="dry the connector"):
        d.net_charge(12.3, -0.005, 15.0)
    assert d.net_charge(-12.0, 0.002, 15.0).value_nc == pytest.approx(-12.03)


@pytest.mark.parametrize("form", [d.k_s_pulsed, d.k_s_scanned, d.k_s_continuous, d.p_ion_pulsed, d.k_s_linear])
@pytest.mark.parametrize("ratio", [0.999, 1.2])
def test_recombination_outside_its_bounds_is_blocked(form, ratio: float) -> None:
    if form is d.k_s_continuous and ratio > 1:
        ratio = 1.5
    with pytest.raises(d.Blocked, match=r"allowed is 1 to 1\.05"):
        form(2.0, ratio)


def test_the_linear_form_ends_at_three_percent() -> None:
    with pytest.raises(d.OutsideValidity, match=r"below 1\.03"):
        d.k_s_linear(2.0, 1.035)


def test_repeats_that_differ_are_blocked() -> None:
    with pytest.raises(d.Blocked, match=r"differ by 9\.45 %"):
        d.mean_of([12.3, 12.3, 13.5], limit_percent=1.0)


@pytest.mark.parametrize("name", ["k_pol", "k_s", "k_elec"])
def test_corrections_out_of_bounds_give_no_dose(name: str) -> None:
    with pytest.raises(d.DosimetryError, match=name):
        d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(**{name: one(1.06)}), **AIR)


def test_an_fff_beam_needs_its_volume_correction() -> None:
    with pytest.raises(d.MissingFactor, match="needs k_vol"):
        d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(), fff=True, **AIR)
    with_it = d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(k_vol=one(1.0017)), fff=True, **AIR)
    without = d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(), **AIR)
    assert with_it.value_gy / without.value_gy == pytest.approx(1.0017)


def test_what_the_laboratory_left_out_is_divided_by() -> None:
    left = d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(k_s_q0=one(1.002)), **AIR)
    assert left.value_gy == pytest.approx(
        d.chamber_dose_trs398(charge_nc=12.3, factors=chamber(), **AIR).value_gy / 1.002
    )
    assert "k_s_q0" in {row.name for row in left.budget.rows}


# --- tables ---


@pytest.mark.parametrize(
    "call",
    [
        lambda: d.k_q_rev1("PTW 30013", 0.55),
        lambda: d.k_q_photons_2000("30013", 0.85),
        lambda: d.k_q_electrons_2000("30013", 3.9),
        lambda: d.k_q_tg51("30013", 57.9),
        lambda: d.k_q_tg51("nobody", 66),
        lambda: d.k_r50_cylindrical_1999(9.1),
        lambda: d.pdd10x(0.664, 6, "none"),
        lambda: d.r50_of_i50(35.0),
        lambda: d.k_vol(0.66, 23.0, 100),
        lambda: d.cf_temperature(0.0025, 305.0, 295.0),
        lambda: d.humidity_row(85),
        lambda: d.pdd10x(80.0, 10, "none", fff=True),
        lambda: d.decay_factor(-1.0, 73.83),
        lambda: d.linearity_line(7.0, 0.02, 2.0, (0.5, 6.0)),
    ],
)
def test_outside_its_validity_a_formula_gives_no_number(call) -> None:
    with pytest.raises(d.OutsideValidity) as error:
        call()
    sentence(error)


@pytest.mark.parametrize("chamber_type", ["NE 2561/2611A", "PTW 31010", "Exradin A19"])
def test_a_doubtful_cavity_length_is_marked_and_never_used(chamber_type: str) -> None:
    with pytest.raises(d.Doubtful, match="doubtful"):
        d.cavity_length_cm(chamber_type)
    assert d.cavity_length_cm(chamber_type, 0.9) == 0.9


def test_a_known_cavity_length_is_only_held_against_the_data_sheet() -> None:
    with pytest.raises(d.Doubtful, match="data sheet"):
        d.cavity_length_cm("PTW 30013")
    assert d.cavity_length_cm("PTW 30013", 2.3) == 2.3
    with pytest.raises(d.OutsideValidity, match=r"far from the 2\.3 cm"):
        d.cavity_length_cm("PTW 30013", 23.0)


def test_every_electron_fit_is_one_at_its_reference_quality() -> None:
    for name in (*MUIR_ROGERS, *PLANE_PARALLEL):
        assert d.k_q_relative_2014(name, 7.5) == pytest.approx(1.0, abs=2e-3), name


def test_half_value_depth_joins_at_ten_centimetres() -> None:
    assert d.r50_of_i50(10.0) == pytest.approx(d.r50_of_i50(10.0001), abs=0.02)


# --- factors ---


def test_a_factor_without_source_or_with_no_number_is_none() -> None:
    with pytest.raises(d.MissingFactor, match="source"):
        d.Factor(1.0, "1", 0.5, "")
    for value, u in ((float("nan"), 0.5), (1.0, -0.1), (1.0, float("inf"))):
        with pytest.raises(d.OutsideValidity):
            d.Factor(value, "1", u, "table")


@pytest.mark.parametrize(
    ("call", "missing"),
    [
        (lambda f: d.diode_entrance_dose(charge_nc=1, factors=f, temperature_c=30), "n_cal"),
        (lambda f: d.diode_exit_dose(charge_nc=1, factors=f, temperature_c=30), "cf_backscatter"),
        (lambda f: d.mosfet_dose(before_mv=1, after_mv=2, factors=f), "cf"),
        (lambda f: d.chamber_dose_tg51(charge_nc=1, factors=f, **AIR), "n_dw"),
        (lambda f: d.electron_dose_tg51_1999(charge_nc=1, factors=f, **AIR), "n_dw"),
        (lambda f: d.electron_dose_muir_rogers(charge_nc=1, factors=f, **AIR), "n_dw"),
    ],
)
def test_a_missing_factor_is_an_error_everywhere(call, missing: str) -> None:
    with pytest.raises(d.MissingFactor, match=f"needs {missing}, and it is not given; it is never taken as 1"):
        call({})


def test_the_beam_that_is_on_gives_the_largest_signal_on_its_own_diode() -> None:
    d.own_detector_is_largest("D-14", {"D-12": 2.31, "D-14": 16.95})
    with pytest.raises(d.Blocked) as error:
        d.own_detector_is_largest("D-12", {"D-12": 2.31, "D-14": 16.95})
    assert "detector of the point is in doubt" in sentence(error)


def test_what_would_stop_a_measurement_is_said_before_it() -> None:
    d.range_holds(15.0, 20.0)
    with pytest.raises(d.Blocked, match="would overload the range of 20 nC"):
        d.range_holds(17.0, 20.0)
    d.pre_irradiated(10.5)
    with pytest.raises(d.Blocked, match="received 4 Gy today"):
        d.pre_irradiated(4.0)


def test_a_mosfet_is_calibrated_by_a_known_dose() -> None:
    assert d.mosfet_calibration_factor(200.0, [199.0, 201.0]) == pytest.approx(1.0)
    with pytest.raises(d.OutsideValidity):
        d.mosfet_calibration_factor(200.0, [])
