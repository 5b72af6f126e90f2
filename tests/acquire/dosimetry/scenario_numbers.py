"""The six worked cases (A to F), computed from their inputs with the library: one dictionary of numbers for each.

Inputs come from scenarios.json; what is not in it (table values, times) stands here as the case states it.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from acquire import dosimetry as d
from acquire.dosimetry import microdosimetry as micro
from acquire.dosimetry.micro_calibration import scale_of_edge

GIVEN: dict[str, Any] = json.loads(Path(__file__).with_name("scenarios.json").read_text(encoding="utf-8"))
RAW = d.ReaderForm(0.0005, "growing", "after-sensitivity", "in-field")


def one(value: float, u: float = 0.0, unit: str = "1", key: str | None = None) -> d.Factor:
    return d.Factor(value, unit, u, "worked case", shared_key=key)


def known(value: float) -> d.BackgroundSignal:
    return d.BackgroundSignal(value, 0.0, "worked case, without an uncertainty")


def part(name: str, u: float) -> d.Contribution:
    return d.Contribution(name, u, "worked case")


def step(dose: d.Dose, what: str) -> float:
    return next(each.value for each in dose.steps if each.what == what)


def decided(
    name: str, dose: d.Dose, u_expected: float, limits: tuple[float, float], cgy: bool = True
) -> dict[str, Any]:
    """Deviation, U, state, probabilities of conformity and the largest deviation of a plain PASS.

    "_pc" is the first-order one that the case prints, "_p" the one that a result carries.
    """
    expected = GIVEN[f"{name}_exp"]
    result = d.decide(
        dose_gy=dose.value_gy, u_measured_percent=dose.budget.u_percent,
        expected_gy=expected / 100 if cgy else expected, u_expected_percent=u_expected, tolerance_percent=limits[0],
        action_percent=limits[1], rule="guard-band",
    )  # fmt: skip
    return {
        f"{name}_D": dose.value_gy * (100 if cgy else 1), f"{name}_dev": result.deviation_percent,
        f"{name}_U": result.expanded_percent, f"{name}_state": result.state.value, f"{name}_p": result.p_conform,
        f"{name}_pc": d.p_conform(result.deviation_percent, limits[0], result.expanded_percent / 2),
        f"{name}_lim": result.acceptance_limit_percent,
    }  # fmt: skip


# --- F: reference chamber, diodes calibrated -----------------------------------------------------------------------


def _f_factors() -> dict[str, d.Factor]:
    m1, mo, m2 = (d.mean_of(GIVEN[key]).value for key in ("F_M1", "F_Mo", "F_M2"))
    common = {"n_dw": one(GIVEN["F_N"], 0.55, "Gy/nC")}
    k_pol = d.k_pol(m1, mo)
    return common | {
        "k_elec": one(GIVEN["F_kelec"], 0.10), "p_elec": one(GIVEN["F_kelec"], 0.10),
        "k_pol": one(k_pol), "p_pol": one(k_pol),
        "k_s": one(d.k_s_pulsed(3.0, m1 / m2)), "p_ion": one(d.p_ion_pulsed(3.0, m1 / m2)),
        "k_q": one(d.k_q_rev1("PTW 30013", GIVEN["F_TPR"]), 0.60),
    }  # fmt: skip


def _of(factors: dict[str, d.Factor], protocol: str) -> dict[str, d.Factor]:
    """The factors of one protocol: TRS-398 names them k_..., TG-51 P_... but for k_Q."""
    return {name: f for name, f in factors.items() if name in ("n_dw", "k_q") or name.startswith(protocol)}


def _f_air() -> dict[str, float]:
    return {"temperature_c": GIVEN["F_T"], "pressure_kpa": GIVEN["F_P"], "t0_c": GIVEN["F_T0"], "p0_kpa": GIVEN["F_P0"]}


def reference_dose() -> d.Dose:
    """The reference dose of F after TRS-398 Rev.1, with its budget."""
    rows = [part("stability", 0.20), part("set-up", 0.30), part("monitor", 0.30), part("influence", 0.30)]
    m1 = d.mean_of(GIVEN["F_M1"]).value
    return d.chamber_dose_trs398(charge_nc=-m1, factors=_of(_f_factors(), "k_"), components=rows, **_f_air())


def dose_at_maximum() -> tuple[float, d.Budget]:
    """Dose at the depth of maximum in Gy for 100 MU; its rows are what every diode of F shares."""
    gy, budget = d.dose_at_maximum_of(reference_dose(), GIVEN["F_PDD"], 0.30, "clinical depth dose")
    shared = tuple(d.Contribution(r.name, r.u_percent, r.source, shared_key="session F") for r in budget.rows)
    return gy, d.Budget(shared)


def coefficient(diode: str) -> d.Coefficient:
    """N_cal of a diode; the scatter of its readings is covered by a row of 0.02 %."""
    gy, budget = dose_at_maximum()
    found = d.detector_calibration(gy, budget, GIVEN[f"F_d{diode}"], [part("diode set-up", 0.30)])
    rows = [r for r in found.budget.rows if r.kind == "B"]
    return d.Coefficient(found.value, found.unit, d.Budget((*rows, part("reading", 0.02))), found.numbers, found.source)


def case_f() -> dict[str, Any]:
    m1, mo, m2 = (d.mean_of(GIVEN[key]).value for key in ("F_M1", "F_Mo", "F_M2"))
    factors, air = _f_factors(), _f_air()
    dose = reference_dose()
    k_q51 = one(d.k_q_tg51("30013", GIVEN["F_PDD"]))
    tg51 = d.chamber_dose_tg51(charge_nc=m1, factors=_of(factors, "p_") | {"k_q": k_q51}, **air)
    d_max, at_max = dose_at_maximum()
    out: dict[str, Any] = {
        "F_m1": m1, "F_mo": mo, "F_m2": m2, "F_r": m1 / m2,
        "F_i1": 1000 * GIVEN["F_leak1"] / 60, "F_i2": 1000 * GIVEN["F_leak2"] / 60,
        "F_ktp": step(dose, "k_TP"), "F_ptp": step(tg51, "P_TP"), "F_kpol": factors["k_pol"].value,
        "F_ks": factors["k_s"].value, "F_pion": factors["p_ion"].value, "F_kslin": d.k_s_linear(3.0, m1 / m2),
        "F_kq398": factors["k_q"].value, "F_kq51": d.k_q_tg51("30013", GIVEN["F_PDD"]),
        "F_M398": step(dose, "M_Q"), "F_M51": step(tg51, "M_Q"), "F_D398": dose.value_gy, "F_D51": tg51.value_gy,
        "F_Dref": 100 * dose.value_gy, "F_dprot": d.change_percent(tg51.value_gy, dose.value_gy), "F_Dmax": 100 * d_max,
        "F_uref": dose.budget.u_percent, "F_Uref": dose.budget.expanded_percent, "F_udmax": at_max.u_percent,
        "F_kpol_bad": d.k_pol(m1, GIVEN["F_bad"]), "F_uncal": coefficient("11").budget.u_percent,
    }  # fmt: skip
    for name, leak in (("1", "F_leak1"), ("2", "F_leak2")):
        nc = GIVEN[leak] / 60 * GIVEN["F_t"]
        out |= {f"F_l{name}q": nc, f"F_l{name}p": 100 * nc / m1}
    later = d.net_charge(m1, GIVEN["F_leak2"] / 60, GIVEN["F_t"])
    out |= {"F_l2q": later.leakage_nc, "F_l2p": later.leakage_percent}
    for diode in ("11", "12", "13", "14"):
        mean, found = d.mean_of(GIVEN[f"F_d{diode}"]), coefficient(diode)
        out |= {
            f"F_m_d{diode}": mean.value, f"F_n{diode}": found.value, f"N{diode}": found.factor(4).value,
            f"F_chg{diode}": d.change_percent(found.value, GIVEN[f"F_old{diode}"]), f"F_sem{diode}": mean.sem_percent,
            f"F_new{diode}": found.value / GIVEN[f"F_old{diode}"],
        }  # fmt: skip
    return out


# --- A: diodes and chips -------------------------------------------------------------------------------------------

A_PORTS = {"b1": ("11", "11"), "b2": ("14", "12"), "b7": ("12", "14")}  # diode used, diode planned


def diode_dose(diode: str, m: float, t: float, cfs: dict[str, tuple[float, float]], *rows: d.Contribution) -> d.Dose:
    factors = {
        "n_cal": one(GIVEN[f"N{diode}"], GIVEN["F_uncal"], "cGy/nC", "session F"),
        "svwt": one(GIVEN[f"S{diode}"], unit="%/Cel"), "t_cal": one(22.0, unit="Cel"),
    }  # fmt: skip
    factors |= {name: one(value, u) for name, (value, u) in cfs.items()}
    return d.diode_entrance_dose(charge_nc=m, factors=factors, temperature_c=t, components=rows)


def a_diode(beam: str, diode: str) -> d.Dose:
    cfs = {
        "cf_ssd": (GIVEN[f"A_{beam}_ssd"], 0.5), "cf_fs": (GIVEN[f"A_{beam}_fs"], 1.0), "cf_wedge": (1.0, 0.0)
    }  # fmt: skip
    rows = (part("reading", 0.5), part("temperature", 0.4), part("position", 1.0))
    return diode_dose(diode, GIVEN[f"A_{beam}_m"], GIVEN["A_T"], cfs, *rows)


def chips(prefix: str, names: tuple[str, ...] = ("1", "2")) -> list[d.ElementSignal]:
    return [d.ElementSignal(f"chip {n}", GIVEN[f"{prefix}_q{n}"], one(GIVEN[f"{prefix}_e{n}"], 1.0)) for n in names]


def standards(key: str) -> list[d.ElementSignal]:
    return [d.ElementSignal(f"S-{i}", q, one(e, 1.0)) for i, (q, e) in enumerate(GIVEN[key])]


def a_rcf() -> float:
    return d.rcf_of_standards(standards("A_std"), d.background_of_controls(GIVEN["A_ctl"]), 50.0)


def a_chips(elements: list[d.ElementSignal]) -> d.Dose:
    return d.tld_dose(
        elements=elements, background=d.background_of_session(GIVEN["A_ctl"], "controls"),
        rcf=one(a_rcf(), 1.5, "nC/cGy"),
        factors={"k_f": one(d.fading_linear(0.0005, 2, 1), 0.3), "k_l": one(1.0, 0.5), "k_q": one(GIVEN["A_kq"], 3.0)},
        pair_limit_percent=5, components=[part("reading", 2.0 / math.sqrt(2)), part("place", 3.0)],
    )  # fmt: skip


def case_a() -> dict[str, Any]:
    u_exp = d.quadrature([1.5, 0.8])
    out: dict[str, Any] = {"A_uexp": u_exp, "A_kf": d.fading_linear(0.0005, 2, 1), "A_bg": fmean(GIVEN["A_ctl"])}
    budgets, deviations = [], []
    for beam, (used, planned) in A_PORTS.items():
        dose = a_diode(beam, used)
        out |= decided(f"A_{beam}", dose, u_exp, (7, 10)) | {f"A_{beam}_cft": step(dose, "CF_T")}
        if used != planned:
            out[f"A_{beam}_wrong"] = d.change_percent(100 * a_diode(beam, planned).value_gy, GIVEN[f"A_{beam}_exp"])
        # what the diodes share is the dose of session F; their own set-up and reading are apart
        own = math.sqrt(GIVEN["F_uncal"] ** 2 - dose_at_maximum()[1].u_percent ** 2)
        shared = d.Contribution("dose of session F", dose_at_maximum()[1].u_percent, "F", shared_key="session F")
        rows = [r for r in dose.budget.rows if r.name != "n_cal"]
        budgets.append(d.Budget((shared, part("n_cal, own part", own), *rows, part("expected", u_exp))))
        deviations.append(out[f"A_{beam}_dev"])
    mean = d.mean_of_deviations(deviations, budgets)
    out |= {"A_mean": mean.value, "A_Ucorr": mean.expanded, "A_Uunc": 2 * budgets[0].u_percent / math.sqrt(3)}
    out |= {"A_umeas": a_diode("b1", "11").budget.u_percent, "A_U": d.fit_for(7, GIVEN["A_umeas"], u_exp)[1]}
    out |= {"A_rcf": a_rcf(), "A_ld": d.detection_limit_cgy(GIVEN["A_blank"], a_rcf())}
    for point in ("p4", "p5"):
        dose = a_chips(chips(f"A_{point}"))
        course = d.course_dose([d.therapy_line(dose, 39)])
        d1, d2 = (step(dose, f"D(chip {n})") for n in "12")
        out |= {
            f"A_{point}_d1": d1, f"A_{point}_d2": d2, f"A_{point}_D": 100 * dose.value_gy,
            f"A_{point}_U": 100 * dose.expanded_gy, f"A_{point}_pair": d.pair_difference_percent(d1, d2),
            f"A_{point}_C": 100 * course.value, f"A_{point}_CU": 100 * course.expanded,
            f"A_{point}_up": 100 * d.against_limits(course.value, course.expanded, None, 2.0).high_end_gy,
        }  # fmt: skip
    out["A_utld"] = a_chips(chips("A_p4")).budget.u_percent
    net = [
        d.net_signal(q, e, GIVEN["A_bg"], "after-sensitivity") / a_rcf()
        for q, e in ((17.92, GIVEN["A_wecc"]), (18.29, 0.979))
    ]
    return out | {"A_wpair": d.pair_difference_percent(*net)}


# --- B: HDR --------------------------------------------------------------------------------------------------------


def b_chips(point: str, rcf: float) -> d.Dose:
    apparent = fmean(
        d.net_signal(c.signal, c.ecc.value, GIVEN["B_bg"], "after-sensitivity") / rcf / 100 for c in chips(f"B_{point}")
    )
    k_l = d.linearity_line(apparent, 0.020, 2.0, (0.5, 6.0))
    return d.tld_dose(
        elements=chips(f"B_{point}"), background=known(GIVEN["B_bg"]), rcf=one(rcf, 1.5, "nC/cGy"),
        factors={"k_f": one(1.0, 0.3), "k_l": one(k_l, 1.0), "k_q": one(GIVEN["B_kq"], 2.0)}, pair_limit_percent=5,
        components=[part("reading", 1.5 / math.sqrt(2))],
    )  # fmt: skip


def b_spectrum() -> tuple[micro.Spectrum, float]:
    edges = micro.log_edges(0.1, 5, len(GIVEN["B_cnt"]))
    return micro.Spectrum(edges, np.array(GIVEN["B_cnt"], dtype=float)), float(edges[1])


def case_b() -> dict[str, Any]:
    days = d.days_between(datetime(2027, 1, 18, 12, 0), datetime(2027, 2, 5, 10, 31))
    strength = d.source_strength(one(GIVEN["B_sk0"], 2.0, "U"), one(GIVEN["B_half"], 0.0, "d"), days)
    expected = d.dwell_time_s(GIVEN["B_tplan"], GIVEN["B_skplan"], strength.value)
    u_exp = d.quadrature([3.0, 1.5 * 5.0])
    out: dict[str, Any] = {
        "B_days": days, "B_sk": strength.value, "B_texp": expected, "B_pos": 1.5 * 5.0, "B_uexp": u_exp,
        "B_tdev": d.check_dwell_time(GIVEN["B_tcons"], expected, 1.0),
    }  # fmt: skip
    rcf = d.rcf_of_standards(standards("B_std"), GIVEN["B_bg"], 200.0)
    out["B_rcf"] = rcf
    for point in ("r1", "r2", "r3", "f2"):
        dose = b_chips(point, 12.79 if point == "f2" else rcf)
        out |= decided(f"B_{point}", dose, u_exp, (20, 30), cgy=False)
        d1, d2 = (step(dose, f"D(chip {n})") for n in "12")
        factors = dict(dose.factors)
        out |= {
            f"B_{point}_app": (d1 + d2) / 200, f"B_{point}_kl": factors["k_l"].value,
            f"B_{point}_pair": d.pair_difference_percent(d1, d2),
        }  # fmt: skip
    out["B_utld"] = b_chips("r1", rcf).budget.u_percent
    mosfet = d.mosfet_dose(
        before_mv=GIVEN["B_v0"], after_mv=GIVEN["B_v1"],
        factors={
            "cf": one(GIVEN["B_cf"], 2.5, "cGy/mV"), "cf_angle": one(GIVEN["B_ca"], 1.5), "cf_energy": one(1.0, 1.5),
        },
        components=[part("shift", 1.0), part("drift", 0.5)],
    )  # fmt: skip
    out |= decided("B_m", mosfet, u_exp, (20, 30), cgy=False)
    out |= {
        "B_dv": step(mosfet, "ΔV_th"), "B_mdose": 100 * mosfet.value_gy, "B_umos": mosfet.budget.u_percent,
        "B_left": d.remaining_mv(GIVEN["B_v1"], 20000), "B_mf2left": d.remaining_mv(GIVEN["B_mf2"], 20000),
        "B_mneed": d.enough_life(6412.0, 20000, 305, GIVEN["B_cf"] * GIVEN["B_ca"]),
    }  # fmt: skip
    spectrum, cut = b_spectrum()
    found, all_bins = micro.means(spectrum, cut, 125.0), micro.means(spectrum, 0.0, 125.0)
    z_f = micro.specific_energy_gy(found.y_f, 2.0)
    out |= {
        "B_cut": cut, "B_top": float(spectrum.edges[-1]), "B_tot": found.n, "B_yf": found.y_f, "B_yd": found.y_d,
        "B_ys": found.y_star, "B_yf0": all_bins.y_f, "B_zf": pytest_approx_printed(1000 * z_f, GIVEN["B_zf"]),
        "B_lr": 582 / 600, "B_lr0": 504 / 600,
        "B_kev": 1000 * scale_of_edge(2840, 136.0, 0.0, "case B").kev_um_per_unit,
    }  # fmt: skip
    return out


def pytest_approx_printed(exact: float, rounded: float) -> float:
    """The case uses the constant 0.2040 where we use 0.20400 (exact): equal to the last printed digit."""
    assert abs(exact - rounded) < 5e-3
    return rounded


# --- C: chest wall -------------------------------------------------------------------------------------------------

C_OSL = {"C_c3": 0.986, "C_c3r": 0.990, "C_c4": 0.991}


def c_diode(diode: str, m: float, t: float, cfs: tuple[float, float, float]) -> d.Dose:
    named = dict(zip(("cf_ssd", "cf_fs", "cf_wedge"), ((cf, 0.5) for cf in cfs), strict=True))
    return diode_dose(diode, m, t, named, part("reading", 0.5), part("temperature", 0.4), part("position", 1.0))


def c_osl(point: str) -> d.Dose:
    dots = [d.Dot(f"dot {i}", tuple(reads), one(k, 2.0)) for i, (reads, k) in enumerate(GIVEN[f"{point}_r"], start=1)]
    return d.osl_dose(
        dots=dots, background=known(GIVEN["C_bg"]), n_dw=one(c_n_dw(), 1.2, "cGy/{counts}"), form=RAW,
        pair_limit_percent=5,
        factors={"k_f": one(1.0, 0.5), "k_l": one(C_OSL[point], 1.0), "k_q": one(1.0, 1.0), "k_theta": one(1.010, 1.0)},
        components=[part("reading", 0.6 / math.sqrt(2)), part("place", 2.0)],
    )  # fmt: skip


def c_n_dw() -> float:
    dots = [d.Dot(f"S-{i}", (m,), one(k)) for i, (m, k) in enumerate(GIVEN["C_std"])]
    return d.n_dw_of_standards(dots, GIVEN["C_bg"], 100.0, RAW)


def case_c() -> dict[str, Any]:
    out: dict[str, Any] = {}
    measured = {
        "C_c1": c_diode("11", GIVEN["C_c1_m"], 31.5, (0.996, 1.003, 1.000)),
        "C_c2": c_diode("14", GIVEN["C_c2_m"], 31.0, (0.995, 1.003, 1.018)),
        "C_c2r": c_diode("14", GIVEN["C_c2r_m"], 31.0, (0.995, 1.003, 1.018)),
    }
    for name, dose in measured.items():
        out |= decided(name, dose, 2.0, (7, 10)) | {f"{name}_cft": step(dose, "CF_T")}
    first = measured["C_c1"]
    out["C_c1_nocorr"] = d.change_percent(100 * first.value_gy / out["C_c1_cft"], GIVEN["C_c1_exp"])
    out |= {"C_umeas": first.budget.u_percent, "C_U": out["C_c1_U"]}
    out["C_isq"] = 100 * (d.inverse_square(GIVEN["C_ssd0"] + 1.5, GIVEN["C_ssd1"] + 1.5) - 1)
    out["C_rest"] = out["C_c2_dev"] - out["C_isq"]
    out |= {"C_N": c_n_dw(), "C_m0": 100.0 / c_n_dw(), "C_due": (datetime(2027, 2, 8) - datetime(2027, 1, 29)).days}
    for point in C_OSL:
        dose = c_osl(point)
        m1, m2 = (step(dose, f"M_corr(dot {n})") for n in (1, 2))
        finding = d.against_limits(dose.value_gy, dose.expanded_gy, 1.80, 2.20)
        out |= {
            f"{point}_m1": m1, f"{point}_m2": m2,
            f"{point}_D": 100 * dose.value_gy, f"{point}_U": 100 * dose.expanded_gy,
            f"{point}_lo": 100 * finding.low_end_gy, f"{point}_hi": 100 * finding.high_end_gy,
            f"{point}_pair": d.pair_difference_percent(m1, m2),
        }  # fmt: skip
    return out | {"C_uosl": c_osl("C_c3").budget.u_percent}


# --- D: total body -------------------------------------------------------------------------------------------------


def d_chips(level: str) -> list[d.ElementSignal]:
    pairs = [each.split("×") for each in GIVEN[f"D_{level}_q"].split(" / ")]
    names = ("right a", "right b", "left a", "left b")
    return [d.ElementSignal(n, float(q), one(float(e), 1.0)) for n, (q, e) in zip(names, pairs, strict=True)]


def d_side(elements: list[d.ElementSignal], rcf: float) -> d.Dose:
    n = len(elements)
    return d.tld_dose(
        elements=elements, background=known(GIVEN["D_bg"]), rcf=one(rcf, 1.5, "nC/cGy", "TLDR-1"), pair_limit_percent=5,
        factors={"k_f": one(1.0, 0.5, key="session"), "k_l": one(1.0, 0.5, key="session"), "k_q": one(1.0)},
        components=[part("reading", 1.5 / math.sqrt(n))],
    )  # fmt: skip


def case_d() -> dict[str, Any]:
    rcf = d.rcf_of_standards(standards("D_std"), GIVEN["D_bg"], 200.0)
    out: dict[str, Any] = {"D_rcf": rcf}
    for n, key in ((4, "D_umeas"), (3, "D_umeas3")):
        out[key] = d.quadrature([1.5, 1.0 / math.sqrt(n), 1.5 / math.sqrt(n), 0.5, 0.5, 1.5, 1.0])
    for level in ("head", "neck", "med", "umb", "knee", "ankle", "ankr"):
        elements = d_chips(level)
        if level == "neck":
            out["D_neck_l2"] = (elements[3].signal * elements[3].ecc.value - GIVEN["D_bg"]) / rcf
            elements = elements[:3]
        right, left = d_side(elements[:2], rcf), d_side(elements[2:], rcf)
        middle = d.midline_mean(right, left, one(GIVEN[f"D_{level}_f"], 1.5), [part("place", 1.0)])
        # the case states u of a level for 3 or 4 chips of equal weight
        stated = d.Budget((part("stated", out["D_umeas3" if level == "neck" else "D_umeas"]),))
        level_dose = d.Dose(middle.value_gy, stated, middle.steps, middle.formula, "1", middle.inputs_hash)
        if level != "neck":
            assert abs(middle.budget.u_percent - out["D_umeas"]) < 0.003  # sides of unlike dose weigh unlike
        out |= {f"D_{level}_r": 100 * right.value_gy, f"D_{level}_l": 100 * left.value_gy}
        out |= decided(f"D_{level}", level_dose, GIVEN["D_uexp"], (10, 15))
    out["D_U"] = out["D_head_U"]
    for name in ("D_d1", "D_d2"):
        factors = {
            "n_cal": one(GIVEN["D_N"], 1.3, "cGy/nC"), "svwt": one(0.20, unit="%/Cel"), "t_cal": one(21.5, unit="Cel"),
            "cf_ssd": one(1.035, 1.0), "cf_fs": one(1.006, 0.7), "cf_wedge": one(1.0),
        }  # fmt: skip
        rows = [part("reading", 0.5), part("temperature", 0.4), part("position", 1.5)]
        dose = d.diode_entrance_dose(charge_nc=GIVEN[f"{name}_m"], factors=factors, temperature_c=32.0, components=rows)
        out |= decided(name, dose, GIVEN["D_uexp"], (10, 15)) | {f"{name}_cft": step(dose, "CF_T")}
        out["D_udio"] = dose.budget.u_percent
    out["D_off"] = (datetime(2027, 2, 15, 8, 1, 53) - datetime(2027, 2, 15, 7, 58, 41)).total_seconds()
    assert d.second_read(10.4, 2702.0)
    return out | {"D_residual": 100 * 10.4 / 2702.0}


# --- E: pacemaker --------------------------------------------------------------------------------------------------


def e_dose(point: str) -> d.Dose:
    counts = [(f"dot {n}", GIVEN[f"E_{point}_c{n}"], one(GIVEN[f"E_{point}_s{n}"], 2.5)) for n in (1, 2)]
    return d.reader_form_dose(
        counts=counts, control=known(GIVEN["E_ctl"]), reader_factor=one(GIVEN["E_rf"], 1.5, "{counts}/mRAD"),
        factors={"k_f": one(1.0, 0.5), "k_q_out": one(GIVEN["E_kq"], 6.0)}, position="out-of-field",
        pair_limit_percent=5, components=[part("reading", 0.8 / math.sqrt(2)), part("place", 4.0)],
    )  # fmt: skip


def case_e() -> dict[str, Any]:
    out: dict[str, Any] = {"E_u": e_dose("e1").budget.u_percent}
    for point in ("f1", "e1", "e2"):
        dose = e_dose(point)
        m1, m2 = (step(dose, f"D_reader(dot {n})") for n in (1, 2))
        out |= {
            f"E_{point}_m1": m1, f"E_{point}_m2": m2, f"E_{point}_D": 100 * dose.value_gy,
            f"E_{point}_U": 100 * dose.expanded_gy, f"E_{point}_pair": d.pair_difference_percent(m1, m2),
            f"E_{point}_T": 100 * d.course_dose([d.therapy_line(dose, 25)]).value,
        }  # fmt: skip
    imaging = d.imaging_line(one(0.20, 30.0, "cGy"), 25)
    out |= {"E_img": 100 * d.course_dose([imaging]).value, "E_diff": out["E_f1_D"] - out["E_e1_D"]}
    out |= {"E_imgfac": out["E_diff"] / 0.20, "E_wrong": out["E_e1_m1"]}
    for point in ("e1", "e2"):
        lines = [d.therapy_line(e_dose(point), 25), imaging]
        total, finding = d.course_dose(lines), d.course_against_limit(lines, 2.0)
        assert (finding.where, finding.certain) == ("inside", True)
        out |= {
            f"E_{point}_C": 100 * total.value, f"E_{point}_CU": 100 * total.expanded,
            f"E_{point}_up": 100 * finding.high_end_gy,
        }  # fmt: skip
    return out
