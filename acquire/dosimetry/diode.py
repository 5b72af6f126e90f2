"""Diodes on the skin: entrance, exit and midline dose after ESTRO booklet 5 and AAPM Report 87 (TG-62)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from acquire.dosimetry.believed import believed
from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.dose import Calculation, Dose, shown
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.factor import Circumstances, Factor, needed, no_others, positive
from acquire.dosimetry.finite import finite

SOURCE = "ESTRO booklet 5 / AAPM Report 87"
CORRECTIONS = ("cf_ssd", "cf_fs", "cf_wedge")
OPTIONAL_CORRECTIONS = ("cf_tray", "cf_angle", "cf_dose_rate", "cf_energy")
N_CAL_CGY_PER_NC = (0.001, 1000.0)


@finite
def cf_temperature(svwt_percent_per_c: float, temperature_c: float, t_cal_c: float) -> float:
    """CF_T = 1 / (1 + SVWT (T - T_cal)), SVWT the sensitivity variation with temperature in % per °C (ESTRO booklet 5).

    Raises OutsideValidity.
    """
    if not 10 <= temperature_c <= 45 or not 10 <= t_cal_c <= 45:
        raise OutsideValidity(
            f"The diode's temperatures {temperature_c} °C and {t_cal_c} °C must lie in 10 to 45 °C; give them in °C."
        )
    if not -0.5 <= svwt_percent_per_c <= 1.0:
        raise OutsideValidity(f"SVWT = {svwt_percent_per_c} lies outside -0.5 to 1.0 % per °C; give it in percent.")
    return 1 / (1 + svwt_percent_per_c / 100 * (temperature_c - t_cal_c))


@finite
def diode_entrance_dose(
    *,
    charge_nc: float,
    factors: Mapping[str, Factor],
    temperature_c: float,
    components: Sequence[Contribution] = (),
    at: Circumstances | None = None,
) -> Dose:
    """D_ent = M N_cal ΠCF CF_T: dose at the depth of maximum below the entrance surface (ESTRO booklet 5).

    factors: n_cal in cGy/nC; svwt in %/Cel; t_cal in Cel; cf_ssd, cf_fs, cf_wedge in "1" (a field without wedge has
    cf_wedge 1 with the plan as its source); cf_tray, cf_angle, cf_dose_rate, cf_energy where the site uses them. Raises
    MissingFactor, OutsideValidity, Blocked.
    """
    return _dose("Diode entrance dose", "D_ent", charge_nc, factors, temperature_c, components, at)


@finite
def diode_exit_dose(
    *,
    charge_nc: float,
    factors: Mapping[str, Factor],
    temperature_c: float,
    components: Sequence[Contribution] = (),
    at: Circumstances | None = None,
) -> Dose:
    """D_exit, with a calibration and correction factors of its own, measured on the exit side of a phantom.

    The same factors as for the entrance, and cf_backscatter, which accounts for scatter missing behind the diode.
    Factors of the entrance side must not be used: keep them under calibrations of their own. Raises MissingFactor,
    OutsideValidity, Blocked.
    """
    needed(factors, "cf_backscatter", "1", "Diode exit dose", at)
    return _dose("Diode exit dose", "D_exit", charge_nc, factors, temperature_c, components, at)


def _dose(
    name: str,
    symbol: str,
    charge_nc: float,
    factors: Mapping[str, Factor],
    temperature_c: float,
    components: Sequence[Contribution],
    at: Circumstances | None,
) -> Dose:
    n_cal = positive(needed(factors, "n_cal", "cGy/nC", name, at), "n_cal")
    if not N_CAL_CGY_PER_NC[0] <= n_cal.value <= N_CAL_CGY_PER_NC[1]:
        raise OutsideValidity(f"n_cal = {n_cal.value:g} cGy/nC is not that of a diode; check its unit.")
    svwt, t_cal = needed(factors, "svwt", "%/Cel", name, at), needed(factors, "t_cal", "Cel", name, at)
    extra = ("cf_backscatter",) if symbol == "D_exit" else ()
    used = (*CORRECTIONS, *extra, *(each for each in OPTIONAL_CORRECTIONS if each in factors))
    cfs = {each: believed("diode", each, needed(factors, each, "1", name, at)) for each in used}
    no_others(factors, ("n_cal", "svwt", "t_cal", *CORRECTIONS, *extra, *OPTIONAL_CORRECTIONS), name)
    if charge_nc == 0:
        raise OutsideValidity("The diode's reading is zero.")
    inputs = {
        "charge_nc": charge_nc, "factors": dict(factors), "temperature_c": temperature_c, "components": list(components)
    }  # fmt: skip
    work = Calculation(name, inputs)
    cf_t = cf_temperature(svwt.value, temperature_c, t_cal.value)
    numbers = f"1 / (1 + {svwt.value} % × ({temperature_c} − {t_cal.value}))"
    work.step("CF_T", "1/(1 + SVWT·(T − T_cal))", numbers, cf_t, "1", SOURCE)
    dose_cgy = abs(charge_nc) * n_cal.value * math.prod(cf.value for cf in cfs.values()) * cf_t
    numbers = " × ".join(shown(x) for x in (abs(charge_nc), n_cal.value, *(cf.value for cf in cfs.values()), cf_t))
    work.step(symbol, f"|M| · N_cal · {' · '.join(cfs)} · CF_T", numbers, dose_cgy, "cGy", SOURCE)
    work.row("n_cal", n_cal)
    for each, cf in cfs.items():
        work.row(each, cf)
    slope = svwt.value / 100 * cf_t
    work.row("svwt", svwt, sensitivity=-slope * (temperature_c - t_cal.value))
    work.row("t_cal", t_cal, sensitivity=slope * t_cal.value)
    work.rows.extend(components)
    return work.dose(dose_cgy / 100)
