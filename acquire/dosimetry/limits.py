"""Absolute limits of an order (dose to a device, skin under a junction): where a dose lies, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite


@dataclass(frozen=True, slots=True)
class LimitFinding:
    """A dose and its interval against a lower and an upper limit, all in Gy."""

    where: str  # "inside", "below" or "above"
    certain: bool  # the whole interval dose ± U lies there
    low_end_gy: float
    high_end_gy: float
    low_gy: float | None
    high_gy: float | None

    @property
    def sentence(self) -> str:
        """One sentence for the record, in cGy."""
        interval = f"{100 * self.low_end_gy:.4g} to {100 * self.high_end_gy:.4g} cGy"
        if self.certain:
            return f"{self.where}, even with U ({interval})"
        return f"{self.where}, but the interval {interval} crosses a limit"


@finite
def against_limits(dose_gy: float, expanded_gy: float, low_gy: float | None, high_gy: float | None) -> LimitFinding:
    """Hold a dose with its U against absolute limits; either may be None, not both. Raises OutsideValidity."""
    if low_gy is None and high_gy is None:
        raise OutsideValidity("There is no limit to hold the dose against.")
    if low_gy is not None and high_gy is not None and low_gy >= high_gy:
        raise OutsideValidity(f"The lower limit {low_gy} Gy must lie below the upper one {high_gy} Gy.")
    low_end, high_end = dose_gy - expanded_gy, dose_gy + expanded_gy
    places = {_place(x, low_gy, high_gy) for x in (low_end, dose_gy, high_end)}
    return LimitFinding(_place(dose_gy, low_gy, high_gy), len(places) == 1, low_end, high_end, low_gy, high_gy)


def _place(dose_gy: float, low_gy: float | None, high_gy: float | None) -> str:
    if low_gy is not None and dose_gy < low_gy:
        return "below"
    if high_gy is not None and dose_gy > high_gy:
        return "above"
    return "inside"
