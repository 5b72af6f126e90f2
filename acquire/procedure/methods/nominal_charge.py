"""Before the measurement: a nominal charge, and whether the expected one fits into the electrometer's range."""

from __future__ import annotations

from acquire.dosimetry import Dose, range_holds
from acquire.procedure.records.needs import DetectorNeeds

NOMINAL_NC = 10.0


def range_of_the_electrometer(needs: DetectorNeeds, dose: Dose) -> None:
    """dose: that of the nominal charge. Raises DosimetryError where the expected charge would overload the range."""
    if needs.full_scale_nc is not None:
        range_holds(NOMINAL_NC * needs.highest_gy / dose.value_gy, needs.full_scale_nc)
