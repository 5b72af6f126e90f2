"""Ionisation chamber in a calibrated beam: IAEA TRS-398 Rev.1, with the factors of its certificate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.dose import Calculation, Dose
from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.factor import Factor, needed

ZERO_CELSIUS_K = 273.15  # TRS-398; TG-51 writes 273.2
PRESSURE_KPA = (80.0, 106.0)
TEMPERATURE_C = (5.0, 45.0)
SOURCE = "IAEA TRS-398 Rev.1"

# TRS-398 Rev.1 table 10: k_s = a0 + a1 r + a2 r^2 for pulsed beams, r = M1/M2, by voltage ratio V1/V2.
RECOMBINATION_PULSED = {
    2.0: (2.337, -3.636, 2.299),
    2.5: (1.474, -1.587, 1.114),
    3.0: (1.198, -0.875, 0.677),
    3.5: (1.080, -0.542, 0.463),
    4.0: (1.022, -0.363, 0.341),
    5.0: (0.975, -0.188, 0.214),
}


def k_tp(temperature_c: float, pressure_kpa: float, t0_c: float, p0_kpa: float) -> float:
    """Air density correction of a vented chamber, (273.15+T)/(273.15+T0) P0/P. T0 and P0 are the certificate's."""
    if not PRESSURE_KPA[0] <= pressure_kpa <= PRESSURE_KPA[1]:
        raise OutsideValidity(
            f"The pressure {pressure_kpa} kPa lies outside {PRESSURE_KPA[0]} to {PRESSURE_KPA[1]} kPa: station pressure"
            " in kPa is wanted, not hPa, mmHg or the sea-level value."
        )
    if not TEMPERATURE_C[0] <= temperature_c <= TEMPERATURE_C[1]:
        raise OutsideValidity(f"The temperature {temperature_c} °C lies outside 5 to 45 °C; give it in °C.")
    return (ZERO_CELSIUS_K + temperature_c) / (ZERO_CELSIUS_K + t0_c) * p0_kpa / pressure_kpa


def k_pol(reference_nc: float, opposite_nc: float) -> float:
    """Polarity correction (|M+| + |M-|) / (2 |M|), TRS-398 Rev.1; the signs of the readings do not matter."""
    if reference_nc == 0:
        raise OutsideValidity("The reading at the reference polarity is zero.")
    value = (abs(reference_nc) + abs(opposite_nc)) / (2 * abs(reference_nc))
    if abs(value - 1) > 0.02:
        raise Blocked(f"k_pol is {value:.4f}, more than 2 % from 1: check polarity, cable and waiting time.")
    return value


def k_s_pulsed(voltage_ratio: float, reading_ratio: float) -> float:
    """Recombination in pulsed beams, TRS-398 Rev.1 eq. 13 and table 10; blocked outside 1 to 1.05."""
    if voltage_ratio not in RECOMBINATION_PULSED:
        allowed = ", ".join(f"{n:g}" for n in RECOMBINATION_PULSED)
        raise OutsideValidity(f"Recombination is tabulated for voltage ratios {allowed}, not {voltage_ratio:g}.")
    a0, a1, a2 = RECOMBINATION_PULSED[voltage_ratio]
    value = a0 + a1 * reading_ratio + a2 * reading_ratio**2
    if reading_ratio < 1 or value > 1.05:
        raise Blocked(f"k_s would be {value:.4f} at M1/M2 = {reading_ratio:.4f}: allowed is 1 to 1.05.")
    return value


def k_q_sigmoid(tpr20_10: float, a: float, b: float) -> float:
    """Beam quality in photon beams, TRS-398 Rev.1 eq. 34, TPR20,10 from 0.56 to 0.82."""
    if not 0.56 <= tpr20_10 <= 0.82:
        raise OutsideValidity(f"TPR20,10 = {tpr20_10} lies outside 0.56 to 0.82.")
    return (1 + math.exp((a - 0.57) / b)) / (1 + math.exp((a - tpr20_10) / b))


def chamber_dose_trs398(
    *,
    charge_nc: float,
    factors: Mapping[str, Factor],
    temperature_c: float,
    pressure_kpa: float,
    t0_c: float,
    p0_kpa: float,
    components: Sequence[Contribution] = (),
) -> Dose:
    """D_w,Q = M k_TP k_elec k_pol k_s N_D,w k_Q (TRS-398 Rev.1 eq. 9 and 10), M net of leakage, its sign dropped.

    factors: n_dw in Gy/nC; k_elec, k_pol, k_s, k_q in "1". components: uncertainty rows that belong to no factor.
    Raises MissingFactor, OutsideValidity, Blocked.
    """
    name = "TRS-398 chamber dose"
    n_dw = needed(factors, "n_dw", "Gy/nC", name)
    ks = {each: needed(factors, each, "1", name) for each in ("k_elec", "k_pol", "k_s", "k_q")}
    if not 0.98 <= ks["k_elec"].value <= 1.02:
        raise OutsideValidity(f"k_elec = {ks['k_elec'].value} lies outside 0.98 to 1.02.")
    if not 1.0 <= ks["k_s"].value <= 1.05:
        raise Blocked(f"k_s = {ks['k_s'].value} lies outside 1 to 1.05.")
    inputs = {
        "charge_nc": charge_nc, "factors": dict(factors), "temperature_c": temperature_c, "pressure_kpa": pressure_kpa,
        "t0_c": t0_c, "p0_kpa": p0_kpa, "components": list(components),
    }  # fmt: skip
    work = Calculation(name, inputs)
    ktp = k_tp(temperature_c, pressure_kpa, t0_c, p0_kpa)
    numbers = f"(273.15 + {temperature_c}) / (273.15 + {t0_c}) × {p0_kpa} / {pressure_kpa}"
    work.step("k_TP", "(273.15 + T)/(273.15 + T0) · P0/P", numbers, ktp, "1", SOURCE)
    m_q = abs(charge_nc) * ktp * ks["k_elec"].value * ks["k_pol"].value * ks["k_s"].value
    shown = [f"{abs(charge_nc):.6g}", f"{ktp:.6f}", *(f"{ks[each].value:.6g}" for each in ("k_elec", "k_pol", "k_s"))]
    work.step("M_Q", "|M| · k_TP · k_elec · k_pol · k_s", " × ".join(shown), m_q, "nC", f"{SOURCE} eq. 10")
    dose = m_q * n_dw.value * ks["k_q"].value
    numbers = f"{m_q:.6g} × {n_dw.value:.6g} × {ks['k_q'].value:.6g}"
    work.step("D_w", "M_Q · N_D,w · k_Q", numbers, dose, "Gy", f"{SOURCE} eq. 9")
    for each, factor in (("n_dw", n_dw), *ks.items()):
        work.row(each, factor)
    work.rows.extend(components)
    return work.dose(dose)
