"""k_Q in electron beams: AAPM TG-51 (1999) and the fits of Muir and Rogers (2014; AAPM Report 385).

Provenance: k_Q,ecal, a, b, c of cylindrical chambers as the public library pylinac 3.49.0 carries them; the fit of the
Roos chamber from a public TRS-398/TG-51 calculator. The plane-parallel form of 1999 is recalled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite

SOURCE_1999 = "AAPM TG-51 (1999)"
SOURCE_2014 = "Muir and Rogers (2014), AAPM Report 385"

# k_Q,ecal and a, b, c of k'_Q = a + b R50^-c (R50 in cm).
MUIR_ROGERS: Mapping[str, tuple[float, float, float, float]] = {
    "A12": (0.907, 0.965, 0.119, 0.607),
    "A19": (0.904, 0.957, 0.119, 0.505),
    "A12S": (0.907, 0.937, 0.136, 0.378),
    "A18": (0.914, 0.352, 0.711, 0.046),
    "A1SL": (0.914, 0.205, 0.854, 0.036),
    "30010": (0.904, 0.98, 0.119, 0.891),
    "30011": (0.901, 0.976, 0.12, 0.793),
    "30012": (0.908, 0.972, 0.121, 0.728),
    "30013": (0.901, 0.978, 0.112, 0.816),
    "31003": (0.902, 0.945, 0.133, 0.441),
    "31013": (0.902, 0.945, 0.133, 0.441),
    "CC25": (0.904, 0.964, 0.105, 0.539),
    "CC13": (0.904, 0.926, 0.129, 0.279),
    "IC10": (0.904, 0.926, 0.129, 0.279),
    "FC65-G": (0.904, 0.971, 0.113, 0.68),
    "FC65-P": (0.902, 0.973, 0.11, 0.692),
    "FC23-C": (0.904, 0.971, 0.097, 0.591),
    "NE2571": (0.903, 0.977, 0.117, 0.817),
    "NE2611": (0.896, 0.979, 0.12, 0.875),
    "PR06C/G": (0.906, 0.972, 0.122, 0.729),
}
# a, b, c of k'_Q = a + b exp(-R50/c) for plane-parallel chambers.
PLANE_PARALLEL: Mapping[str, tuple[float, float, float]] = {"Roos": (0.984, 0.134, 3.511)}


@finite
def k_r50_cylindrical_1999(r50_cm: float) -> float:
    """k'_R50 = 0.9905 + 0.0710 exp(-R50/3.67) of Farmer-type chambers, R50 from 2 to 9 cm (TG-51, 1999).

    Raises OutsideValidity outside that.
    """
    _range(r50_cm, 2, 9, "of Farmer-type chambers")
    return 0.9905 + 0.071 * math.exp(-r50_cm / 3.67)


@finite
def k_r50_plane_parallel_1999(r50_cm: float) -> float:
    """k'_R50 = 1.2239 - 0.145 R50^0.214 of well-guarded plane-parallel chambers, 2 to 20 cm (TG-51, recalled).

    Raises OutsideValidity outside that.
    """
    _range(r50_cm, 2, 20, "of plane-parallel chambers")
    return float(1.2239 - 0.145 * r50_cm**0.214)


@finite
def p_gradient(reading_behind: float, reading_at_reference: float) -> float:
    """P_gr = M(d_ref + 0.5 r_cav) / M(d_ref) of cylindrical chambers in electron beams (TG-51, 1999).

    Raises OutsideValidity.
    """
    if reading_at_reference == 0 or reading_behind / reading_at_reference <= 0:
        raise OutsideValidity("The two readings of the gradient correction need one sign and must not be zero.")
    value = reading_behind / reading_at_reference
    if not 0.9 <= value <= 1.1:
        raise OutsideValidity(f"P_gr = {value:.4f} lies outside 0.9 to 1.1: the two depths may have been exchanged.")
    return value


@finite
def k_q_relative_2014(chamber: str, r50_cm: float) -> float:
    """k'_Q of a chamber of either kind, 1 at R50 = 7.5 cm (Muir and Rogers 2014); R50 from 1 to 20 cm.

    Raises OutsideValidity outside that and for a chamber not in the table.
    """
    _range(r50_cm, 1, 20, "of Muir and Rogers")
    if chamber in PLANE_PARALLEL:
        a, b, c = PLANE_PARALLEL[chamber]
        return a + b * math.exp(-r50_cm / c)
    _, a, b, c = _of(chamber)
    return float(a + b * r50_cm**-c)


@finite
def k_q_electrons_2014(chamber: str, r50_cm: float) -> float:
    """k_Q = (a + b R50^-c) k_Q,ecal of a cylindrical chamber calibrated in Co-60 (Muir and Rogers 2014).

    Raises OutsideValidity. A plane-parallel chamber needs its own k_Q,ecal: use k_q_relative_2014.
    """
    k_ecal = _of(chamber)[0]
    return k_q_relative_2014(chamber, r50_cm) * k_ecal


def _of(chamber: str) -> tuple[float, float, float, float]:
    if chamber not in MUIR_ROGERS:
        raise OutsideValidity(f"There is no electron fit for '{chamber}'; there is one for {', '.join(MUIR_ROGERS)}.")
    return MUIR_ROGERS[chamber]


def _range(r50_cm: float, low: float, high: float, what: str) -> None:
    if not low <= r50_cm <= high:
        raise OutsideValidity(f"R50 = {r50_cm} cm lies outside {low} to {high} cm, where the fit {what} holds.")
