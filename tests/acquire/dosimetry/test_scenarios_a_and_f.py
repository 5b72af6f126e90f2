"""The worked cases A (diodes and chips) and F (reference chamber): every printed number from its inputs."""

from __future__ import annotations

import math
from statistics import fmean

import pytest

from acquire.dosimetry import (
    BackgroundSignal,
    Blocked,
    Contribution,
    DecisionState,
    ElementSignal,
    Factor,
    MissingFactor,
    OutsideValidity,
    background_of_controls,
    background_of_session,
    chamber_dose_trs398,
    decide,
    detection_limit_cgy,
    diode_entrance_dose,
    fit_for,
    k_pol,
    k_q_sigmoid,
    k_s_pulsed,
    k_tp,
    net_charge,
    pair_difference_percent,
    quadrature,
    rcf_of_standards,
    report_only,
    tld_dose,
)


def one(value: float, u: float = 0.0, unit: str = "1") -> Factor:
    return Factor(value, unit, u, "worked case")


def part(name: str, u: float) -> Contribution:
    return Contribution(name, u, "worked case")


# --- F ---

M1, M_OPP, M2 = fmean([12.268, 12.271, 12.266]), fmean([12.262, 12.259, 12.261]), fmean([12.222, 12.225, 12.223])


def reference_factors() -> dict[str, Factor]:
    return {
        "n_dw": one(0.05366, 0.55, "Gy/nC"),
        "k_elec": one(1.0010, 0.10),
        "k_pol": one(k_pol(M1, M_OPP)),
        "k_s": one(k_s_pulsed(3.0, M1 / M2)),
        "k_q": one(k_q_sigmoid(0.668, 1.18273, -0.13256), 0.60),
    }


def test_f_factors() -> None:
    assert k_tp(21.8, 99.87, 20.0, 101.325) == pytest.approx(1.020799, abs=5e-7)
    assert k_pol(M1, -M_OPP) == pytest.approx(0.999688, abs=5e-7)
    assert k_s_pulsed(3.0, M1 / M2) == pytest.approx(1.001773, abs=5e-7)
    assert k_q_sigmoid(0.668, 1.18273, -0.13256) == pytest.approx(0.989458, abs=5e-7)


def test_f_reference_dose_with_its_budget() -> None:
    rows = [part(*each) for each in (("stability", 0.2), ("set-up", 0.3), ("monitor", 0.3), ("influence", 0.3))]
    dose = chamber_dose_trs398(
        charge_nc=-M1, factors=reference_factors(), temperature_c=21.8, pressure_kpa=99.87, t0_c=20.0, p0_kpa=101.325,
        components=rows,
    )  # fmt: skip
    assert dose.value_gy == pytest.approx(0.66656, abs=5e-6)
    assert dose.budget.u_percent == pytest.approx(0.99, abs=5e-3)
    assert dose.steps[1].value == pytest.approx(12.55432, abs=5e-6)
    assert dose.budget.k == 2.0


@pytest.mark.parametrize("missing", ["n_dw", "k_elec", "k_pol", "k_s", "k_q"])
def test_a_missing_factor_is_never_one(missing: str) -> None:
    factors = reference_factors()
    del factors[missing]
    with pytest.raises(MissingFactor, match=f"needs {missing}, and it is not given"):
        chamber_dose_trs398(
            charge_nc=12.3, factors=factors, temperature_c=21.8, pressure_kpa=99.87, t0_c=20.0, p0_kpa=101.325
        )


def test_units_of_factors_and_of_the_environment_are_checked() -> None:
    wrong = reference_factors() | {"n_dw": one(5.366, 0.55, "cGy/nC")}
    with pytest.raises(OutsideValidity, match="needs n_dw in Gy/nC, not in cGy/nC"):
        chamber_dose_trs398(
            charge_nc=12.3, factors=wrong, temperature_c=21.8, pressure_kpa=99.87, t0_c=20.0, p0_kpa=101.325
        )
    with pytest.raises(OutsideValidity, match="not hPa, mmHg"):
        k_tp(21.8, 998.7, 20.0, 101.325)
    with pytest.raises(OutsideValidity, match="give it in °C"):
        k_tp(294.95, 99.87, 20.0, 101.325)


def test_f_leakage_blocks_first_and_is_only_named_later() -> None:
    with pytest.raises(Blocked, match=r"Leakage is 0.61 %.*5.000 pA"):
        net_charge(M1, 0.300 / 60, 15.0)
    later = net_charge(M1, 0.0006 / 60, 15.0)
    assert later.leakage_percent == pytest.approx(0.0012, abs=5e-5)
    assert (later.subtracted, later.value_nc) == (False, M1)
    between = net_charge(M1, 0.002, 15.0)
    assert between.subtracted
    assert between.value_nc == pytest.approx(M1 - 0.03)


# --- A ---

PORTS = [
    # port, N_cal, M, SVWT, CF_SSD, CF_FS, expected cGy; then printed: CF_T, D, deviation, state; and p_conform, which
    # the case prints at first order (0.987, 0.954, 0.987): of drawn doses 0.985, 0.961 and 0.984 conform
    ("B1", 3.097, 15.67, 0.25, 0.992, 1.004, 46.8, 0.97919, 47.33, 1.13, DecisionState.PASS, 0.985),
    ("B2", 3.041, 16.95, 0.28, 0.991, 1.005, 51.5, 0.97675, 50.14, -2.63, DecisionState.PASS_BAND, 0.961),
    ("B7", 3.186, 16.32, 0.22, 0.991, 1.004, 50.2, 0.98164, 50.78, 1.16, DecisionState.PASS, 0.984),
]


@pytest.mark.parametrize("row", PORTS, ids=[row[0] for row in PORTS])
def test_a_entrance_doses(row: tuple[object, ...]) -> None:
    _, n_cal, m, svwt, ssd, fs, expected, cf_t, printed, deviation, state, p_c = row
    factors = {
        "n_cal": one(n_cal, 1.0783784, "cGy/nC"), "svwt": one(svwt, unit="%/Cel"), "t_cal": one(22.0, unit="Cel"),
        "cf_ssd": one(ssd, 0.5), "cf_fs": one(fs, 1.0), "cf_wedge": one(1.0),
    }  # fmt: skip
    rows = [part("reading", 0.5), part("temperature", 0.4), part("position", 1.0)]
    dose = diode_entrance_dose(charge_nc=m, factors=factors, temperature_c=30.5, components=rows)
    assert dose.steps[0].value == pytest.approx(cf_t, abs=5e-6)
    assert 100 * dose.value_gy == pytest.approx(printed, abs=5e-3)
    assert dose.budget.u_percent == pytest.approx(1.96, abs=5e-3)
    decision = decide(
        dose_gy=dose.value_gy, u_measured_percent=dose.budget.u_percent, expected_gy=expected / 100,
        u_expected_percent=quadrature([1.5, 0.8]), tolerance_percent=7, action_percent=10, rule="guard-band",
    )  # fmt: skip
    assert decision.state == state
    assert decision.deviation_percent == pytest.approx(deviation, abs=5e-3)
    assert decision.p_conform == pytest.approx(p_c, abs=5e-4)


def test_a_five_percent_is_not_fit_and_seven_is() -> None:
    u = quadrature([1.0783784, 0.5, 0.5, 1.0, 0.4, 1.0])
    fit, expanded = fit_for(5.0, u, quadrature([1.5, 0.8]))
    assert not fit
    assert expanded == pytest.approx(5.2, abs=0.05)
    assert fit_for(7.0, u, quadrature([1.5, 0.8]))[0]


CONTROLS = [0.35, 0.41, 0.33, 0.38]
STANDARDS = [(641.2, 1.004), (655.0, 0.981), (633.7, 1.012)]


def chip(name: str, q: float, ecc: float) -> ElementSignal:
    return ElementSignal(name, q, one(ecc, 1.0))


def reader_factor() -> tuple[BackgroundSignal, float]:
    background = background_of_session(CONTROLS, "four control chips")
    standards = [chip(f"S-{i}", q, ecc) for i, (q, ecc) in enumerate(STANDARDS)]
    return background, rcf_of_standards(standards, background.value, 50.0)


def point(chips: list[ElementSignal], limit: float = 5.0) -> object:
    background, rcf = reader_factor()
    return tld_dose(
        elements=chips, background=background, rcf=one(rcf, 1.5, "nC/cGy"),
        factors={"k_f": one(1.0005, 0.3), "k_l": one(1.0, 0.5), "k_q": one(0.96, 3.0)}, pair_limit_percent=limit,
        components=[part("reading", 2.0 / math.sqrt(2)), part("place", 3.0)],
    )  # fmt: skip


def test_a_reader_calibration_and_detection_limit() -> None:
    background, rcf = reader_factor()
    assert background.value == pytest.approx(0.3675)
    assert rcf == pytest.approx(12.843, abs=5e-4)
    assert detection_limit_cgy(0.06, rcf) == pytest.approx(0.014, abs=5e-4)


@pytest.mark.parametrize(
    ("chips", "printed", "dose", "expanded", "pair"),
    [
        ([("T-014", 40.93, 0.996), ("T-016", 42.20, 0.981)], (3.145, 3.195), 3.04, 0.29, 1.6),
        ([("T-017", 17.92, 1.013), ("T-018", 18.29, 0.979)], (1.385, 1.366), 1.32, 0.13, 1.4),
    ],
)
def test_a_chips(
    chips: list[tuple[str, float, float]], printed: tuple[float, float], dose: float, expanded: float, pair: float
) -> None:
    result = point([chip(*each) for each in chips])
    assert [s.value for s in result.steps[:2]] == [pytest.approx(d, abs=5e-4) for d in printed]
    assert 100 * result.value_gy == pytest.approx(dose, abs=5e-3)
    assert 100 * result.expanded_gy == pytest.approx(expanded, abs=5e-3)
    assert pair_difference_percent(result.steps[0].value, result.steps[1].value) == pytest.approx(pair, abs=0.05)
    assert report_only(result.value_gy, (0.001, 0.3)).state == DecisionState.REPORT_ONLY


def test_a_wrong_element_fails_its_pair() -> None:
    with pytest.raises(Blocked, match=r"T-071 and T-018 differ by 6\.0 %"):
        point([chip("T-071", 17.92, 0.942), chip("T-018", 18.29, 0.979)])


def test_without_controls_or_standards_there_is_no_result() -> None:
    with pytest.raises(MissingFactor, match="control elements"):
        background_of_controls([])
    with pytest.raises(MissingFactor, match="standards"):
        rcf_of_standards([], 0.3, 50.0)


def test_a_result_a_factor_hundred_off_is_blocked() -> None:
    with pytest.raises(Blocked, match="check the units"):
        decide(
            dose_gy=47.3, u_measured_percent=2, expected_gy=0.468, u_expected_percent=1.7, tolerance_percent=7,
            action_percent=10, rule="guard-band",
        )  # fmt: skip
    with pytest.raises(Blocked, match="No dose is shown"):
        report_only(69.0, (0.01, 0.30))


def test_same_inputs_same_hash_and_any_change_another() -> None:
    first, again = point([chip("T-014", 40.93, 0.996)]), point([chip("T-014", 40.93, 0.996)])
    other = point([chip("T-014", 40.93, 0.9961)])
    assert first.inputs_hash == again.inputs_hash != other.inputs_hash
    assert first.value_gy == again.value_gy
