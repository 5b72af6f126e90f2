"""What each row of vectors.toml computes: whole worksheets (chamber, luminescence, detectors)."""

from __future__ import annotations

from statistics import fmean

from acquire import dosimetry as d
from acquire.dosimetry.units import n_dw_gy_per_nc, pressure_kpa

SOURCE = "test vector"


def one(value: float, unit: str = "1") -> d.Factor:
    return d.Factor(value, unit, 0.0, SOURCE)


def step(dose: d.Dose, what: str) -> float:
    return next(each.value for each in dose.steps if each.what == what)


def _chamber(form, charge, air, factors):
    return form(
        charge_nc=charge, factors={k: one(v, "Gy/nC" if k == "n_dw" else "1") for k, v in factors.items()}, **air
    )


def _two_voltages(m):
    """k_pol and M_H/M_L of (reference, opposite, half voltage)."""
    return d.k_pol(m[0], m[1]), abs(m[0]) / abs(m[2])


def _air(t_c, p_mmhg, t0_c):
    return {
        "temperature_c": t_c, "pressure_kpa": pressure_kpa(p_mmhg, "mm[Hg]", 101.33), "t0_c": t0_c, "p0_kpa": 101.33
    }  # fmt: skip


def tg51_photons(t_c, p_mmhg, n_cgy, p_elec, m, pdd10x, pdd, mu, tissue):
    p_pol, ratio = _two_voltages(m)
    k_q = d.k_q_tg51("30013", pdd10x)
    factors = {
        "n_dw": n_dw_gy_per_nc(n_cgy, "cGy/nC"), "p_elec": p_elec, "p_pol": p_pol, "p_ion": d.p_ion_pulsed(2.0, ratio),
        "k_q": k_q,
    }  # fmt: skip
    dose = _chamber(d.chamber_dose_tg51, m[0], _air(t_c, p_mmhg, 22), factors)
    d10 = 100 * dose.value_gy / mu * tissue
    return {"m_q": step(dose, "M_Q"), "k_q": k_q, "d10": d10, "d_max": d.dose_at_maximum(d10, pdd)}


def tg51_electrons_1999(t_c, p_mmhg, n_cgy, p_elec, k_ecal, m, m_behind, i50_cm, pdd, mu):
    p_pol, ratio = _two_voltages(m)
    r50 = d.r50_of_i50(i50_cm)
    factors = {
        "n_dw": n_dw_gy_per_nc(n_cgy, "cGy/nC"), "p_elec": p_elec, "p_pol": p_pol, "p_ion": d.p_ion_pulsed(2.0, ratio),
        "p_gr": d.p_gradient(m_behind, m[0]), "k_r50": d.k_r50_cylindrical_1999(r50), "k_ecal": k_ecal,
    }  # fmt: skip
    dose = _chamber(d.electron_dose_tg51_1999, m[0], _air(t_c, p_mmhg, 22), factors)
    at_reference = 100 * dose.value_gy / mu
    d_max = d.dose_at_maximum(at_reference, pdd)
    return {"r50": r50, "d_ref": d.d_ref_of_r50(r50), "d": at_reference, "d_max": d_max}


def tg51_laboratory(t_c, p_kpa, t0_c, p0_kpa, n_gy, m1, m_opp, m2, n, pdd10x, chamber):
    p_ion = d.p_ion_pulsed(float(n), fmean(m1) / fmean(m2))
    k_q = d.k_q_tg51(chamber, pdd10x)
    factors = {"n_dw": n_gy, "p_elec": 1.0, "p_pol": d.k_pol(fmean(m1), fmean(m_opp)), "p_ion": p_ion, "k_q": k_q}
    air = {"temperature_c": t_c, "pressure_kpa": p_kpa, "t0_c": t0_c, "p0_kpa": p0_kpa}
    dose = _chamber(d.chamber_dose_tg51, fmean(m1), air, factors)
    return {"p_tp": step(dose, "P_TP"), "p_ion": p_ion, "k_q": k_q, "d10": dose.value_gy}


def trs398_2000(t_c, p_mmhg, n_cgy, k_elec, m, tpr, pdd, mu, tissue):
    k_pol, ratio = _two_voltages(m)
    k_s, k_q = d.k_s_pulsed(2.0, ratio), d.k_q_photons_2000("30013", tpr)
    factors = {"n_dw": n_dw_gy_per_nc(n_cgy, "cGy/nC"), "k_elec": k_elec, "k_pol": k_pol, "k_s": k_s, "k_q": k_q}
    dose = _chamber(d.chamber_dose_trs398, m[0], _air(t_c, p_mmhg, 20), factors)
    d_ref = 100 * dose.value_gy / mu * tissue
    return {"k_s": k_s, "k_q": k_q, "d_ref": d_ref, "d_max": d.dose_at_maximum(d_ref, pdd)}


def trs398_rev1(t_c, p_kpa, t0_c, p0_kpa, n_gy, m1, m_opp, m2, n, tpr, pdd, mu, chamber):
    k_s = d.k_s_pulsed(float(n), fmean(m1) / fmean(m2))
    k_q = d.k_q_rev1(chamber, tpr)
    factors = {"n_dw": n_gy, "k_elec": 1.0, "k_pol": d.k_pol(fmean(m1), fmean(m_opp)), "k_s": k_s, "k_q": k_q}
    air = {"temperature_c": t_c, "pressure_kpa": p_kpa, "t0_c": t0_c, "p0_kpa": p0_kpa}
    dose = _chamber(d.chamber_dose_trs398, fmean(m1), air, factors)
    d_max = d.dose_at_maximum(100 * dose.value_gy / mu, pdd)
    return {"k_tp": step(dose, "k_TP"), "k_s": k_s, "k_q": k_q, "d_ref": dose.value_gy, "d_max": d_max}


def osl_chain(readings, loss, k_s, background, n_dw, k_f, k_l, k_q, k_theta):
    form = d.ReaderForm(loss, "growing", "after-sensitivity", "in-field")
    dose = d.osl_dose(
        dots=[d.Dot("N-1", tuple(readings), one(k_s))], background=d.BackgroundSignal(background, 0.0, SOURCE),
        n_dw=one(n_dw, "cGy/{counts}"),
        factors={"k_f": one(k_f), "k_l": one(k_l), "k_q": one(k_q), "k_theta": one(k_theta)}, form=form,
        pair_limit_percent=5,
    )  # fmt: skip
    return {"m_corr": step(dose, "M_corr(N-1)"), "dose_cgy": 100 * dose.value_gy}


def diode(charge_nc, n_cal, cf_ssd, cf_fs, cf_wedge, t_c, t_cal, svwt):
    factors = {
        "n_cal": one(n_cal, "cGy/nC"), "svwt": one(svwt, "%/Cel"), "t_cal": one(t_cal, "Cel"), "cf_ssd": one(cf_ssd),
        "cf_fs": one(cf_fs), "cf_wedge": one(cf_wedge),
    }  # fmt: skip
    return 100 * d.diode_entrance_dose(charge_nc=charge_nc, factors=factors, temperature_c=t_c).value_gy


def mosfet(shift_mv, cf):
    factors = {"cf": one(cf, "cGy/mV"), "cf_energy": one(1.0), "cf_angle": one(1.0)}
    return 100 * d.mosfet_dose(before_mv=100.0, after_mv=100.0 + shift_mv, factors=factors).value_gy


def midline(entrance_cgy, exit_cgy):
    row = (d.Contribution("n_cal", 1.0, SOURCE),)
    sides = [d.Dose(cgy / 100, d.Budget(row), (), "side", "1", "0") for cgy in (entrance_cgy, exit_cgy)]
    return 100 * d.midline_mean(*sides, one(1.0)).value_gy
