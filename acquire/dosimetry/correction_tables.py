"""Correction factors of a detector measured against a chamber: tables over one quantity, interpolated inside.

Forms of ESTRO booklet 5 and AAPM Report 87; the tables are the site's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.factor import Factor
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.interpolation import linear
from acquire.sums import added


@dataclass(frozen=True, slots=True)
class CorrectionTable:
    """CF over SSD (cm), field size (cm), wedge or beam angle (deg), dose per pulse, ... for one detector and beam.

    at rises; cf is 1 at the reference condition. u_percent holds for the whole table (k = 1).
    """

    quantity: str
    unit: str
    at: tuple[float, ...]
    cf: tuple[float, ...]
    u_percent: float
    source: str
    beam: str | None = None

    def __post_init__(self) -> None:
        finite_fields(self)

    def factor(self, value: float) -> Factor:
        """The factor at a value in the table's unit, linear between nodes. Raises OutsideValidity: no extrapolation."""
        cf = linear(self.at, self.cf, value, f"{self.quantity} ({self.unit})")
        return Factor(cf, "1", self.u_percent, f"{self.source}, {self.quantity} {value:g} {self.unit}", beam=self.beam)


@finite
def cf_of_ratio(dose: float, dose_reference: float, reading: float, reading_reference: float) -> float:
    """CF = (D/D_ref)/(M/M_ref): chamber ratio over detector ratio (ESTRO booklet 5, AAPM Report 87).

    Raises OutsideValidity.
    """
    if min(dose, dose_reference) <= 0 or reading * reading_reference <= 0:
        raise OutsideValidity("A correction factor needs doses above 0 and readings of one sign at both conditions.")
    return (dose / dose_reference) / (reading / reading_reference)


@finite
def equivalent_square_cm(width_cm: float, length_cm: float) -> float:
    """2 a b/(a + b): side of the square field with the same area to perimeter ratio (Sterling).

    Raises OutsideValidity.
    """
    if width_cm <= 0 or length_cm <= 0:
        raise OutsideValidity("Field sizes must be above 0 cm.")
    return 2 * width_cm * length_cm / (width_cm + length_cm)


@finite
def temperature_coefficient(temperatures_c: Sequence[float], readings: Sequence[float], t_cal_c: float) -> float:
    """SVWT in %/°C: least-squares slope of readings at equal dose, relative to the fitted reading at T_cal.

    Form of ESTRO booklet 5. Raises OutsideValidity.
    """
    n = len(temperatures_c)
    if n < 3 or len(readings) != n or max(temperatures_c) - min(temperatures_c) < 5:
        raise OutsideValidity("A temperature coefficient needs at least three readings over at least 5 °C.")
    mean_t, mean_m = added(temperatures_c) / n, added(readings) / n
    slope = added((t - mean_t) * (m - mean_m) for t, m in zip(temperatures_c, readings, strict=True)) / added(
        (t - mean_t) ** 2 for t in temperatures_c
    )
    return 100 * slope / (mean_m + slope * (t_cal_c - mean_t))
