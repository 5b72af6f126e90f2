"""Polarity and recombination as a session measured them: each protocol's own forms, steps and rows, by hand."""

from __future__ import annotations

import pytest

from acquire import dosimetry as d
from acquire.procedure.methods import chamber
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.records.measured import Charges
from acquire.procedure.records.needs import DetectorNeeds
from acquire.procedure.records.record import of_plain


def chamber_dose(flat):
    """The dose of what a stored result has for its inputs."""
    said = {"expected": None, "limits": None, "plausible": None, "course": None, "surface": "entrance",
            "position": "in-field", "detector_c": None, "calibration": {"id": "CAL-7", "certificate": "7"}}  # fmt: skip
    air = {"n": 1, "humidity_percent": None, "source": "room", "at": "2027-02-01T12:00:00Z"} | flat["environment"]
    background = {"time_s": 60.0, "nc_per_s": 0.0} | flat["background"] if "background" in flat else None
    flat = said | flat | {"environment": air, "background": background}
    return chamber.chamber_dose(of_plain(flat, DetectorNeeds), of_plain(flat, Charges))


def factor(value, unit="1", u=0.1):
    return {"value": value, "unit": unit, "u_percent": u, "source": "certificate 7"}


def inputs(protocol="trs398", **more):
    return {
        "method": "chamber",
        "protocol": protocol,
        "fff": False,
        "components": [],
        "charge": {"nc": 10.0},
        "conditions": {"t0_c": 20.0, "p0_kpa": 101.325},
        "environment": {"temperature_c": 20.0, "pressure_kpa": 101.325},
        "factors": {"n_dw": factor(0.05, "Gy/nC")} | {k: factor(1.0) for k in ("k_elec", "k_pol", "k_s", "k_q")},
        **more,
    }


MEASURED = {"polarity": factor(0, u=0.2), "recombination": {"beam": "pulsed", "high_v": 300.0, "low_v": 150.0,
            "u_percent": 0.3, "source": "this session"}, "background": {"nc": 0.0}}  # fmt: skip


def test_polarity_and_recombination_of_the_session_stand_in_the_steps() -> None:
    dose = chamber_dose(inputs(**MEASURED, opposite={"nc": -10.1}, reduced={"nc": 9.9}))
    r = 10 / 9.9
    k_s = 2.337 - 3.636 * r + 2.299 * r * r
    steps = {step.what: step for step in dose.steps}
    assert list(steps)[:4] == ["k_pol", "n", "r", "k_s"]
    pol = steps["k_pol"]
    assert (pol.value, pol.formula, pol.numbers) == (
        pytest.approx(1.005),
        "(|M+| + |M−|)/(2 |M|)",
        "(10 + 10.1) / (2 × 10)",
    )
    assert (pol.unit, pol.source) == ("1", "TRS-398 Rev.1 = TG-51, this session")
    assert (steps["n"].formula, steps["n"].numbers, steps["n"].value, steps["n"].unit) == (
        "V1/V2",
        "300 / 150",
        2.0,
        "1",
    )
    assert steps["n"].source == "voltages of the plan; the daemon does not read them back"
    assert (steps["r"].formula, steps["r"].numbers, steps["r"].source) == ("M1/M2", "10 / 9.9", "this session")
    assert (steps["r"].value, steps["r"].unit, steps["k_s"].unit) == (pytest.approx(r), "1", "1")
    assert steps["k_s"].value == pytest.approx(k_s)
    assert steps["k_s"].numbers == "2.337 − 3.636 × 1.010101 + 2.299 × 1.010101²"
    assert dose.value_gy == pytest.approx(0.5 * 1.005 * k_s)
    rows = {row.name: row for row in dose.budget.rows}
    assert (rows["k_pol"].u_percent, rows["k_s"].u_percent) == (0.2, 0.3)


@pytest.mark.parametrize(
    ("protocol", "beam", "k_s", "numbers"),
    [
        ("trs398", "pulsed", d.k_s_pulsed, None), ("trs398", "pulsed-scanned", d.k_s_scanned, None),
        ("trs398", "continuous", d.k_s_continuous, "(2² − 1) / (2² − 1.010101)"),
        ("tg51", "pulsed", d.p_ion_pulsed, "(1 − 2) / (1.010101 − 2)"),
        ("tg51", "pulsed-scanned", d.p_ion_pulsed, None), ("tg51", "continuous", d.k_s_continuous, None),
    ],
)  # fmt: skip
def test_each_protocol_and_beam_has_its_own_recombination(protocol, beam, k_s, numbers) -> None:
    more = {**MEASURED, "recombination": MEASURED["recombination"] | {"beam": beam}}
    dose = chamber_dose(inputs(protocol, **more, opposite={"nc": -10.0}, reduced={"nc": 9.9}))
    step = next(each for each in dose.steps if each.what == "k_s")
    assert step.value == pytest.approx(k_s(2.0, 10 / 9.9))
    assert dose.value_gy == pytest.approx(0.5 * step.value)
    assert numbers is None or step.numbers == numbers
    assert dose.formula == ("TG-51 photon dose" if protocol == "tg51" else "TRS-398 chamber dose")


def test_before_the_beam_the_corrections_are_about_one() -> None:
    planned = {k: v for k, v in MEASURED.items() if k != "background"}
    assert chamber_dose(inputs(**planned)).value_gy == pytest.approx(0.5, rel=1e-6)
    for missing, said in (("opposite", "at the opposite polarity"), ("reduced", "at the lower voltage")):
        both = {"opposite": {"nc": -10.0}, "reduced": {"nc": 9.9}}
        del both[missing]
        with pytest.raises(Invalid, match=f"The charge {said} is missing"):
            chamber_dose(inputs(**MEASURED, **both))


def test_charges_of_the_wrong_sign_are_refused() -> None:
    with pytest.raises(d.Blocked, match="same sign"):
        chamber_dose(inputs(**MEASURED, opposite={"nc": 10.0}, reduced={"nc": 9.9}))
    for reduced in (-9.9, 0.0):
        with pytest.raises(Invalid, match="different signs: the voltage was reversed"):
            chamber_dose(inputs(**MEASURED, opposite={"nc": -10.0}, reduced={"nc": reduced}))
    told = {"conditions": {"t0_c": 20.0, "p0_kpa": 101.325, "reading": "negative"}, "background": {"nc": 0.0}}
    with pytest.raises(d.Blocked, match="polarity is swapped"):
        chamber_dose(inputs() | told)
    right = {**told, "conditions": {**told["conditions"], "reading": "positive"}}
    assert chamber_dose(inputs() | right).value_gy == pytest.approx(0.5)
    assert chamber_dose(inputs() | {"conditions": told["conditions"]}).value_gy == pytest.approx(0.5)


def test_very_humid_air_is_refused_and_tg51_has_its_own_names() -> None:
    humid = {"environment": {"temperature_c": 20.0, "pressure_kpa": 101.325, "humidity_percent": 85.0}}
    with pytest.raises(d.OutsideValidity, match="relative humidity of 85 %"):
        chamber_dose(inputs() | humid)
    more = {"k_vol": factor(1.003), "k_pol_q0": factor(1.001), "k_s_q0": factor(1.0005)}
    wide = inputs("tg51") | {"fff": True}
    wide["factors"] = wide["factors"] | more
    dose = chamber_dose(wide)
    assert dose.value_gy == pytest.approx(0.5 * 1.003 / 1.001 / 1.0005)
    names = [row.name for row in dose.budget.rows]
    assert names == ["n_dw", "p_elec", "p_pol", "p_ion", "p_rp", "p_pol_q0", "p_ion_q0", "k_q"]


@pytest.mark.parametrize("protocol", ["trs398", "tg51"])
def test_the_scatter_of_a_charge_weighs_as_often_as_it_is_used(protocol) -> None:
    read = {
        "time_s": 10.0,
        "subtracted": False,
        "sem_percent": 0.2,
        "repeats": 3,
        "rule": "mean-of-valid",
        "used": ["a"],
    }
    own = {"charge": {"nc": 10.0, **read}, "opposite": {"nc": -10.0, **read}, "reduced": {"nc": 9.9, **read}}
    dose = chamber_dose(inputs(protocol, **MEASURED) | own)
    r = 10 / 9.9
    form = d.k_s_pulsed_follows if protocol == "trs398" else d.p_ion_pulsed_follows
    rows = {row.name: row.sensitivity for row in dose.budget.rows}
    assert rows["repeated readings"] == pytest.approx(0.5 + form(2.0, r))
    assert rows["readings at the opposite polarity"] == pytest.approx(0.5)
    assert rows["readings at the lower voltage"] == pytest.approx(-form(2.0, r))


def test_small_readings_at_two_voltages_are_of_one_sign() -> None:
    small = {"charge": {"nc": 0.5}, "opposite": {"nc": -0.5}, "reduced": {"nc": 0.495}}
    assert chamber_dose(inputs(**MEASURED) | small).value_gy == pytest.approx(
        0.05
        * chamber_dose(
            inputs(**MEASURED) | {"charge": {"nc": 10.0}, "opposite": {"nc": -10.0}, "reduced": {"nc": 9.9}}
        ).value_gy
    )


def test_readings_beside_no_lower_voltage_weigh_once() -> None:
    read = {"nc": 10.0, "time_s": 10.0, "subtracted": False, "sem_percent": 0.2, "repeats": 3, "rule": "mean-of-valid",
            "used": ["a"]}  # fmt: skip
    dose = chamber_dose(inputs() | {"charge": read, "background": {"nc": 0.0}})
    assert {row.name: row.sensitivity for row in dose.budget.rows}["repeated readings"] == 1.0
