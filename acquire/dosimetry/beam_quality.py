"""Beam-quality specifiers of photon and electron beams.

Forms of TRS-398 and TG-51 as public implementations have them; the reports were not read again (docs/dosimetry.md).
"""

from __future__ import annotations

from typing import Literal

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite

Foil = Literal["none", "30 cm", "50 cm"]


@finite
def tpr20_10_of_pdd(pdd20_percent: float, pdd10_percent: float) -> float:
    """TPR20,10 = 1.2661 PDD20/PDD10 - 0.0595: flattened beams, SSD 100 cm, 10 x 10 (TRS-398; Followill 1998).

    Raises OutsideValidity.
    """
    if not 0 < pdd20_percent < pdd10_percent:
        raise OutsideValidity("PDD(20) must be above 0 and below PDD(10).")
    return 1.2661 * pdd20_percent / pdd10_percent - 0.0595


@finite
def tpr20_10_estimate(pdd10_percent: float) -> float:
    """-0.7898 + 0.0329 PDD(10) - 0.000166 PDD(10)², PDD in percent: is a stated TPR plausible? Never to calibrate.

    The form of a public TRS-398 calculator. Raises OutsideValidity outside 57 to 89 %.
    """
    if not 57 <= pdd10_percent <= 89:
        raise OutsideValidity(f"PDD(10) = {pdd10_percent} % lies outside 57 to 89 %; give it in percent.")
    return -0.7898 + 0.0329 * pdd10_percent - 0.000166 * pdd10_percent**2


@finite
def pdd10x(pdd10_percent: float, energy_mv: float, foil: Foil, *, fff: bool = False) -> float:
    """%dd(10)x of TG-51 (1999) eqs. 13 to 15, from PDD(10) at SSD 100 cm without electron contamination corrections.

    Below 10 MV it is PDD(10). From 10 MV: with a 1 mm lead foil at 50 or 30 cm from the phantom, or, without foil and
    not for FFF beams, the interim form. With foil, PDD(10) is the one measured with the foil in place.
    Raises OutsideValidity.
    """
    if not 57 <= pdd10_percent <= 89:
        raise OutsideValidity(f"PDD(10) = {pdd10_percent} % lies outside 57 to 89 %; give it in percent.")
    if fff and foil == "none" and energy_mv >= 10:
        raise OutsideValidity("The form without lead foil does not hold for FFF beams of 10 MV or more: use a foil.")
    if foil == "50 cm":
        return (0.8905 + 0.0015 * pdd10_percent) * pdd10_percent if pdd10_percent >= 73 else pdd10_percent
    if foil == "30 cm":
        return (0.8116 + 0.00264 * pdd10_percent) * pdd10_percent if pdd10_percent >= 71 else pdd10_percent
    if energy_mv < 10 or pdd10_percent <= 75:
        if pdd10_percent > 75:
            raise OutsideValidity(f"PDD(10) = {pdd10_percent} % does not belong to an open beam below 10 MV.")
        return pdd10_percent
    return 1.267 * pdd10_percent - 20


@finite
def r50_of_i50(i50_cm: float) -> float:
    """R50 from I50, the half-value depth of ionisation: 1.029 I50 - 0.06 to 10 cm, 1.059 I50 - 0.37 above (TG-51).

    The slope above 10 cm is recalled. Some programs carry 1.59 there, which makes R50 jump from 10.2 to 15.5 cm at
    I50 = 10 cm and cannot be right; 1.059 joins within 0.01 cm. Raises OutsideValidity.
    """
    if not 0.5 <= i50_cm <= 25:
        raise OutsideValidity(f"I50 = {i50_cm} cm lies outside 0.5 to 25 cm; give it in cm, not mm.")
    return 1.029 * i50_cm - 0.06 if i50_cm <= 10 else 1.059 * i50_cm - 0.37


@finite
def d_ref_of_r50(r50_cm: float) -> float:
    """Reference depth of electron beams, 0.6 R50 - 0.1 cm (TG-51, TRS-398; Burns 1996). Raises OutsideValidity."""
    if not 0.5 <= r50_cm <= 26:
        raise OutsideValidity(f"R50 = {r50_cm} cm lies outside 0.5 to 26 cm; give it in cm, not mm.")
    return 0.6 * r50_cm - 0.1


@finite
def dose_at_maximum(dose: float, pdd_percent: float) -> float:
    """Dose at the depth of maximum, in the unit of the dose at the reference depth, by the depth dose there (percent).

    Raises OutsideValidity.
    """
    if not 10 < pdd_percent <= 100:
        raise OutsideValidity(f"A depth dose of {pdd_percent} lies outside 10 to 100; give it in percent.")
    return dose / (pdd_percent / 100)


@finite
def inverse_square(from_cm: float, to_cm: float) -> float:
    """(from/to)², a plain ratio: the change of dose with distance alone, without change of scatter.

    Raises OutsideValidity.
    """
    if from_cm <= 0 or to_cm <= 0:
        raise OutsideValidity("Distances from the source must be above 0 cm.")
    return (from_cm / to_cm) ** 2
