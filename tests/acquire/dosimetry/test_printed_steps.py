"""What each formula prints: every step with its formula, its numbers, its unit and source, and each row of the budget.

The numbers are worked by hand; a physicist follows the steps of a record with a pocket calculator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256

import pytest

from acquire import dosimetry as d
from acquire.dosimetry.dose import inputs_hash, shown

CERTIFICATE = "certificate 7"


@dataclass
class Stated:
    """A record whose degrees of freedom have no default."""

    u_mv: float
    what: str
    dof: float


def one(value: float, u: float = 0.0, unit: str = "1") -> d.Factor:
    return d.Factor(value, unit, u, CERTIFICATE)


def extra(name: str, u: float) -> d.Contribution:
    return d.Contribution(name, u, "site")


def printed(dose: d.Dose) -> list[tuple[str, str, str, str, str]]:
    return [(s.what, s.formula, s.numbers, s.unit, s.source) for s in dose.steps]


def rows(dose: d.Dose) -> list[tuple[str, float]]:
    """The rows by name, each with its part of u in percent and the sign with which it goes into the dose."""
    return [(row.name, pytest.approx(row.sensitivity * row.u_percent)) for row in dose.budget.rows]


OSL = {"k_f": one(1.01, 0.5), "k_l": one(0.99, 1.0), "k_q": one(1.02, 1.5), "k_theta": one(1.005, 0.8)}
NO_SCATTER = d.BackgroundSignal(300.0, 0.0, "controls")


def osl(background: str, depletion: str) -> d.Dose:
    dots = [d.Dot("N-1", (50000.0, 49900.0), one(1.02, 2.0)), d.Dot("N-2", (50500.0,), one(1.0, 2.0))]
    return d.osl_dose(
        dots=dots, background=NO_SCATTER, n_dw=one(0.004, 1.2, "cGy/{counts}"), factors=OSL,
        form=d.ReaderForm(0.001, depletion, background, "in-field"), pair_limit_percent=5.0,
        components=[extra("place", 2.0)],
    )  # fmt: skip


def test_an_osl_dose_whose_background_is_taken_off_after_the_sensitivity() -> None:
    dose, tg191 = osl("after-sensitivity", "growing"), "AAPM TG-191"
    assert printed(dose) == [
        ("M(N-1)", "mean of M_j · k_d,j (growing)",
         "(50000 × (1 + 0.001)^(0) + 49900 × (1 + 0.001)^(1)) / 2", "{counts}", tg191),
        ("M_corr(N-1)", "M · k_s − B", "49974.95 × 1.02 − 300", "{counts}", tg191),
        ("M(N-2)", "mean of M_j · k_d,j (growing)", "(50500 × (1 + 0.001)^(0)) / 1", "{counts}", tg191),
        ("M_corr(N-2)", "M · k_s − B", "50500 × 1 − 300", "{counts}", tg191),
        ("D_w", "mean M_corr · N_D,w · k_f · k_l · k_q · k_theta",
         "50437.224 × 0.004 × 1.01 × 0.99 × 1.02 × 1.005", "cGy", tg191),
    ]  # fmt: skip
    assert [step.value for step in dose.steps[:4]] == pytest.approx([49974.95, 50674.449, 50500.0, 50200.0])
    assert dose.value_gy == pytest.approx((50674.449 + 50200) / 2 * 0.004 * 1.01 * 0.99 * 1.02 * 1.005 / 100)
    own = 2.0 * math.hypot(49974.95 * 1.02, 50500) / (50674.449 + 50200)
    assert rows(dose) == [
        ("n_dw", 1.2), ("k_s", own), ("background", 0.0), ("k_f", 0.5), ("k_l", 1.0), ("k_q", 1.5), ("k_theta", 0.8),
        ("place", 2.0),
    ]  # fmt: skip


def test_an_osl_dose_whose_background_is_taken_off_before_the_sensitivity() -> None:
    dose = osl("before-sensitivity", "falling")
    assert [each[1:3] for each in printed(dose)[:2]] == [
        ("mean of M_j · k_d,j (falling)", "(50000 × (1 − 0.001)^(-0) + 49900 × (1 − 0.001)^(-1)) / 2"),
        ("(M − B) · k_s", "(49974.975 − 300) × 1.02"),
    ]
    assert dose.steps[1].value == pytest.approx(((50000 + 49900 / 0.999) / 2 - 300) * 1.02)


def test_a_dose_in_the_readers_own_form() -> None:
    dose = d.reader_form_dose(
        counts=[("N-1", 1e6, one(1.02, 2.0)), ("N-2", 1.02e6, one(1.0, 2.0))],
        control=d.BackgroundSignal(500.0, 0.0, "controls"), reader_factor=one(10.0, 1.0, "{counts}/mRAD"),
        factors={"k_f": one(1.01, 0.5), "k_q": one(1.02, 1.5)}, position="in-field", pair_limit_percent=5.0,
        components=[extra("place", 2.0)],
    )  # fmt: skip
    form = "counts/(factor · sensitivity)"
    assert printed(dose) == [
        ("D_reader(N-1)", form, "1000000 / (10 × 1.02)", "mRAD", "reader"),
        ("D(N-1)", "D_reader − control", "98039.216 − 500", "mRAD", "reader's form"),
        ("D_reader(N-2)", form, "1020000 / (10 × 1)", "mRAD", "reader"),
        ("D(N-2)", "D_reader − control", "102000 − 500", "mRAD", "reader's form"),
        ("D_w", "mean D/1000 · k_f · k_q", "99519.608 / 1000 × 1.01 × 1.02", "cGy", "reader's form"),
    ]
    nets = 1e5 / 1.02 - 500, 102000 - 500
    assert [step.value for step in dose.steps] == pytest.approx(
        [1e5 / 1.02, nets[0], 102000, nets[1], sum(nets) / 2 / 1000 * 1.01 * 1.02]
    )
    assert dose.value_gy == pytest.approx(sum(nets) / 2 / 1000 * 1.01 * 1.02 / 100)
    # the control is a dose of its own: the reader's factor weighs on the gross dose
    gross = sum(nets) + 1000
    own = 2.0 * math.hypot(1e5 / 1.02, 102000) / sum(nets)
    assert rows(dose) == [
        ("reader_factor", -gross / sum(nets)), ("sensitivity", own), ("background", 0.0), ("k_f", 0.5), ("k_q", 1.5),
        ("place", 2.0),
    ]  # fmt: skip


def test_a_mosfet_dose() -> None:
    dose = d.mosfet_dose(
        before_mv=1000.0, after_mv=1200.0,
        factors={"cf": one(0.97, 2.0, "cGy/mV"), "cf_energy": one(1.01, 1.0), "cf_angle": one(0.99, 1.5)},
        scatter={"threshold before": d.ThresholdScatter(1.0, "3 readings", 2)}, components=[extra("drift", 0.7)],
    )  # fmt: skip
    source = "threshold shift, vendors' form (textbook)"
    assert printed(dose) == [
        ("ΔV_th", "V_after − V_before", "1200 − 1000", "mV", source),
        ("D_w", "ΔV_th · CF · cf_energy · cf_angle", "200 × 0.97 × 1.01 × 0.99", "cGy", source),
    ]
    assert [step.value for step in dose.steps] == pytest.approx([200.0, 193.9806])
    assert dose.value_gy == pytest.approx(1.939806)
    assert rows(dose) == [("cf", 2.0), ("cf_energy", 1.0), ("cf_angle", 1.5), ("threshold before", 0.5), ("drift", 0.7)]
    scatter = dose.budget.rows[3]
    assert (scatter.kind, scatter.dof, scatter.source) == ("A", 2, "3 readings")


def test_the_scatter_of_a_threshold_that_is_stated_is_of_type_b() -> None:
    stated = d.ThresholdScatter(2.0, "maker").row("threshold after", 400.0)
    assert (stated.name, stated.u_percent, stated.kind, stated.dof) == ("threshold after", 0.5, "B", math.inf)


DIODE = {
    "n_cal": one(3.1, 1.0, "cGy/nC"), "svwt": one(0.25, 5.0, "%/Cel"), "t_cal": one(22.0, 0.5, "Cel"),
    "cf_ssd": one(0.99, 0.6), "cf_fs": one(1.01, 0.4), "cf_wedge": one(1.0), "cf_tray": one(0.98, 0.3),
}  # fmt: skip


def entrance() -> d.Dose:
    return d.diode_entrance_dose(
        charge_nc=-16.0, factors=DIODE, temperature_c=30.0, components=[extra("position", 0.9)]
    )


def exit_side() -> d.Dose:
    return d.diode_exit_dose(charge_nc=10.0, factors=DIODE | {"cf_backscatter": one(1.02, 0.7)}, temperature_c=30.0)


def test_a_diodes_entrance_dose() -> None:
    dose, source = entrance(), "ESTRO booklet 5 / AAPM Report 87"
    assert printed(dose) == [
        ("CF_T", "1/(1 + SVWT·(T − T_cal))", "1 / (1 + 0.25 % × (30.0 − 22.0))", "1", source),
        ("D_ent", "|M| · N_cal · cf_ssd · cf_fs · cf_wedge · cf_tray · CF_T",
         "16 × 3.1 × 0.99 × 1.01 × 1 × 0.98 × 0.98039216", "cGy", source),
    ]  # fmt: skip
    assert dose.value_gy == pytest.approx(16 * 3.1 * 0.99 * 1.01 * 0.98 / 1.02 / 100)
    # d ln CF_T / d SVWT and d ln CF_T / d T_cal, times the value of each
    assert rows(dose) == [
        ("n_cal", 1.0), ("cf_ssd", 0.6), ("cf_fs", 0.4), ("cf_wedge", 0.0), ("cf_tray", 0.3),
        ("svwt", -5.0 * 0.02 / 1.02), ("t_cal", 0.5 * 0.0025 * 22 / 1.02), ("position", 0.9),
    ]  # fmt: skip


def test_a_diodes_exit_dose_and_the_midline_of_both() -> None:
    front, back = entrance(), exit_side()
    assert printed(back)[1][:3] == (
        "D_exit", "|M| · N_cal · cf_ssd · cf_fs · cf_wedge · cf_backscatter · cf_tray · CF_T",
        "10 × 3.1 × 0.99 × 1.01 × 1 × 1.02 × 0.98 × 0.98039216",
    )  # fmt: skip
    middle = d.midline_mean(front, back, one(0.98, 1.1), [extra("thickness", 0.7)])
    assert middle.steps[:-1] == (*front.steps, *back.steps)
    assert printed(middle)[-1] == (
        "D_mid", "(D_1 + D_2)/2 · F", f"({shown(front.value_gy)} + {shown(back.value_gy)}) / 2 × 0.98", "Gy",
        "arithmetic mean of two surfaces (ESTRO booklet 5)",
    )  # fmt: skip
    assert middle.value_gy == pytest.approx((front.value_gy + back.value_gy) / 2 * 0.98)
    assert rows(middle)[-2:] == [("midline factor", 1.1), ("thickness", 0.7)]


AIR = {"temperature_c": 21.8, "pressure_kpa": 99.87, "p0_kpa": 101.325}


def test_a_chamber_dose_after_trs398() -> None:
    factors = {
        "n_dw": one(0.05366, 0.5, "Gy/nC"), "k_elec": one(1.001, 0.1), "k_pol": one(1.005, 0.2), "k_s": one(1.002, 0.3),
        "k_q": one(0.99, 0.6), "k_vol": one(1.003, 0.15), "k_pol_q0": one(1.001, 0.25), "k_s_q0": one(1.0005, 0.35),
    }  # fmt: skip
    dose = d.chamber_dose_trs398(
        charge_nc=-12.0, factors=factors, t0_c=20.0, fff=True, components=[extra("set-up", 0.4)], **AIR
    )
    source = "IAEA TRS-398 Rev.1"
    k_tp = (273.15 + 21.8) / (273.15 + 20.0) * 101.325 / 99.87
    m_q = 12 * k_tp * 1.001 * 1.005 * 1.002 * 1.003 / 1.001 / 1.0005
    assert printed(dose) == [
        ("k_TP", "(273.15 + T)/(273.15 + T0) · P0/P",
         "(273.15 + 21.8) / (273.15 + 20.0) × 101.325 / 99.87", "1", source),
        ("M_Q", "|M| · k_TP · k_elec · k_pol · k_s · k_vol / k_pol_q0 / k_s_q0",
         "12 × 1.0207986 × 1.001 × 1.005 × 1.002 × 1.003 / 1.001 / 1.0005", "nC", source),
        ("D_w", "M_Q · N_D,w · k_q", f"{shown(m_q)} × 0.05366 × 0.99", "Gy", source),
    ]  # fmt: skip
    assert [step.value for step in dose.steps] == pytest.approx([k_tp, m_q, m_q * 0.05366 * 0.99])
    assert rows(dose) == [
        ("n_dw", 0.5), ("k_elec", 0.1), ("k_pol", 0.2), ("k_s", 0.3), ("k_vol", 0.15), ("k_pol_q0", -0.25),
        ("k_s_q0", -0.35), ("k_q", 0.6), ("set-up", 0.4),
    ]  # fmt: skip
    assert dose.warnings == (
        "k_pol = 1.0050 lies outside 1 ± 0.004: was the wait after the voltage change long enough?",
    )


TG51 = {
    "n_dw": one(0.05366, 0.5, "Gy/nC"), "p_elec": one(0.999, 0.1), "p_pol": one(1.001, 0.1), "p_ion": one(1.002, 0.1),
    "p_pol_q0": one(1.0004), "p_ion_q0": one(1.001),
}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "more", "fff", "name", "source", "beam"),
    [
        (d.chamber_dose_tg51, {"k_q": one(0.99), "p_rp": one(1.003)}, {"fff": True}, "TG-51 photon dose",
         "AAPM TG-51 and addendum (2014)", ["k_q"]),
        (d.electron_dose_tg51_1999, {"p_gr": one(0.998), "k_r50": one(1.01), "k_ecal": one(0.9)}, {},
         "TG-51 electron dose (1999)", "AAPM TG-51 (1999)", ["p_gr", "k_r50", "k_ecal"]),
        (d.electron_dose_muir_rogers, {"k_q": one(0.92)}, {}, "TG-51 electron dose (Muir-Rogers)",
         "Muir and Rogers (2014), AAPM Report 385", ["k_q"]),
    ],
)  # fmt: skip
def test_a_chamber_dose_after_tg51(form, more, fff, name, source, beam) -> None:
    dose = form(charge_nc=12.0, factors=TG51 | more, t0_c=22.0, **AIR, **fff)
    volume = "p_rp" if fff else None
    names = ["p_elec", "p_pol", "p_ion", *([volume] if volume else [])]
    p_tp = (273.2 + 21.8) / (273.2 + 22.0) * 101.325 / 99.87
    m_q = 12 * p_tp * 0.999 * 1.001 * 1.002 * (1.003 if volume else 1.0) / 1.0004 / 1.001
    assert dose.formula == name
    assert [each[:2] for each in printed(dose)] == [
        ("P_TP", "(273.2 + T)/(273.2 + T0) · P0/P"),
        ("M_Q", f"|M| · P_TP · {' · '.join(names)} / p_pol_q0 / p_ion_q0"),
        ("D_w", f"M_Q · N_D,w · {' · '.join(beam)}"),
    ]
    assert {each[4] for each in printed(dose)} == {source}
    assert [step.value for step in dose.steps] == pytest.approx(
        [p_tp, m_q, m_q * 0.05366 * math.prod(more[each].value for each in beam)]
    )
    assert dose.warnings == ()


def test_a_number_in_print_has_a_true_minus() -> None:
    assert (shown(-1.5), shown(0.1 + 0.2)) == ("\u22121.5", "0.3")


def test_what_a_result_is_recognised_by_is_the_hash_of_a_text_that_can_be_written_by_hand() -> None:
    of = d.Factor(1.0, "1", 0.5, "c", valid_from=date(2027, 1, 2))
    scatter = d.BackgroundSignal(1.0, 0.5, "c", 3.0)
    text = (
        '["f","2",{"a":{"source":"c","u_percent":0.5,"unit":"1","valid_from":"2027-01-02","value":1.0},'
        '"b":{"dof":3.0,"source":"c","u":0.5,"value":1.0},"c":{"dof":"inf","u_mv":1.0,"what":"c"}}]'
    )
    assert (
        inputs_hash("f", {"a": of, "b": scatter, "c": Stated(1.0, "c", math.inf)}) == sha256(text.encode()).hexdigest()
    )
    for wrong in (object(), d.Factor):
        with pytest.raises(TypeError, match="cannot be an input of a calculation"):
            inputs_hash("f", {"a": wrong})


def test_a_dose_is_explained_line_by_line() -> None:
    factors = {
        "cf": d.Factor(0.97, "cGy/mV", 2.0, CERTIFICATE, symbol="CF"),
        "cf_energy": one(1.01),
        "cf_angle": one(1.0),
    }
    made = d.mosfet_dose(before_mv=1000.0, after_mv=1200.0, factors=factors, components=[extra("drift", 0.5)])
    warned = replace(made, warnings=("look here",))
    source = "threshold shift, vendors' form (textbook)"
    assert d.explain(warned).split("\n") == [
        "MOSFET dose", "", "factors", "  CF = 0.97 cGy/mV   u 2 %   certificate 7",
        "  cf_energy = 1.01   u 0 %   certificate 7", "  cf_angle = 1   u 0 %   certificate 7", "", "steps",
        "  ΔV_th = V_after − V_before", "    = 1200 − 1000", f"    = 200 mV   ({source})",
        "  D_w = ΔV_th · CF · cf_energy · cf_angle", "    = 200 × 0.97 × 1.01 × 1", f"    = 195.94 cGy   ({source})",
        "",
        "component  type  u %     c        part %", "cf         B     2       +1       2.0000",
        "cf_energy  B     0       +1       0.0000", "cf_angle   B     0       +1       0.0000",
        "drift      B     0.5     +1       0.5000", "combined   u = 2.0616 %, ν = ∞, k = 2.00, U = 4.1231 %", "",
        "D = 1.9594 Gy, u = 0.04 Gy, U = 0.081 Gy (k = 2.00)", "warning: look here",
        f"formula version {made.formula_version}, inputs {made.inputs_hash}", "",
    ]  # fmt: skip


def test_a_table_is_as_wide_as_its_longest_name_and_says_few_degrees_of_freedom() -> None:
    budget = d.Budget((d.Contribution("a very long name", 2.0, "site", "A", dof=4),))
    head, row, total = d.budget_table(budget).split("\n")
    assert head == "component         type  u %     c        part %"
    assert row == "a very long name  A     2       +1       2.0000"
    assert total == f"combined          u = 2.0000 %, ν = 4, k = {budget.k:.2f}, U = {budget.expanded_percent:.4f} %"
