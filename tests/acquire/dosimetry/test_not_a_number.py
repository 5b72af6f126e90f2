"""NaN and infinity never come through: whatever scalar they stand for, the function refuses, and gives no number."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from acquire import dosimetry as d
from acquire.dosimetry import micro_calibration, units
from acquire.dosimetry import microdosimetry as micro

BUDGET = d.Budget((d.Contribution("a", 1.0, "test"),))
AIR = {"temperature_c": 21.8, "pressure_kpa": 99.87, "t0_c": 20.0, "p0_kpa": 101.325}


def under(background: float) -> d.BackgroundSignal:
    return d.BackgroundSignal(background, 0.1, "x")


def one(value: float, unit: str = "1") -> d.Factor:
    return d.Factor(value, unit, 0.5, "test")


CHAMBER = {
    "n_dw": one(0.05366, "Gy/nC"), "k_elec": one(1.0), "k_pol": one(1.0), "k_s": one(1.0018), "k_q": one(0.99)
}  # fmt: skip
DIODE = {
    "n_cal": one(3.1, "cGy/nC"), "svwt": one(0.25, "%/Cel"), "t_cal": one(22.0, "Cel"), "cf_ssd": one(1.0),
    "cf_fs": one(1.0), "cf_wedge": one(1.0),
}  # fmt: skip
CHIP = {"k_f": one(1.0), "k_l": one(1.0), "k_q": one(1.0)}
MOSFET = {"cf": one(1.0, "cGy/mV"), "cf_energy": one(1.0), "cf_angle": one(1.0)}

CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "k_tp": (d.k_tp, AIR),
    "p_tp": (d.p_tp, AIR),
    "humidity_row": (d.humidity_row, {"relative_percent": 44.0}),
    "k_pol": (d.k_pol, {"reference_nc": 12.0, "opposite_nc": -12.01}),
    "k_s_pulsed": (d.k_s_pulsed, {"voltage_ratio": 2.0, "reading_ratio": 1.002}),
    "k_s_scanned": (d.k_s_scanned, {"voltage_ratio": 2.0, "reading_ratio": 1.002}),
    "k_s_linear": (d.k_s_linear, {"voltage_ratio": 2.2, "reading_ratio": 1.002}),
    "k_s_continuous": (d.k_s_continuous, {"voltage_ratio": 2.0, "reading_ratio": 1.002}),
    "p_ion_pulsed": (d.p_ion_pulsed, {"voltage_ratio": 2.0, "reading_ratio": 1.002}),
    "voltage_ratio": (d.voltage_ratio, {"high_v": 300.0, "low_v": 100.0}),
    "relative_to_calibration": (d.relative_to_calibration, {"value": 1.001, "at_calibration": 1.0}),
    "waited": (d.waited, {"seconds": 400.0, "needed_s": 300.0}),
    "tpr20_10_of_pdd": (d.tpr20_10_of_pdd, {"pdd20_percent": 38.0, "pdd10_percent": 66.0}),
    "tpr20_10_estimate": (d.tpr20_10_estimate, {"pdd10_percent": 66.0}),
    "pdd10x": (d.pdd10x, {"pdd10_percent": 66.0, "energy_mv": 6.0, "foil": "none"}),
    "r50_of_i50": (d.r50_of_i50, {"i50_cm": 4.0}),
    "d_ref_of_r50": (d.d_ref_of_r50, {"r50_cm": 4.0}),
    "dose_at_maximum": (d.dose_at_maximum, {"dose": 0.66, "pdd_percent": 66.0}),
    "inverse_square": (d.inverse_square, {"from_cm": 100.0, "to_cm": 112.0}),
    "k_q_sigmoid": (d.k_q_sigmoid, {"tpr20_10": 0.66, "a": 1.18, "b": -0.13}),
    "k_q_tg51": (d.k_q_tg51, {"chamber": "30013", "pdd10x_percent": 66.0}),
    "k_q_photons_2000": (d.k_q_photons_2000, {"chamber": "30013", "tpr20_10": 0.66}),
    "k_q_electrons_2000": (d.k_q_electrons_2000, {"chamber": "30013", "r50_cm": 5.0}),
    "k_q_electrons_2014": (d.k_q_electrons_2014, {"chamber": "30013", "r50_cm": 5.0}),
    "k_r50_cylindrical_1999": (d.k_r50_cylindrical_1999, {"r50_cm": 5.0}),
    "p_gradient": (d.p_gradient, {"reading_behind": 19.7, "reading_at_reference": 19.8}),
    "k_vol": (d.k_vol, {"tpr20_10": 0.63, "cavity_length_cm": 2.3, "sdd_cm": 100.0}),
    "p_rp_of_parabola": (d.p_rp_of_parabola, {"curvature_per_mm2": 2e-5, "cavity_length_mm": 23.0}),
    "cavity_length_cm": (d.cavity_length_cm, {"chamber": "PTW 31010", "site_value_cm": 0.65}),
    "net_charge": (d.net_charge, {"gross_nc": 12.3, "leakage_nc_per_s": 1e-5, "duration_s": 15.0}),
    "long_enough": (d.long_enough, {"leakage_s": 20.0, "measured_s": 15.0}),
    "cf_temperature": (d.cf_temperature, {"svwt_percent_per_c": 0.25, "temperature_c": 30.0, "t_cal_c": 22.0}),
    "cf_of_ratio": (
        d.cf_of_ratio, {"dose": 98.0, "dose_reference": 100.0, "reading": 30.0, "reading_reference": 31.0}
    ),
    "equivalent_square_cm": (d.equivalent_square_cm, {"width_cm": 7.0, "length_cm": 18.0}),
    "chamber": (d.chamber_dose_trs398, AIR | {"charge_nc": 12.3, "factors": CHAMBER}),
    "diode": (d.diode_entrance_dose, {"charge_nc": 15.7, "factors": DIODE, "temperature_c": 30.0}),
    "mosfet": (d.mosfet_dose, {"before_mv": 100.0, "after_mv": 300.0, "factors": MOSFET}),
    "tld": (
        lambda signal, background, pair_limit_percent: d.tld_dose(
            elements=[d.ElementSignal("a", signal, one(1.0)), d.ElementSignal("b", 41.0, one(1.0))],
            background=under(background), rcf=one(12.8, "nC/cGy"), factors=CHIP, pair_limit_percent=pair_limit_percent,
        ),
        {"signal": 40.9, "background": 0.37, "pair_limit_percent": 5.0},
    ),
    "osl": (
        lambda reading, background: d.osl_dose(
            dots=[d.Dot("a", (reading,), one(1.0))], background=under(background), n_dw=one(0.00385, "cGy/{counts}"),
            factors=CHIP | {"k_theta": one(1.0)}, pair_limit_percent=5.0,
            form=d.ReaderForm(0.0005, "growing", "after-sensitivity", "in-field"),
        ),
        {"reading": 51230.0, "background": 310.0},
    ),
    "reader form": (
        lambda count, control: d.reader_form_dose(
            counts=[("a", count, one(0.92))], control=under(control), reader_factor=one(9.12, "{counts}/mRAD"),
            factors={"k_f": one(1.0), "k_q": one(1.0)}, position="in-field", pair_limit_percent=5.0,
        ),
        {"count": 57910.0, "control": 52.0},
    ),
    "rcf": (
        lambda signal, background, dose_cgy: d.rcf_of_standards(
            [d.ElementSignal("a", signal, one(1.0))], background, dose_cgy
        ),
        {"signal": 640.0, "background": 0.4, "dose_cgy": 50.0},
    ),
    "fading_linear": (d.fading_linear, {"per_day": 0.0005, "days": 2.0, "days_of_standards": 1.0}),
    "linearity_line": (
        lambda apparent_gy, slope_per_gy, at_gy: d.linearity_line(apparent_gy, slope_per_gy, at_gy, (0.5, 6.0)),
        {"apparent_gy": 2.7, "slope_per_gy": 0.02, "at_gy": 2.0},
    ),
    "angle_factor": (d.angle_factor, {"response": 0.96}),
    "check_element": (d.check_element, {"reading": 100.5, "expected": 100.0, "limit_percent": 2.0}),
    "within_days": (lambda days: d.within_days(days, 0.5, 180.0, "a"), {"days": 2.0}),
    "right_curve": (
        lambda dose_mrad, crossover: d.right_curve(dose_mrad, "low", crossover), {"dose_mrad": 5e3, "crossover": 1.1e4}
    ),
    "threshold_shift_mv": (d.threshold_shift_mv, {"before_mv": 100.0, "after_mv": 300.0}),
    "read_at_same_delay": (
        d.read_at_same_delay, {"before_min": 2.0, "after_min": 2.0, "calibration_min": 2.0, "tolerance_min": 1.0}
    ),
    "enough_life": (
        d.enough_life, {"threshold_mv": 100.0, "limit_mv": 2e4, "expected_cgy": 300.0, "cf_cgy_per_mv": 1.0}
    ),
    "decay_factor": (d.decay_factor, {"days": 18.0, "half_life_d": 73.83}),
    "dwell_time_s": (d.dwell_time_s, {"planned_s": 380.0, "planned_strength_u": 4e4, "strength_u": 3.4e4}),
    "check_dwell_time": (d.check_dwell_time, {"console_s": 440.6, "expected_s": 440.7, "limit_percent": 1.0}),
    "decide": (
        lambda **numbers: d.decide(rule="guard-band", **numbers),
        {
            "dose_gy": 2.0, "expected_gy": 2.0, "u_measured_percent": 1.5, "u_expected_percent": 1.0,
            "tolerance_percent": 7.0, "action_percent": 10.0,
        },
    ),
    "report_only": (
        lambda dose_gy, low, high: d.report_only(dose_gy, (low, high)), {"dose_gy": 0.06, "low": 0.01, "high": 0.3}
    ),
    "against_limits": (
        d.against_limits,
        {"dose_gy": 2.0, "expanded_gy": 0.1, "low_gy": 1.8, "high_gy": 2.2},
    ),
    "attempt": (lambda value: d.counting([d.AttemptValue("1", value)], "first-valid"), {"value": 2.0}),
    "pair_choice": (
        lambda a, b, limit: d.pair_choice(("a", a), ("b", b), limit, "none"), {"a": 2.0, "b": 2.05, "limit": 5.0}
    ),
    "may_be_issued": (
        lambda new, last, limit, got, got_limit: d.may_be_issued(new, last, limit, got, got_limit, "D-11"),
        {"new": 3.097, "last": 3.081, "limit": 3.0, "got": 96.0, "got_limit": 400.0},
    ),
    "mean_of": (lambda x, limit: d.mean_of([12.3, x], limit_percent=limit), {"x": 12.31, "limit": 1.0}),
    "one_polarity": (lambda x: d.polarity_as_at_calibration(x, True), {"x": 12.3}),
    "same_scale": (d.same_scale, {"dose_gy": 2.0, "expected_gy": 2.0}),
    "range_holds": (d.range_holds, {"expected_nc": 10.0, "full_scale_nc": 20.0}),
    "pre_irradiated": (d.pre_irradiated, {"received_gy": 11.0}),
    "own": (lambda x: d.own_detector_is_largest("a", {"a": 16.0, "b": x}), {"x": 2.0}),
    "detector_calibration": (
        lambda dose, reading: d.detector_calibration(dose, BUDGET, [reading, 32.4]), {"dose": 1.0, "reading": 32.41}
    ),
    "scale_of_edge": (
        lambda marker, y, offset: micro_calibration.scale_of_edge(marker, y, offset, "test"),
        {"marker": 2840.0, "y": 136.0, "offset": 0.0},
    ),
    "mean_chord_um": (lambda size: micro.mean_chord_um("sphere", size), {"size": 2.0}),
    "specific_energy_gy": (micro.specific_energy_gy, {"y_kev_um": 10.0, "diameter_um": 1.0, "density_g_cm3": 1.0}),
    "quality_factor": (micro.quality_factor_icru40, {"y_kev_um": 10.0}),
    "live_time_flag": (micro.live_time_flag, {"live_s": 582.0, "real_s": 600.0}),
    "tissue": (micro_calibration.tissue_equivalent, {"y_silicon": 10.0, "factor": 0.63}),
    "dose_gy": (lambda value: units.dose_gy(value, "cGy"), {"value": 2.0}),
    "pressure": (lambda value: units.pressure_kpa(value, "hPa"), {"value": 998.7}),
    "temperature": (lambda value: units.temperature_c(value, "[degF]"), {"value": 72.5}),
    "n_dw": (lambda value: units.n_dw_gy_per_nc(value, "Gy/C"), {"value": 5.3e7}),
    "certificate": (d.standard_from_certificate, {"expanded_percent": 1.1, "k": 2.0}),
    "percent_beyond": (lambda count: d.percent_beyond(count, 10), {"count": 2.0}),
    "contribution": (lambda u: d.Contribution("a", u, "test"), {"u": 1.0}),
}  # fmt: skip

CASES = [
    (name, argument, bad)
    for name, (_, good) in CALLS.items()
    for argument, value in good.items()
    if isinstance(value, float)
    for bad in (math.nan, math.inf, -math.inf)
]


GUARDS = {  # they let a value pass or refuse it, and give no number of their own
    "waited", "long_enough", "within_days", "right_curve", "read_at_same_delay", "report_only", "one_polarity",
    "same_scale", "range_holds", "pre_irradiated", "own", "live_time_flag",
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_the_call_is_good_with_good_numbers(name: str) -> None:
    function, good = CALLS[name]
    numbers = list(_numbers(function(**good)))
    assert bool(numbers) is (name not in GUARDS)
    assert all(math.isfinite(number) for number in numbers)


def _numbers(made: Any) -> Iterator[float]:
    """Every number in what a call gives; degrees of freedom may be without end."""
    if isinstance(made, Mapping):
        made = list(made.values())
    if dataclasses.is_dataclass(made):
        made = [getattr(made, f.name) for f in dataclasses.fields(made) if f.name != "dof"]
    if isinstance(made, int | float) and not isinstance(made, bool):
        yield float(made)
    elif isinstance(made, np.ndarray):
        yield from made.ravel().tolist()
    elif isinstance(made, list | tuple):
        for each in made:
            yield from _numbers(each)


@pytest.mark.parametrize(("name", "argument", "bad"), CASES, ids=[f"{n}-{a}-{b}" for n, a, b in CASES])
def test_a_bad_number_is_refused(name: str, argument: str, bad: float) -> None:
    function, good = CALLS[name]
    with pytest.raises(d.DosimetryError) as refused:
        function(**{**good, argument: bad})
    assert str(refused.value).endswith(".")


def takes_numbers(function: Callable[..., Any]) -> bool:
    return any(
        word in str(parameter.annotation)
        for parameter in inspect.signature(function).parameters.values()
        for word in ("float", "Array")
    )


# These hold their own: degrees of freedom may be infinite in all of them, and `each` hands every element on.
APART = {"effective_dof", "each"}
PUBLIC = [(name, getattr(d, name)) for name in d.__all__ if inspect.isfunction(getattr(d, name))] + [
    (f"{module.__name__}.{name}", function)
    for module in (micro, micro_calibration, units)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if not name.startswith("_") and function.__module__ == module.__name__
]


@pytest.mark.parametrize(
    "function", [f for name, f in PUBLIC if takes_numbers(f) and name not in APART], ids=lambda f: f.__name__
)
def test_every_public_function_that_takes_numbers_is_guarded(function: Callable[..., Any]) -> None:
    assert getattr(function, "__wrapped__", None) is not None
    assert function.__doc__


def test_a_series_or_an_array_says_which_element() -> None:
    with pytest.raises(d.OutsideValidity, match=r"readings\[1\] is nan"):
        d.mean_of([12.3, math.nan, 12.4])
    with pytest.raises(d.OutsideValidity, match=r"charges_nc\[b\] is inf"):
        d.own_detector_is_largest("a", {"a": 1.0, "b": math.inf})
    with pytest.raises(d.OutsideValidity, match=r"edges\[2\] is nan"):
        micro.counts_of_density(np.array([0.0, 1.0, math.nan]), [1.0, 1.0])
    with pytest.raises(d.OutsideValidity, match=r"Element \[1\]: temperature_c is nan"):
        d.each(d.k_tp, [20.0, math.nan], 100.0, 20.0, 101.325)


def test_what_has_no_finite_result_is_refused_too() -> None:
    for function, arguments in (
        (d.change_percent, (3.1, 0.0)), (d.e_n, (1.0, 0.0, 1.0, 0.0)), (d.inverse_square, (1e300, 1e-300)),
        (d.p_conform, (0.0, 5.0, 0.0)), (d.pair_difference_percent, (1.0, -1.0)),
        (d.check_dwell_time, (440.0, 0.0, 1.0)),
    ):  # fmt: skip
        with pytest.raises(d.OutsideValidity, match="no finite result"):
            function(*arguments)


def test_degrees_of_freedom_may_be_infinite_and_nothing_else_may() -> None:
    assert d.coverage_factor(math.inf) == 2.0
    for dof in (math.nan, -math.inf):
        with pytest.raises(d.DosimetryError):
            d.coverage_factor(dof)
        with pytest.raises(d.DosimetryError):
            d.effective_dof([(1.0, dof)])
    with pytest.raises(d.DosimetryError):
        d.effective_dof([(math.nan, 3.0)])
