"""Polarity of an ionisation chamber.

Form and limits are those of TRS-398 Rev.1 and TG-51 as public implementations have them.
"""

from __future__ import annotations

from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.finite import finite

WARN_BEYOND = 0.004
BLOCK_BEYOND = 0.02


@finite
def k_pol(reference_nc: float, opposite_nc: float) -> float:
    """Polarity correction (|M+| + |M-|) / (2 |M|), TRS-398 Rev.1 and TG-51; the signs of the readings do not matter.

    Raises Blocked beyond 1 ± 0.02, OutsideValidity for a reading of zero. Beyond 1 ± 0.004 see `polarity_warning`.
    """
    if reference_nc == 0:
        raise OutsideValidity("The reading at the reference polarity is zero.")
    value = (abs(reference_nc) + abs(opposite_nc)) / (2 * abs(reference_nc))
    if abs(value - 1) > BLOCK_BEYOND:
        raise Blocked(f"k_pol is {value:.4f}, more than 2 % from 1: check polarity, cable and waiting time.")
    return value


@finite
def polarity_warning(value: float) -> str | None:
    """A sentence when k_pol lies beyond 1 ± 0.004, which a chamber in good order does not show in a photon beam."""
    if abs(value - 1) <= WARN_BEYOND:
        return None
    return f"k_pol = {value:.4f} lies outside 1 ± 0.004: was the wait after the voltage change long enough?"


@finite
def waited(seconds: float, needed_s: float) -> None:
    """Raises Blocked for a reading too soon after a change of voltage or polarity (s); `needed_s` is the site's."""
    if seconds < needed_s:
        raise Blocked(
            f"The reading was taken {seconds:.0f} s after the voltage change; it counts only after {needed_s:.0f} s."
        )


@finite
def opposite_signs(reference_nc: float, opposite_nc: float) -> None:
    """Raises Blocked for two readings that should be of opposite polarity and have the same sign."""
    if (reference_nc > 0) == (opposite_nc > 0):
        raise Blocked("The readings at the two polarities have the same sign: the voltage was not reversed.")


@finite
def relative_to_calibration(value: float, at_calibration: float) -> float:
    """k/k_Q0: where the laboratory did not apply the correction, the user's is divided by the one at calibration.

    Raises OutsideValidity.
    """
    if not 0.9 <= at_calibration <= 1.1:
        raise OutsideValidity(f"A correction of {at_calibration} at calibration lies outside 0.9 to 1.1.")
    return value / at_calibration
