"""Volume averaging in flattening-filter-free beams: k_vol (TRS-398 Rev.1), P_rp (TG-51 addendum)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite


@finite
def k_vol(tpr20_10: float, cavity_length_cm: float, sdd_cm: float) -> float:
    """1 + (0.0062 TPR20,10 - 0.0036)(100/SDD)² L², TRS-398 Rev.1 eq. 22; L and SDD in cm, for FFF beams only.

    L comes from the chamber's data sheet. Raises OutsideValidity.
    """
    if not 0.56 <= tpr20_10 <= 0.82:
        raise OutsideValidity(f"TPR20,10 = {tpr20_10} lies outside 0.56 to 0.82.")
    if not 0.05 <= cavity_length_cm <= 5:
        raise OutsideValidity(
            f"A cavity length of {cavity_length_cm} cm lies outside 0.05 to 5 cm; give it in cm, not mm."
        )
    if not 50 <= sdd_cm <= 300:
        raise OutsideValidity(f"A distance of {sdd_cm} cm lies outside 50 to 300 cm; give it in cm, not mm.")
    return 1 + (0.0062 * tpr20_10 - 0.0036) * (100 / sdd_cm) ** 2 * cavity_length_cm**2


@finite
def p_rp_of_profile(positions_mm: Sequence[float], relative: Sequence[float], cavity_length_mm: float) -> float:
    """1 / mean of a measured profile over the cavity (TG-51 addendum); profile 1 on the axis, linear between points.

    Raises OutsideValidity when the profile does not cover the cavity or is not 1 within 1 % on the axis.
    """
    points = sorted(zip(positions_mm, relative, strict=True))
    half = cavity_length_mm / 2
    if len(points) < 3 or points[0][0] > -half or points[-1][0] < half:
        raise OutsideValidity(
            f"The profile must cover the cavity from {-half:g} to {half:g} mm with at least 3 points."
        )
    axis = _at(points, 0.0)
    if abs(axis - 1) > 0.01:
        raise OutsideValidity(f"The profile is {axis:.4f} on the axis; give it relative to the axis.")
    inside = [p for p in points if -half < p[0] < half]
    knots = [(-half, _at(points, -half)), *inside, (half, _at(points, half))]
    area = fsum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(knots))
    return cavity_length_mm / area


@finite
def p_rp_of_parabola(curvature_per_mm2: float, cavity_length_mm: float) -> float:
    """1/(1 - c L²/12): the same for a profile 1 - c y², with c in mm⁻² and L in mm. Raises OutsideValidity."""
    if not 0 <= curvature_per_mm2 * cavity_length_mm**2 < 1.2:
        raise OutsideValidity(
            "The profile falls by more than a tenth over the cavity: volume averaging is no correction."
        )
    return 1 / (1 - curvature_per_mm2 * cavity_length_mm**2 / 12)


def _at(points: Sequence[tuple[float, float]], x: float) -> float:
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= x <= x1:
            return y0 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    raise OutsideValidity(f"The profile has no point at {x:g} mm.")
