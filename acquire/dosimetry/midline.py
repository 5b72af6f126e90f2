"""Midline dose from the entrance and exit side, or from two opposed surfaces.

The mean after ESTRO booklet 5; the transmission method with the site's own table.
"""

from __future__ import annotations

from collections.abc import Sequence

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.correlation import Term, combine
from acquire.dosimetry.dose import Calculation, Dose, shown
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.factor import Factor
from acquire.dosimetry.finite import finite
from acquire.dosimetry.interpolation import linear

MEAN_SOURCE = "arithmetic mean of two surfaces (ESTRO booklet 5)"


@finite
def midline_mean(first: Dose, second: Dose, depth_factor: Factor, components: Sequence[Contribution] = ()) -> Dose:
    """(D_1 + D_2)/2 · F, F the site's phantom factor for the thickness (1, with its reason, where none is used).

    What the two doses share (name and shared_key of a budget row) is counted as common. Raises OutsideValidity.
    """
    if depth_factor.unit != "1" or depth_factor.value <= 0:
        raise OutsideValidity("The midline factor must be a number above 0 without unit.")
    mean = combine([Term(first.value_gy, first.budget, 0.5), Term(second.value_gy, second.budget, 0.5)])
    name = "Midline dose, arithmetic mean"
    inputs = {"doses": [first.inputs_hash, second.inputs_hash], "factor": depth_factor, "components": list(components)}
    work = Calculation(name, inputs)
    work.steps.extend((*first.steps, *second.steps))
    dose = mean.value * depth_factor.value
    numbers = f"({shown(first.value_gy)} + {shown(second.value_gy)}) / 2 × {shown(depth_factor.value)}"
    work.step("D_mid", "(D_1 + D_2)/2 · F", numbers, dose, "Gy", MEAN_SOURCE)
    work.rows.extend(mean.budget().rows)
    work.row("midline factor", depth_factor)
    work.rows.extend(components)
    work.warnings.extend((*first.warnings, *second.warnings))
    return work.dose(dose)


@finite
def midline_transmission(entrance_gy: float, exit_gy: float, ratios: Sequence[tuple[float, float]]) -> float:
    """Midline dose in Gy by transmission: the site's table of (exit/entrance, midline/entrance), linear between nodes.

    Raises OutsideValidity when the measured transmission lies outside the table.
    """
    if entrance_gy <= 0 or exit_gy <= 0:
        raise OutsideValidity("Entrance and exit dose must be above 0 Gy.")
    table = sorted(ratios)
    return entrance_gy * linear([t for t, _ in table], [m for _, m in table], exit_gy / entrance_gy, "transmission")
