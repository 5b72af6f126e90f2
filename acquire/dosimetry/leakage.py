"""From an electrometer's readings to a net charge: signs kept, leakage taken off, nothing hidden.

The limits are TRS-398 Rev.1 practice as clinics apply it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.finite import finite
from acquire.sums import added

# IAEA TRS-398 Rev.1 practice as clinics apply it: below 0.1 % leakage is only named, above 0.5 % the work stops.
LEAKAGE_NAMED_PERCENT = 0.1
LEAKAGE_BLOCKS_PERCENT = 0.5
NO_BEAM_PERCENT = 20.0  # inferred: no wet connector leaks so much of a beam; what was collected is the leakage itself


@dataclass(frozen=True, slots=True)
class NetCharge:
    """Charge collected during a measurement, corrected for leakage, with what was taken off (all in nC)."""

    value_nc: float
    gross_nc: float
    leakage_nc: float
    leakage_percent: float
    duration_s: float
    subtracted: bool


@finite
def slope(times_s: Sequence[float], charges_nc: Sequence[float]) -> float:
    """Least-squares slope in nC/s: the leakage current of a beam-off integration. At least three readings.

    Raises OutsideValidity.
    """
    n = len(times_s)
    if n < 3 or len(charges_nc) != n:
        raise OutsideValidity("A leakage current needs at least three readings with their times.")
    mean_t, mean_q = added(times_s) / n, added(charges_nc) / n
    spread = added((t - mean_t) ** 2 for t in times_s)
    if spread == 0:
        raise OutsideValidity("A leakage current needs readings at different times.")
    return added((t - mean_t) * (q - mean_q) for t, q in zip(times_s, charges_nc, strict=True)) / spread


@finite
def slope_u(times_s: Sequence[float], charges_nc: Sequence[float]) -> tuple[float, int]:
    """(standard uncertainty of `slope` in nC/s, degrees of freedom), from the scatter about the line (GUM H.3).

    Raises OutsideValidity.
    """
    per_s = slope(times_s, charges_nc)
    n, mean_t = len(times_s), added(times_s) / len(times_s)
    spread = added((t - mean_t) ** 2 for t in times_s)
    at_0 = added(charges_nc) / n - per_s * mean_t
    rest = added((q - at_0 - per_s * t) ** 2 for t, q in zip(times_s, charges_nc, strict=True))
    return math.sqrt(rest / (n - 2) / spread), n - 2


@finite
def long_enough(leakage_s: float, measured_s: float) -> None:
    """Raises Blocked for a leakage measured for a shorter time than the beam: its current is then too uncertain."""
    if leakage_s < measured_s:
        raise Blocked(
            f"The leakage was measured for {leakage_s:g} s, the charge for {measured_s:g} s: measure it as long."
        )


@finite
def net_charge(
    gross_nc: float, leakage_nc_per_s: float, duration_s: float, *, always_subtract: bool = False
) -> NetCharge:
    """Q_net = Q_gross - I_leak t, with the sign of each (TRS-398 Rev.1).

    A leakage of at most 0.1 % of the reading is named and not subtracted (the plan's budget carries 0.1 % for it),
    unless the site always subtracts; above 0.5 % it raises Blocked. Raises OutsideValidity for a reading of zero.
    """
    if duration_s <= 0:
        raise OutsideValidity(f"A net charge needs a duration above 0 s, not {duration_s:g} s.")
    if gross_nc == 0:
        raise OutsideValidity(
            "The charge did not change during the measurement: no beam was seen. Was it given while the step ran, and"
            " is the detector on this input?"
        )
    leakage_nc = leakage_nc_per_s * duration_s
    percent = 100 * abs(leakage_nc / gross_nc)
    if percent > NO_BEAM_PERCENT:
        raise Blocked(
            f"No beam was seen: {gross_nc:.3g} nC were collected, and leakage alone makes {leakage_nc:.3g} nC in that"
            f" time ({percent:.0f} %). Was the beam given while the step ran, and is the detector on this input?"
        )
    if percent > LEAKAGE_BLOCKS_PERCENT:
        raise Blocked(
            f"Leakage is {percent:.2f} % of the reading ({1000 * leakage_nc_per_s:.3f} pA for {duration_s:.1f} s),"
            f" above {LEAKAGE_BLOCKS_PERCENT} %: dry the connector, wait, and measure the leakage again."
        )
    subtracted = always_subtract or percent > LEAKAGE_NAMED_PERCENT
    net = gross_nc - leakage_nc if subtracted else gross_nc
    return NetCharge(net, gross_nc, leakage_nc, percent, duration_s, subtracted)
