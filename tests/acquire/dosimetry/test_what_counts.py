"""What is given counts, and nothing else: factors without a place, elements left out, whole degrees of freedom."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire import dosimetry as d

AIR = {"temperature_c": 21.8, "pressure_kpa": 99.87, "t0_c": 20.0, "p0_kpa": 101.325}
READING = d.Contribution("reading", 2.0, "repeatability of one readout")


def one(value: float, unit: str = "1", u: float = 0.0) -> d.Factor:
    return d.Factor(value, unit, u, "certificate 7")


NONE = d.BackgroundSignal(0.0, 0.0, "no background")
KS = {"k_f": one(1.0), "k_l": one(1.0), "k_q": one(1.0)}
CHAMBER = {"n_dw": one(0.05366, "Gy/nC"), "k_elec": one(1.0), "k_pol": one(1.001), "k_s": one(1.002), "k_q": one(0.99)}
TG51 = {"n_dw": one(0.05366, "Gy/nC"), "p_elec": one(1.0), "p_pol": one(1.001), "p_ion": one(1.002), "k_q": one(0.99)}
DIODE = {
    "n_cal": one(3.1, "cGy/nC"), "svwt": one(0.25, "%/Cel"), "t_cal": one(22.0, "Cel"), "cf_ssd": one(1.0),
    "cf_fs": one(1.0), "cf_wedge": one(1.0),
}  # fmt: skip
SENSOR = {"cf": one(1.0, "cGy/mV"), "cf_energy": one(1.0), "cf_angle": one(1.0)}
FORM = d.ReaderForm(0.0005, "growing", "after-sensitivity", "in-field")


def tld(factors=KS, signals=(100.0, 100.5), **more):
    elements = [d.ElementSignal(f"T-{i}", q, one(1.0, u=1.0)) for i, q in enumerate(signals, start=1)]
    return d.tld_dose(
        elements=elements, background=NONE, rcf=one(1.0, "nC/cGy"), factors=factors, pair_limit_percent=5.0, **more
    )


def osl(factors=KS, signals=(1e5, 1.005e5), **more):
    dots = [d.Dot(f"N-{i}", (q,), one(1.0, u=1.0)) for i, q in enumerate(signals, start=1)]
    return d.osl_dose(
        dots=dots, background=NONE, n_dw=one(0.001, "cGy/{counts}"), factors={"k_theta": one(1.0)} | dict(factors),
        form=FORM, pair_limit_percent=5.0, **more,
    )  # fmt: skip


def reader(factors=None, signals=(1e6, 1.005e6), control=0.0, **more):
    return d.reader_form_dose(
        counts=[(f"N-{i}", q, one(1.0, u=1.0)) for i, q in enumerate(signals, start=1)],
        control=replace(NONE, value=control),
        reader_factor=one(10.0, "{counts}/mRAD"), factors=factors or {"k_f": one(1.0), "k_q": one(1.0)},
        position="in-field", pair_limit_percent=5.0, **more,
    )  # fmt: skip


FORMULAS = {
    "TRS-398": lambda f: d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER | f, **AIR),
    "TG-51": lambda f: d.chamber_dose_tg51(charge_nc=12.0, factors=TG51 | f, **AIR),
    "diode": lambda f: d.diode_entrance_dose(charge_nc=12.0, factors=DIODE | f, temperature_c=30.0),
    "MOSFET": lambda f: d.mosfet_dose(before_mv=100.0, after_mv=200.0, factors=SENSOR | f),
    "TLD": lambda f: tld(KS | f),
    "OSL": lambda f: osl(KS | f),
    "reader's form": lambda f: reader({"k_f": one(1.0), "k_q": one(1.0)} | f),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_factor_the_formula_has_no_place_for_is_refused_not_passed_over(name: str) -> None:
    assert FORMULAS[name]({}).value_gy > 0
    with pytest.raises(d.OutsideValidity, match=r"has no place for cf_try; it uses .*\.$"):
        FORMULAS[name]({"cf_try": one(1.03)})


def test_volume_averaging_belongs_to_beams_without_flattening_filter() -> None:
    with pytest.raises(d.OutsideValidity, match="has no place for k_vol"):
        d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER | {"k_vol": one(1.002)}, **AIR)


def test_what_the_laboratory_left_out_is_divided_out_in_tg51_as_in_trs398() -> None:
    plain = d.chamber_dose_tg51(charge_nc=12.0, factors=TG51, **AIR)
    left_out = {"p_pol_q0": one(1.0015), "p_ion_q0": one(1.0008)}
    dose = d.chamber_dose_tg51(charge_nc=12.0, factors=TG51 | left_out, **AIR)
    assert dose.value_gy == pytest.approx(plain.value_gy / 1.0015 / 1.0008, rel=1e-14)
    assert "/ p_pol_q0 / p_ion_q0" in dose.steps[1].formula


@pytest.mark.parametrize("form", [tld, osl, reader])
def test_two_elements_share_out_what_belongs_to_each(form) -> None:
    rows = {row.name: row.u_percent for row in form(per_element=[READING]).budget.rows}
    assert rows["reading"] == pytest.approx(2.0 * math.hypot(100.0, 100.5) / 200.5)
    assert next(u for name, u in rows.items() if name in ("ecc", "k_s", "sensitivity")) == pytest.approx(
        math.hypot(100.0, 100.5) / 200.5
    )


@pytest.mark.parametrize(("form", "scale"), [(tld, 1.0), (osl, 1e3), (reader, 1e4)])
def test_where_the_rule_names_one_of_a_pair_the_other_lends_no_certainty(form, scale) -> None:
    dose = form(
        signals=(100.0 * scale, 120.0 * scale), pair_rule="named", pair_named=f"{form().steps[0].what[-4:-1]}",
        per_element=[READING],
    )  # fmt: skip
    rows = {row.name: row.u_percent for row in dose.budget.rows}
    assert 100 * dose.value_gy == pytest.approx(100.0)
    assert rows["reading"] == 2.0
    assert next(u for name, u in rows.items() if name in ("ecc", "k_s", "sensitivity")) == 1.0


def test_a_pair_in_the_readers_own_form_is_compared_without_its_control() -> None:
    # 1000 and 1040 mrad differ by 3.9 %, what the control leaves of them (100 and 140 mrad) by 33 %
    with pytest.raises(d.Blocked, match=r"differ by 33\.3 %"):
        reader(signals=(1.0e4, 1.04e4), control=900.0)
    with pytest.raises(d.Blocked, match="N-1 read no more than the background"):
        reader(signals=(9.0e3, 2.0e4), control=900.0)


@given(st.floats(0.01, 5), st.integers(1, 60))
def test_one_series_has_the_degrees_of_freedom_of_its_readings(u: float, dof: int) -> None:
    budget = d.Budget((d.Contribution("reading", u, "series", kind="A", dof=dof),))
    assert budget.k == d.coverage_factor(dof)


def test_degrees_of_freedom_are_still_cut_down() -> None:
    assert d.coverage_factor(2.999999) == d.coverage_factor(2)
    assert d.coverage_factor(3 * (1 - 1e-13)) == d.coverage_factor(3)
