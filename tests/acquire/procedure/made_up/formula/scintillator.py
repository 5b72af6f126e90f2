"""A made-up dose formula, as a file of acquire.dosimetry: a plastic scintillator, D = |M| · N_sc · k_stem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.dose import Calculation, Dose, shown
from acquire.dosimetry.factor import Factor, needed, no_others

NAME, SOURCE = "Scintillator dose", "made up"


def scintillator_dose(charge_nc: float, factors: Mapping[str, Factor], components: Sequence[Contribution] = ()) -> Dose:
    """factors: n_sc in cGy/nC, k_stem in "1". Raises MissingFactor, OutsideValidity."""
    n_sc, k_stem = needed(factors, "n_sc", "cGy/nC", NAME), needed(factors, "k_stem", "1", NAME)
    no_others(factors, ("n_sc", "k_stem"), NAME)
    work = Calculation(NAME, {"charge_nc": charge_nc, "factors": dict(factors), "components": list(components)})
    dose_cgy = abs(charge_nc) * n_sc.value * k_stem.value
    numbers = " × ".join(shown(x) for x in (abs(charge_nc), n_sc.value, k_stem.value))
    work.step("D", "|M| · N_sc · k_stem", numbers, dose_cgy, "cGy", SOURCE)
    work.row("n_sc", n_sc)
    work.row("k_stem", k_stem)
    work.rows.extend(components)
    return work.dose(dose_cgy / 100)
