"""Where other rules end: attempts and pairs, factors and their days, MOSFETs, beam quality, sources."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import pytest

from acquire import dosimetry as d
from acquire.dosimetry import brachytherapy


def one(value: float, unit: str = "1", u: float = 0.0, key: str | None = None) -> d.Factor:
    return d.Factor(value, unit, u, "certificate 7", shared_key=key)


# --- attempts and pairs ---

ATTEMPTS = [
    d.AttemptValue("a", 1.0), d.AttemptValue("b", None, "overload"), d.AttemptValue("c", 2.0), d.AttemptValue("e", 6.0)
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "value", "used"),
    [("first-valid", 1.0, ("a",)), ("last-valid", 6.0, ("e",)), ("mean-of-valid", 3.0, ("a", "c", "e"))],
)
def test_which_attempts_count(rule, value, used) -> None:
    found = d.counting(ATTEMPTS, rule)
    assert (found.value, found.used, found.rule) == (value, used, rule)
    left = tuple(each.name for each in ATTEMPTS if each.name not in used)
    assert tuple(name for name, _ in found.left_out) == left
    assert dict(found.left_out)["b"] == "overload"
    if rule != "mean-of-valid":
        assert dict(found.left_out)["c"] == f"not counted by the rule {rule}"


def test_a_pair_on_its_limit_is_a_pair() -> None:
    assert d.pair_difference_percent(3.0, 1.0) == 100.0
    assert d.pair_choice(("T-1", 3.0), ("T-2", 1.0), 100.0, "none") == (2.0, 0.0)
    assert d.pair_choice(("T-1", 3.0), ("T-2", 1.0), 99.0, "both") == (2.0, 0.0)
    assert d.pair_choice(("T-1", 3.0), ("T-2", 1.0), 99.0, "named", "T-1") == (3.0, 0.0)
    value, u = d.pair_choice(("T-1", 3.0), ("T-2", 1.0), 99.0, "both-with-spread")
    assert (value, u) == (2.0, pytest.approx(100 / 2 / math.sqrt(3)))
    with pytest.raises(d.OutsideValidity, match="The rule 'better' is unknown"):
        d.pair_choice(("T-1", 3.0), ("T-2", 1.0), 99.0, "better")  # type: ignore[arg-type]


# --- factors ---

BOUND = d.Factor(
    1.0, "1", 0.5, "certificate 7", valid_from=date(2027, 1, 1), valid_until=date(2027, 12, 31), beam="6 MV"
)


def test_both_days_of_a_certificate_are_inside_it() -> None:
    for on in (date(2027, 1, 1), date(2027, 12, 31), None):
        BOUND.check("k_q", d.Circumstances(on, "6 MV"))
    BOUND.check("k_q", d.Circumstances(date(2027, 6, 1), None))
    one(1.0).check("k_q", d.Circumstances(date(2027, 6, 1), "6 MV"))


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (d.Circumstances(date(2026, 12, 31), "6 MV"), "holds only from 2027-01-01, not on 2026-12-31"),
        (d.Circumstances(date(2028, 1, 3), "6 MV"), r"ended on 2027-12-31, 3 day\(s\) before the measurement"),
        (d.Circumstances(date(2027, 6, 1), "10 MV"), "a calibration for the beam 6 MV; the measurement was in 10 MV"),
    ],
)
def test_another_day_or_beam_is_refused(at, said) -> None:
    with pytest.raises(d.OutsideValidity, match=said):
        BOUND.check("k_q", at)


def test_a_factor_is_a_number_with_uncertainty_source_and_degrees_of_freedom() -> None:
    assert d.Factor(1.0, "1", 0.0, "c", dof=1.0).dof == 1.0
    for value, u in ((math.nan, 0.0), (1.0, math.inf), (1.0, -0.1)):
        with pytest.raises(d.OutsideValidity, match="no finite number with an uncertainty of 0 % or more"):
            d.Factor(value, "1", u, "c")
    with pytest.raises(d.MissingFactor, match="without its source"):
        d.Factor(1.0, "1", 0.0, "")
    for dof in (0.9, 0.0, math.nan):
        with pytest.raises(d.OutsideValidity, match="at least 1 is needed"):
            d.Factor(1.0, "1", 0.0, "c", dof=dof)


# --- MOSFETs ---

SENSOR = {"cf": one(0.97, "cGy/mV"), "cf_energy": one(1.0), "cf_angle": one(1.0)}


def test_a_shift_is_above_zero() -> None:
    assert d.threshold_shift_mv(1000.0, 1000.5) == 0.5
    for after in (1000.0, 999.0):
        with pytest.raises(d.Blocked, match="may have been exchanged"):
            d.threshold_shift_mv(1000.0, after)


def test_a_delay_on_its_tolerance_counts_before_and_after() -> None:
    d.read_at_same_delay(1.5, 2.5, 2.0, 0.5)
    d.read_at_same_delay(2.5, 1.5, 2.0, 0.5)
    with pytest.raises(d.Blocked, match=r"read 1\.4 min before irradiation, at calibration 2 min"):
        d.read_at_same_delay(1.4, 2.0, 2.0, 0.5)
    with pytest.raises(d.Blocked, match=r"read 2\.6 min after irradiation"):
        d.read_at_same_delay(2.0, 2.6, 2.0, 0.5)


def test_a_sensor_a_tenth_below_its_record_is_still_the_same() -> None:
    d.same_sensor(900.0, 1000.0)
    d.same_sensor(1200.0, 1000.0)
    with pytest.raises(d.Blocked, match="another sensor"):
        d.same_sensor(899.0, 1000.0)


def test_coefficients_and_life_of_a_sensor() -> None:
    assert d.cf_of_sensitivity(0.5) == 200.0
    assert d.mosfet_calibration_factor(0.5, [0.25, 0.75]) == 1.0
    assert d.remaining_mv(21000.0, 20000.0) == 0.0
    assert d.remaining_mv(18500.0, 20000.0) == 1500.0
    assert d.enough_life(18500.0, 20000.0, 750.0, 0.5) == 1500.0
    for mv_per_gy in (0.0, -1.0):
        with pytest.raises(d.OutsideValidity, match="sensitivity must be above 0"):
            d.cf_of_sensitivity(mv_per_gy)
    for dose, shifts in ((0.0, [1.0]), (-1.0, [1.0]), (1.0, []), (1.0, [1.0, 0.0]), (1.0, [3.0, -1.0])):
        with pytest.raises(d.OutsideValidity, match="needs a dose above 0 and threshold shifts above 0"):
            d.mosfet_calibration_factor(dose, shifts)


# --- midline ---


def test_a_midline_by_transmission_takes_any_order_and_refuses_zero() -> None:
    assert d.midline_transmission(0.5, 0.25, [(0.6, 0.8), (0.4, 0.7)]) == pytest.approx(0.5 * 0.75)
    for entrance, exit_gy in ((0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)):
        with pytest.raises(d.OutsideValidity, match=r"^Entrance and exit dose must be above 0 Gy"):
            d.midline_transmission(entrance, exit_gy, [(0.4, 0.7), (0.6, 0.8)])
    with pytest.raises(d.OutsideValidity, match=r"^transmission = 0\.7 lies outside the table"):
        d.midline_transmission(1.0, 0.7, [(0.4, 0.7), (0.6, 0.8)])


def test_a_midline_factor_is_a_number_above_zero_and_warnings_stay() -> None:
    sensor = d.mosfet_dose(before_mv=1000.0, after_mv=1200.0, factors=SENSOR)
    for wrong in (one(0.0), one(-1.0), one(1.0, "cGy")):
        with pytest.raises(d.OutsideValidity, match="midline factor must be a number above 0 without unit"):
            d.midline_mean(sensor, sensor, wrong)
    chamber = {"n_dw": one(0.05, "Gy/nC"), "k_pol": one(1.01)} | {k: one(1.0) for k in ("k_elec", "k_s", "k_q")}
    air = {"temperature_c": 20.0, "pressure_kpa": 101.325, "t0_c": 20.0, "p0_kpa": 101.325}
    warned = d.chamber_dose_trs398(charge_nc=10.0, factors=chamber, **air)
    assert len(warned.warnings) == 1
    assert d.midline_mean(warned, sensor, one(0.5)).warnings == warned.warnings
    assert d.midline_mean(sensor, warned, one(0.5)).warnings == warned.warnings
    shares = d.midline_mean(sensor, warned, one(0.5), [d.Contribution("thickness", 1.0, "site")])
    assert shares.value_gy == pytest.approx((1.94 + 0.505) / 2 * 0.5)
    assert len({shares.inputs_hash, d.midline_mean(sensor, warned, one(0.5)).inputs_hash}) == 2


# --- beam quality ---


def test_beam_qualities_by_hand_on_the_edges_of_their_forms() -> None:
    assert d.tpr20_10_of_pdd(0.5, 1.0) == pytest.approx(1.2661 / 2 - 0.0595)
    assert d.tpr20_10_estimate(57.0) == pytest.approx(-0.7898 + 0.0329 * 57 - 0.000166 * 57**2)
    assert d.tpr20_10_estimate(89.0) == pytest.approx(-0.7898 + 0.0329 * 89 - 0.000166 * 89**2)
    assert d.pdd10x(57.0, 6.0, "none") == 57.0
    assert d.pdd10x(75.0, 18.0, "none") == 75.0
    assert d.pdd10x(76.0, 10.0, "none") == pytest.approx(1.267 * 76 - 20)
    assert d.pdd10x(89.0, 18.0, "50 cm") == pytest.approx((0.8905 + 0.0015 * 89) * 89)
    assert d.pdd10x(73.0, 18.0, "50 cm") == pytest.approx((0.8905 + 0.0015 * 73) * 73)
    assert d.pdd10x(72.9, 18.0, "50 cm") == 72.9
    assert d.pdd10x(71.0, 18.0, "30 cm", fff=True) == pytest.approx((0.8116 + 0.00264 * 71) * 71)
    assert d.pdd10x(70.9, 18.0, "30 cm") == 70.9
    assert d.pdd10x(66.0, 9.9, "none", fff=True) == 66.0
    assert d.r50_of_i50(0.5) == pytest.approx(1.029 * 0.5 - 0.06)
    assert d.r50_of_i50(10.0) == pytest.approx(10.23)
    assert d.r50_of_i50(25.0) == pytest.approx(1.059 * 25 - 0.37)
    assert d.d_ref_of_r50(0.5) == pytest.approx(0.2)
    assert d.d_ref_of_r50(26.0) == pytest.approx(15.5)
    assert d.dose_at_maximum(1.0, 100.0) == 1.0
    assert d.dose_at_maximum(1.0, 10.5) == pytest.approx(1 / 0.105)
    assert d.inverse_square(0.5, 0.25) == 4.0


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (d.tpr20_10_of_pdd, (0.0, 66.0)), (d.tpr20_10_of_pdd, (66.0, 66.0)), (d.tpr20_10_estimate, (56.9,)),
        (d.tpr20_10_estimate, (89.1,)), (d.pdd10x, (56.9, 6.0, "none")), (d.pdd10x, (89.1, 18.0, "none")),
        (d.pdd10x, (75.1, 9.9, "none")), (d.r50_of_i50, (0.49,)), (d.r50_of_i50, (25.1,)), (d.d_ref_of_r50, (0.49,)),
        (d.d_ref_of_r50, (26.1,)), (d.dose_at_maximum, (1.0, 10.0)), (d.dose_at_maximum, (1.0, 100.1)),
        (d.inverse_square, (0.0, 100.0)), (d.inverse_square, (100.0, 0.0)), (d.inverse_square, (-1.0, 1.0)),
        (d.k_vol, (0.559, 2.0, 100.0)), (d.k_vol, (0.821, 2.0, 100.0)), (d.k_vol, (0.67, 0.049, 100.0)),
        (d.k_vol, (0.67, 5.1, 100.0)), (d.k_vol, (0.67, 2.0, 49.0)), (d.k_vol, (0.67, 2.0, 301.0)),
        (d.p_rp_of_parabola, (-0.001, 10.0)), (d.p_rp_of_parabola, (0.012, 10.0)),
        (d.decay_factor, (1.0, 0.0)), (d.decay_factor, (-0.1, 10.0)), (d.decay_factor, (200.1, 10.0)),
        (d.dwell_time_s, (0.0, 1.0, 1.0)), (d.dwell_time_s, (1.0, 0.0, 1.0)), (d.dwell_time_s, (1.0, 1.0, 0.0)),
    ],
)  # fmt: skip
def test_beyond_the_edge_it_is_refused(call, arguments) -> None:
    with pytest.raises(d.OutsideValidity, match=r"outside|must|forms?|belong|no correction|not a time after it"):
        call(*arguments)


def test_a_form_without_foil_is_not_for_a_beam_without_filter() -> None:
    with pytest.raises(d.OutsideValidity, match="does not hold for FFF beams"):
        d.pdd10x(70.0, 10.0, "none", fff=True)


def test_volume_averaging_on_its_edges() -> None:
    for tpr, length, sdd in ((0.56, 0.05, 50.0), (0.82, 5.0, 300.0)):
        assert d.k_vol(tpr, length, sdd) == pytest.approx(1 + (0.0062 * tpr - 0.0036) * (100 / sdd) ** 2 * length**2)
    assert d.p_rp_of_parabola(0.0, 10.0) == 1.0
    assert d.p_rp_of_parabola(0.0119, 10.0) == pytest.approx(1 / (1 - 1.19 / 12))
    assert d.p_rp_of_profile([-1.0, 0.0, 1.0], [0.98, 1.0, 0.96], 2.0) == pytest.approx(2 / (0.99 + 0.98))
    assert d.p_rp_of_profile([-2.0, 0.0, 2.0], [0.96, 1.008, 0.96], 2.0) == pytest.approx(2 / (1.008 + 0.984))
    for positions, profile in (
        ([-1.0, 1.0], [0.98, 0.98]), ([-0.9, 0.0, 1.0], [0.98, 1.0, 0.98]), ([-1.0, 0.0, 0.9], [0.98, 1.0, 0.98]),
        ([-1.0, 0.0, 1.0], [0.98, 1.02, 0.98]), ([-1.0, 0.0, 1.0], [0.96, 0.98, 0.96]),
    ):  # fmt: skip
        with pytest.raises(d.OutsideValidity, match="profile"):
            d.p_rp_of_profile(positions, profile, 2.0)


# --- sources ---


def test_decay_and_dwell_time_by_hand() -> None:
    assert d.decay_factor(0.0, 0.5) == 1.0
    assert d.decay_factor(200.0, 10.0) == pytest.approx(2**-20)
    assert d.dwell_time_s(0.5, 0.5, 0.25) == 1.0
    assert d.check_dwell_time(150.0, 100.0, 50.0) == 50.0
    with pytest.raises(d.Blocked, match=r"differs by -50\.50 % from the 100\.0 s"):
        d.check_dwell_time(49.5, 100.0, 50.0)
    noon = datetime(2027, 1, 1, 12, tzinfo=UTC)
    assert d.days_between(noon, noon + timedelta(hours=36)) == 1.5
    assert d.days_between(noon.replace(tzinfo=None), noon.replace(tzinfo=None) + timedelta(days=2)) == 2.0
    strength = d.source_strength(one(100.0, "U", 2.0, "source 3"), one(10.0, "d", 0.5), 20.0)
    assert (strength.value, strength.unit, strength.shared_key) == (pytest.approx(25.0), "U", "source 3")
    assert strength.u_percent == pytest.approx(math.hypot(2.0, 0.5 * 2 * math.log(2)))
    assert strength.source == "certificate 7, decayed 20.0000 d"
    for at_certificate, half_life in ((one(1.0, "Gy"), one(10.0, "d")), (one(1.0, "U"), one(10.0, "h"))):
        with pytest.raises(d.OutsideValidity, match="in U and its half-life in d"):
            d.source_strength(at_certificate, half_life, 1.0)


def test_profiles_that_do_not_reach_the_ends_of_the_cavity_are_refused_by_name() -> None:
    for positions, profile in (
        ([-1.0, 1.0], [1.0, 1.0]), ([-0.9, 0.0, 1.0], [0.98, 1.0, 0.98]), ([-1.0, 0.0, 0.9], [0.98, 1.0, 0.98])
    ):  # fmt: skip
        with pytest.raises(d.OutsideValidity, match=r"^The profile must cover the cavity from -1 to 1 mm"):
            d.p_rp_of_profile(positions, profile, 2.0)
    with pytest.raises(d.OutsideValidity, match=r"^The profile is 1\.0150 on the axis"):
        d.p_rp_of_profile([-1.0, 0.0, 1.0], [0.98, 1.015, 0.98], 2.0)
    with pytest.raises(ValueError, match="zip"):
        d.p_rp_of_profile([-1.0, 0.0, 1.0], [0.98, 1.0], 2.0)


def test_a_depth_of_ionisation_above_ten_centimetres_has_the_steeper_form() -> None:
    assert d.r50_of_i50(10.5) == pytest.approx(1.059 * 10.5 - 0.37)
    assert brachytherapy.IR192_HALF_LIFE_D == 73.83
    with pytest.raises(d.OutsideValidity, match="half-life must be above 0 d"):
        d.decay_factor(0.0, 0.0)
