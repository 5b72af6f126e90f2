"""Ionisation chamber after AAPM TG-51: photons with the 2014 addendum, electrons of 1999 and after Muir and Rogers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.chamber_form import AmbientConditions, ChamberForm, chamber_dose
from acquire.dosimetry.dose import Dose
from acquire.dosimetry.environment import ZERO_CELSIUS_TG51_K, p_tp
from acquire.dosimetry.factor import Circumstances, Factor
from acquire.dosimetry.finite import finite

PHOTONS = ChamberForm(
    name="TG-51 photon dose",
    source="AAPM TG-51 and addendum (2014)",
    density=p_tp,
    zero_celsius_k=ZERO_CELSIUS_TG51_K,
    density_symbol="P_TP",
    reading=("p_elec", "p_pol", "p_ion"),
    volume="p_rp",
    beam=("k_q",),
    at_calibration=("p_pol_q0", "p_ion_q0"),
)
ELECTRONS_1999 = replace(
    PHOTONS, name="TG-51 electron dose (1999)", source="AAPM TG-51 (1999)", beam=("p_gr", "k_r50", "k_ecal")
)
ELECTRONS_2014 = replace(
    PHOTONS, name="TG-51 electron dose (Muir-Rogers)", source="Muir and Rogers (2014), AAPM Report 385", beam=("k_q",)
)


@finite
def chamber_dose_tg51(
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
    """D_w,Q = M P_TP P_elec P_pol P_ion (P_rp) N_D,w k_Q at 10 cm depth, M net of leakage.

    factors: n_dw in Gy/nC; p_elec, p_pol, p_ion, k_q in "1"; p_rp where `fff`; p_pol_q0 and p_ion_q0 where the
    laboratory did not apply these at calibration. Raises MissingFactor, OutsideValidity, Blocked.
    """
    ambient = AmbientConditions(temperature_c, pressure_kpa, t0_c, p0_kpa)
    return chamber_dose(PHOTONS, charge_nc, factors, ambient, components, fff, at)


@finite
def electron_dose_tg51_1999(
    *,
    charge_nc: float,
    factors: Mapping[str, Factor],
    temperature_c: float,
    pressure_kpa: float,
    t0_c: float,
    p0_kpa: float,
    components: Sequence[Contribution] = (),
    at: Circumstances | None = None,
) -> Dose:
    """D_w,Q = M P_gr k'_R50 k_ecal N_D,w at d_ref: factors n_dw, p_elec, p_pol, p_ion, p_gr, k_r50, k_ecal."""
    ambient = AmbientConditions(temperature_c, pressure_kpa, t0_c, p0_kpa)
    return chamber_dose(ELECTRONS_1999, charge_nc, factors, ambient, components, False, at)


@finite
def electron_dose_muir_rogers(
    *,
    charge_nc: float,
    factors: Mapping[str, Factor],
    temperature_c: float,
    pressure_kpa: float,
    t0_c: float,
    p0_kpa: float,
    components: Sequence[Contribution] = (),
    at: Circumstances | None = None,
) -> Dose:
    """D_w,Q = M N_D,w k_Q at d_ref, k_Q with the gradient in it: factors n_dw, p_elec, p_pol, p_ion, k_q."""
    ambient = AmbientConditions(temperature_c, pressure_kpa, t0_c, p0_kpa)
    return chamber_dose(ELECTRONS_2014, charge_nc, factors, ambient, components, False, at)
