"""From reading to dose: pure functions, usable without the daemon.

Units stand in every name; every factor has a source and an uncertainty; what is missing or blocked raises a
DosimetryError with one plain sentence and gives no number.
"""

from acquire.dosimetry.budget import Budget, Contribution, coverage_factor, quadrature
from acquire.dosimetry.chamber import chamber_dose_trs398
from acquire.dosimetry.charge import NetCharge, net_charge, slope
from acquire.dosimetry.decision import Decision, State, decide, fit_for, p_conform, report_only
from acquire.dosimetry.diode import cf_temperature, diode_entrance_dose
from acquire.dosimetry.dose import FORMULAS_VERSION, Dose, Step
from acquire.dosimetry.environment import k_tp
from acquire.dosimetry.errors import Blocked, DosimetryError, MissingFactor, OutsideValidity
from acquire.dosimetry.factor import Factor
from acquire.dosimetry.kq_trs398_rev1 import k_q_sigmoid
from acquire.dosimetry.polarity import k_pol
from acquire.dosimetry.recombination import k_s_pulsed
from acquire.dosimetry.tld import (
    ElementSignal,
    background_of_controls,
    detection_limit_cgy,
    pair_difference_percent,
    rcf_of_standards,
    tld_dose,
)

__all__ = [
    "FORMULAS_VERSION",
    "Blocked",
    "Budget",
    "Contribution",
    "Decision",
    "Dose",
    "DosimetryError",
    "ElementSignal",
    "Factor",
    "MissingFactor",
    "NetCharge",
    "OutsideValidity",
    "State",
    "Step",
    "background_of_controls",
    "cf_temperature",
    "chamber_dose_trs398",
    "coverage_factor",
    "decide",
    "detection_limit_cgy",
    "diode_entrance_dose",
    "fit_for",
    "k_pol",
    "k_q_sigmoid",
    "k_s_pulsed",
    "k_tp",
    "net_charge",
    "p_conform",
    "pair_difference_percent",
    "quadrature",
    "rcf_of_standards",
    "report_only",
    "slope",
    "tld_dose",
]
