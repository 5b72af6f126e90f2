"""Diodes on the skin: entrance dose after ESTRO booklet 5 and AAPM Report 87 (TG-62)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.dose import Calculation, Dose
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.factor import Factor, needed

SOURCE = "ESTRO booklet 5 / AAPM Report 87"
CORRECTIONS = ("cf_ssd", "cf_fs", "cf_wedge")
OPTIONAL_CORRECTIONS = ("cf_tray", "cf_angle", "cf_dose_rate")


def cf_temperature(svwt_percent_per_c: float, temperature_c: float, t_cal_c: float) -> float:
    """CF_T = 1 / (1 + SVWT (T - T_cal)), SVWT the sensitivity variation with temperature in % per °C."""
    if not 10 <= temperature_c <= 45:
        raise OutsideValidity(f"The diode's temperature {temperature_c} °C lies outside 10 to 45 °C.")
    return 1 / (1 + svwt_percent_per_c / 100 * (temperature_c - t_cal_c))


def diode_entrance_dose(
    *,
    charge_nc: float,
    factors: Mapping[str, Factor],
    temperature_c: float,
    components: Sequence[Contribution] = (),
) -> Dose:
    """D_ent = M N_cal ΠCF CF_T: dose at the depth of maximum below the entrance surface.

    factors: n_cal in cGy/nC; svwt in %/Cel; t_cal in Cel; cf_ssd, cf_fs, cf_wedge in "1" (a field without wedge has
    cf_wedge 1 with the plan as its source); cf_tray, cf_angle, cf_dose_rate where the site uses them.
    """
    name = "Diode entrance dose"
    n_cal = needed(factors, "n_cal", "cGy/nC", name)
    svwt, t_cal = needed(factors, "svwt", "%/Cel", name), needed(factors, "t_cal", "Cel", name)
    used = (*CORRECTIONS, *(each for each in OPTIONAL_CORRECTIONS if each in factors))
    cfs = {each: needed(factors, each, "1", name) for each in used}
    inputs = {
        "charge_nc": charge_nc, "factors": dict(factors), "temperature_c": temperature_c, "components": list(components)
    }  # fmt: skip
    work = Calculation(name, inputs)
    cf_t = cf_temperature(svwt.value, temperature_c, t_cal.value)
    numbers = f"1 / (1 + {svwt.value} % × ({temperature_c} − {t_cal.value}))"
    work.step("CF_T", "1/(1 + SVWT·(T − T_cal))", numbers, cf_t, "1", SOURCE)
    dose_cgy = abs(charge_nc) * n_cal.value * math.prod(cf.value for cf in cfs.values()) * cf_t
    shown = [f"{abs(charge_nc):.6g}", f"{n_cal.value:.6g}", *(f"{cf.value:.6g}" for cf in cfs.values()), f"{cf_t:.6f}"]
    formula = f"|M| · N_cal · {' · '.join(cfs)} · CF_T"
    work.step("D_ent", formula, " × ".join(shown), dose_cgy, "cGy", SOURCE)
    work.row("n_cal", n_cal)
    for each, cf in cfs.items():
        work.row(each, cf)
    delta = svwt.value / 100 * (temperature_c - t_cal.value) * cf_t
    work.row("svwt", svwt, sensitivity=-delta)
    work.row("t_cal", t_cal, sensitivity=svwt.value / 100 * t_cal.value * cf_t)
    work.rows.extend(components)
    return work.dose(dose_cgy / 100)
