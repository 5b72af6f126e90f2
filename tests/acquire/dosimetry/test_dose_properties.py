"""What must hold for any inputs: scale, sign, order of repeats, units; steps that can be followed; budgets that sum."""

from __future__ import annotations

import ast
import math
import operator
import re

import pytest
import scenario_numbers as cases
from hypothesis import given
from hypothesis import strategies as st

from acquire import dosimetry as d
from acquire.dosimetry import recombination, units

charges = st.floats(0.5, 500)
near_one = st.floats(0.9, 1.1)
small_u = st.floats(0, 5)


def one(value: float, u: float = 0.0, unit: str = "1") -> d.Factor:
    return d.Factor(value, unit, u, "property")


def trs398(charge: float, n_dw: float = 0.05366, **changes: d.Factor) -> d.Dose:
    factors = {
        "n_dw": one(n_dw, 0.55, "Gy/nC"), "k_elec": one(1.001, 0.1), "k_pol": one(0.9997), "k_s": one(1.0018),
        "k_q": one(0.9895, 0.6),
    } | changes  # fmt: skip
    return d.chamber_dose_trs398(
        charge_nc=charge, factors=factors, temperature_c=21.8, pressure_kpa=99.87, t0_c=20.0, p0_kpa=101.325
    )


@given(charges, st.floats(0.1, 10))
def test_dose_is_proportional_to_charge_and_blind_to_its_sign(charge: float, scale: float) -> None:
    assert trs398(charge * scale).value_gy == pytest.approx(scale * trs398(charge).value_gy, rel=1e-12)
    assert trs398(-charge).value_gy == trs398(charge).value_gy


@given(charges)
def test_a_unit_of_the_coefficient_changes_nothing(charge: float) -> None:
    in_gy = trs398(charge, units.n_dw_gy_per_nc(0.05366, "Gy/nC")).value_gy
    for value, unit in ((5.366, "cGy/nC"), (5.366e7, "Gy/C"), (5.366e-5, "Gy/pC")):
        assert trs398(charge, units.n_dw_gy_per_nc(value, unit)).value_gy == pytest.approx(in_gy, rel=1e-12)


@given(st.lists(st.floats(1, 100), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_repeats_does_not_matter(readings: list[float], random) -> None:
    mixed = list(readings)
    random.shuffle(mixed)
    assert d.mean_of(mixed) == d.mean_of(readings)


@given(st.floats(0.2, 5), st.floats(0.2, 5))
def test_polarity_does_not_see_signs(a: float, b: float) -> None:
    try:
        value = d.k_pol(10 + a / 50, 10 + b / 50)
    except d.Blocked:
        with pytest.raises(d.Blocked):
            d.k_pol(-10 - a / 50, 10 + b / 50)
    else:
        assert d.k_pol(-10 - a / 50, 10 + b / 50) == value == d.k_pol(10 + a / 50, -10 - b / 50)


@given(st.sampled_from(sorted(recombination.RECOMBINATION_PULSED)), st.floats(1.0, 1.03), st.floats(0, 0.003))
def test_recombination_grows_with_the_ratio_of_readings(n: float, r: float, more: float) -> None:
    for form in (d.k_s_pulsed, d.k_s_scanned, d.k_s_continuous, d.p_ion_pulsed):
        try:
            high = form(n, r + more)
        except d.Blocked:
            continue
        assert form(n, r) <= high * (1 + 1e-14)  # one unit in the last place is rounding


@given(st.floats(15, 30), st.floats(85, 105), st.floats(90, 104))
def test_air_density(temperature: float, pressure: float, other: float) -> None:
    assert d.k_tp(20.0, 101.325, 20.0, 101.325) == 1.0
    ratio = d.k_tp(temperature, pressure, 20.0, 101.325) / d.k_tp(temperature, other, 20.0, 101.325)
    assert ratio == pytest.approx(other / pressure, rel=1e-12)


@given(near_one, near_one, near_one, st.floats(-0.4, 0.6), st.floats(18, 38))
def test_a_diode_is_a_product(ssd: float, fs: float, wedge: float, svwt: float, t: float) -> None:
    factors = {
        "n_cal": one(3.1, 1.0, "cGy/nC"), "svwt": one(svwt, 10, "%/Cel"), "t_cal": one(22.0, 0.5, "Cel"),
        "cf_ssd": one(ssd, 0.5), "cf_fs": one(fs, 0.5), "cf_wedge": one(wedge, 0.5),
    }  # fmt: skip
    dose = d.diode_entrance_dose(charge_nc=16.0, factors=factors, temperature_c=t)
    assert dose.value_gy == pytest.approx(0.16 * 3.1 * ssd * fs * wedge / (1 + svwt / 100 * (t - 22)), rel=1e-12)
    by_hand = d.propagate(
        lambda n, a, b, c, s, t0: 0.16 * n * a * b * c / (1 + s / 100 * (t - t0)),
        {
            "n": d.InputQuantity(3.1, 0.031), "a": d.InputQuantity(ssd, ssd * 0.005),
            "b": d.InputQuantity(fs, fs * 0.005),
            "c": d.InputQuantity(wedge, wedge * 0.005), "s": d.InputQuantity(svwt, abs(svwt) * 0.1),
            "t0": d.InputQuantity(22.0, 0.11),
        },
    )  # fmt: skip
    assert dose.u_gy == pytest.approx(by_hand.u, rel=1e-3)


@given(st.lists(st.tuples(small_u, st.floats(1, 50)), min_size=1, max_size=6))
def test_a_budget_sums_to_what_it_states(rows: list[tuple[float, float]]) -> None:
    budget = d.Budget(tuple(d.Contribution(f"row {i}", u, "p", dof=dof) for i, (u, dof) in enumerate(rows)))
    assert budget.u_percent**2 == pytest.approx(sum(row.part_percent**2 for row in budget.rows))
    assert budget.u_percent == pytest.approx(math.hypot(budget.type_a_percent, budget.type_b_percent))
    if any(u > 0.01 for u, _ in rows):
        total = sum(dof for u, dof in rows if u > 0)
        assert min(dof for u, dof in rows if u > 0) <= budget.dof * (1 + 1e-9) <= total * (1 + 1e-6)
    assert budget.k >= 2.0


@given(st.floats(0.3, 3), st.floats(0, 2), st.floats(0, 3), st.integers(2, 6))
def test_a_mean_is_never_surer_than_what_its_results_share(dose: float, shared: float, own: float, n: int) -> None:
    rows = (d.Contribution("calibration", shared, "p", shared_key="lab"), d.Contribution("reading", own, "p"))
    mean = d.mean_of_doses([dose] * n, [d.Budget(rows)] * n)
    expected = math.hypot(shared, own / math.sqrt(n)) / 100 * dose
    assert mean.u == pytest.approx(expected, abs=1e-15)


@given(st.floats(0.2, 5), st.floats(0.2, 5), small_u)
def test_decisions_are_symmetric_and_ordered(dose: float, expected: float, u: float) -> None:
    if not 0.2 <= dose / expected <= 5:
        return
    common = {"u_measured_percent": u, "u_expected_percent": 1.0, "tolerance_percent": 7.0, "action_percent": 10.0}
    guarded = d.decide(dose_gy=dose, expected_gy=expected, rule="guard-band", **common)
    simple = d.decide(dose_gy=dose, expected_gy=expected, rule="simple-acceptance", **common)
    assert guarded.accepted == simple.accepted == (abs(guarded.deviation_percent) <= 7.0)
    assert guarded.accepted == (guarded.asks is None)
    assert (guarded.state is d.DecisionState.ACTION) == (abs(guarded.deviation_percent) > 10.0)
    assert 0 <= guarded.p_conform <= 1
    mirrored = d.p_conform(-guarded.deviation_percent, 7.0, math.hypot(u, 1.0))
    assert mirrored == pytest.approx(d.p_conform(guarded.deviation_percent, 7.0, math.hypot(u, 1.0)), abs=1e-12)


@given(st.floats(1e-6, 1e-4), st.floats(3, 30))
def test_a_measured_profile_gives_what_its_parabola_gives(curvature: float, length_mm: float) -> None:
    positions = [x / 10 for x in range(-200, 201)]
    profile = [1 - curvature * x * x for x in positions]
    measured = d.p_rp_of_profile(positions, profile, length_mm)
    assert measured == pytest.approx(d.p_rp_of_parabola(curvature, length_mm), abs=1e-5)
    assert measured >= 1


@given(st.floats(60, 85))
def test_the_estimate_of_tpr_rises_and_lies_near_the_measured_form(pdd10: float) -> None:
    assert d.tpr20_10_estimate(pdd10) < d.tpr20_10_estimate(pdd10 + 1)
    assert 0.55 < d.tpr20_10_estimate(pdd10) < 0.85


# --- a physicist with a pocket calculator ---

_OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}  # fmt: skip


def on_a_calculator(numbers: str) -> float:
    """The value of what stands in a step, from the printed digits alone."""
    text = numbers.replace("×", "*").replace("−", "-").replace("^", "**")
    return _value(ast.parse(re.sub(r"([\d.]+) %", r"(\1/100)", text), mode="eval").body)


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=float() | int() as number):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left), _value(right))
    raise AssertionError(ast.dump(node))


DOSES = {
    "chamber": cases.reference_dose(),
    "laboratory did not correct": trs398(12.3, k_pol_q0=one(1.001), k_s_q0=one(1.002)),
    "diode": cases.a_diode("b2", "14"),
    "chips": cases.a_chips(cases.chips("A_p4")),
    "OSL": cases.c_osl("C_c3"),
    "reader's form": cases.e_dose("e1"),
    "HDR chips": cases.b_chips("r2", 12.804),
}


@pytest.mark.parametrize("name", DOSES)
def test_every_step_can_be_followed_with_a_pocket_calculator(name: str) -> None:
    for step in DOSES[name].steps:
        assert on_a_calculator(step.numbers) == pytest.approx(step.value, rel=2e-6), step.what
        assert step.source
        assert step.unit


@pytest.mark.parametrize("name", DOSES)
def test_the_last_step_is_the_dose_and_the_text_says_all(name: str) -> None:
    dose = DOSES[name]
    last = dose.steps[-1]
    assert units.dose_gy(last.value, last.unit) == pytest.approx(dose.value_gy, rel=1e-12)
    text = d.explain(dose)
    for needle in (dose.inputs_hash, dose.formula, *(row.name for row in dose.budget.rows)):
        assert needle in text
    for _, factor in dose.factors:
        assert factor.source in text


def test_same_inputs_same_hash_and_bits_today_and_next_year() -> None:
    first = trs398(12.3)
    assert first.inputs_hash == trs398(12.3).inputs_hash
    assert first.inputs_hash != trs398(12.300001).inputs_hash
    # bits of one release are those of the next: raise FORMULAS_VERSION when this must change
    assert d.FORMULAS_VERSION == "2"
    assert first.inputs_hash == "1ac971041ee92e3f5836ba5d36a2ab38b2fd52809ca5fdb78dfd0c61ea427e2e"
    assert first.value_gy.hex() == "0x1.563074b1c6778p-1"
