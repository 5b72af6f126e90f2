"""Ionisation chamber in a calibrated beam: IAEA TRS-398 (2000 and Rev.1), with the factors of its certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.dose import Calculation, Dose, shown
from acquire.dosimetry.environment import k_tp
from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.factor import Circumstances, Factor, needed, positive
from acquire.dosimetry.polarity import polarity_warning
from acquire.dosimetry.recombination import LIMITS

SOURCE = "IAEA TRS-398 Rev.1"
OF_THE_READING = ("k_elec", "k_pol", "k_s")
AT_CALIBRATION = ("k_pol_q0", "k_s_q0")


def chamber_dose_trs398(
    *,
    charge_nc: float,
    factors: Mapping[str, Factor],
    temperature_c: float,
    pressure_kpa: float,
    t0_c: float,
    p0_kpa: float,
    components: Sequence[Contribution] = (),
    fff: bool = False,
    at: Circumstances | None = None,
) -> Dose:
    """D_w,Q = M k_TP k_elec k_pol k_s N_D,w k_Q (TRS-398), M net of leakage, its sign dropped.

    factors: n_dw in Gy/nC; k_elec, k_pol, k_s, k_q in "1"; k_vol where `fff` (flattening filter free); k_pol_q0 and
    k_s_q0 where the laboratory did not apply these at calibration: the user's are divided by them. components:
    uncertainty rows that belong to no factor. k_Q is whatever table or measurement its source names, of photons or
    electrons. Raises MissingFactor, OutsideValidity, Blocked.
    """
    name = "TRS-398 chamber dose"
    n_dw = positive(needed(factors, "n_dw", "Gy/nC", name, at), "n_dw")
    wanted = (*OF_THE_READING, *(("k_vol",) if fff else ()), *(each for each in AT_CALIBRATION if each in factors))
    ks = {each: positive(needed(factors, each, "1", name, at), each) for each in wanted}
    k_q = positive(needed(factors, "k_q", "1", name, at), "k_q")
    check_chamber(charge_nc, n_dw.value, ks["k_elec"].value, ks["k_pol"].value, ks["k_s"].value)
    inputs = {
        "charge_nc": charge_nc, "factors": dict(factors), "temperature_c": temperature_c, "pressure_kpa": pressure_kpa,
        "t0_c": t0_c, "p0_kpa": p0_kpa, "components": list(components), "fff": fff,
    }  # fmt: skip
    work = Calculation(name, inputs)
    ktp = k_tp(temperature_c, pressure_kpa, t0_c, p0_kpa)
    numbers = f"(273.15 + {temperature_c}) / (273.15 + {t0_c}) × {p0_kpa} / {pressure_kpa}"
    work.step("k_TP", "(273.15 + T)/(273.15 + T0) · P0/P", numbers, ktp, "1", SOURCE)
    m_q, signs = abs(charge_nc) * ktp, {each: "/" if each in AT_CALIBRATION else "·" for each in ks}
    formula, numbers = "|M| · k_TP", f"{shown(abs(charge_nc))} × {shown(ktp)}"
    for each, factor in ks.items():
        m_q = m_q / factor.value if each in AT_CALIBRATION else m_q * factor.value
        formula += f" {signs[each]} {each}"
        numbers += f" {signs[each].replace('·', '×')} {shown(factor.value)}"
    work.step("M_Q", formula, numbers, m_q, "nC", SOURCE)
    dose = m_q * n_dw.value * k_q.value
    numbers = f"{shown(m_q)} × {shown(n_dw.value)} × {shown(k_q.value)}"
    work.step("D_w", "M_Q · N_D,w · k_Q", numbers, dose, "Gy", SOURCE)
    for each, factor in {"n_dw": n_dw, **ks, "k_q": k_q}.items():
        work.row(each, factor)
    work.rows.extend(components)
    warning = polarity_warning(ks["k_pol"].value)
    work.warnings.extend([warning] if warning else [])
    return work.dose(dose)


def check_chamber(charge_nc: float, n_dw_gy_per_nc: float, k_elec: float, k_pol: float, k_s: float) -> None:
    """What must hold of every chamber measurement, whatever the protocol. Raises OutsideValidity, Blocked."""
    if charge_nc == 0:
        raise OutsideValidity("The reading of the chamber is zero.")
    if not 0.001 <= n_dw_gy_per_nc <= 5:
        raise OutsideValidity(
            f"N_D,w = {n_dw_gy_per_nc:g} Gy/nC lies outside 0.001 to 5 Gy/nC (a Farmer chamber has about 0.054 Gy/nC"
            " = 5.4 cGy/nC = 5.4e7 Gy/C): check its unit."
        )
    if not 0.98 <= k_elec <= 1.02:
        raise OutsideValidity(f"k_elec = {k_elec} lies outside 0.98 to 1.02.")
    if not 0.98 <= k_pol <= 1.02:
        raise Blocked(f"k_pol = {k_pol} lies outside 0.98 to 1.02.")
    if not LIMITS[0] - 1e-9 <= k_s <= LIMITS[1]:
        raise Blocked(f"k_s = {k_s} lies outside 1 to 1.05.")
