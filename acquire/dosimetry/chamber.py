"""Ionisation chamber after IAEA TRS-398 (2000 and Rev.1), with the factors of its certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.chamber_form import AmbientConditions, ChamberForm, chamber_dose
from acquire.dosimetry.dose import Dose
from acquire.dosimetry.environment import ZERO_CELSIUS_K, k_tp
from acquire.dosimetry.factor import Circumstances, Factor
from acquire.dosimetry.finite import finite

TRS398 = ChamberForm(
    name="TRS-398 chamber dose",
    source="IAEA TRS-398 Rev.1",
    density=k_tp,
    zero_celsius_k=ZERO_CELSIUS_K,
    density_symbol="k_TP",
    reading=("k_elec", "k_pol", "k_s"),
    volume="k_vol",
    beam=("k_q",),
    at_calibration=("k_pol_q0", "k_s_q0"),
)


@finite
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
    k_s_q0 where the laboratory did not apply these at calibration: the user's are divided by them. k_q is of photons or
    electrons, from the table or measurement that its source names. components: uncertainty rows that belong to no
    factor. T0 and P0 are the certificate's. Raises MissingFactor, OutsideValidity, Blocked.
    """
    ambient = AmbientConditions(temperature_c, pressure_kpa, t0_c, p0_kpa)
    return chamber_dose(TRS398, charge_nc, factors, ambient, components, fff, at)
