"""One irradiation that was interrupted and measured in parts, each with its own detector, factors and leakage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from acquire.dosimetry.budget import Budget
from acquire.dosimetry.correlation import Term, combine
from acquire.dosimetry.dose import Calculation, Dose, shown
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite

COMMON = "parts of one irradiation"
SOURCE = "dose is additive; what is not scatter is counted as common to the parts (the larger uncertainty)"


@finite
def dose_of_parts(parts: Sequence[Dose]) -> Dose:
    """The sum of the doses of the parts. Raises OutsideValidity for fewer than two.

    The same place, table and set-up stand behind components of the same name, whatever the detector: all but type A
    are added linearly, so that the uncertainty of the whole is never less than it is.
    """
    if len(parts) < 2:
        raise OutsideValidity("An irradiation in parts has two parts at least.")
    whole = combine([Term(each.value_gy, _common(each.budget)) for each in parts])
    work = Calculation("Irradiation in parts", {"doses": [each.inputs_hash for each in parts]})
    for each in parts:
        work.steps.extend(each.steps)
        work.warnings.extend(each.warnings)
    numbers = " + ".join(shown(each.value_gy) for each in parts)
    work.step("D", "Σ D_part", numbers, whole.value, "Gy", SOURCE)
    work.rows.extend(_own_again(whole.budget()).rows)
    return work.dose(whole.value)


def _common(budget: Budget) -> Budget:
    rows = (r if r.kind == "A" or r.shared_key is not None else replace(r, shared_key=COMMON) for r in budget.rows)
    return Budget(tuple(rows))


def _own_again(budget: Budget) -> Budget:
    return Budget(tuple(replace(r, shared_key=None) if r.shared_key == COMMON else r for r in budget.rows))
