"""Calibrating one detector against another: field chambers, diodes, luminescent batches; and when one is not issued.

Forms of TRS-398 and ESTRO booklet 5; when a coefficient is not issued is the site's rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from acquire.dosimetry.budget import Budget, Contribution
from acquire.dosimetry.dose import Dose, shown
from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.factor import Factor
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.readings import Mean, mean_of


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A calibration coefficient with its unit and budget, and the step it came from."""

    value: float
    unit: str
    budget: Budget
    numbers: str
    source: str

    def __post_init__(self) -> None:
        finite_fields(self)

    def factor(self, digits: int, shared_key: str | None = None) -> Factor:
        """The coefficient as issued, rounded to so many significant digits, ready for use in a formula."""
        value = float(f"{self.value:.{digits}g}")
        return Factor(value, self.unit, self.budget.u_percent, self.source, self.budget.dof, shared_key)


@finite
def cross_calibration(n_dw_reference: Factor, k_q: Factor, reference: Mean, field: Mean) -> Coefficient:
    """N_field = N_ref k_Q,ref M_ref/M_field in the same beam; both readings corrected for influence quantities.

    In Co-60 k_Q is 1, and then a factor that says so is given. TRS-398 Rev.1, cross-calibration.
    Raises OutsideValidity.
    """
    if reference.value == 0 or field.value == 0:
        raise OutsideValidity("A cross-calibration needs readings of both chambers.")
    value = n_dw_reference.value * k_q.value * abs(reference.value) / abs(field.value)
    rows = [
        Contribution("n_dw of the reference chamber", n_dw_reference.u_percent, n_dw_reference.source,
                     dof=n_dw_reference.dof, shared_key=n_dw_reference.shared_key),
        Contribution("k_q", k_q.u_percent, k_q.source, dof=k_q.dof, shared_key=k_q.shared_key),
        *(mean.row(name, "repeated readings") for name, mean in
          (("reference reading", reference), ("field reading", field)) if mean.sem_percent is not None),
    ]  # fmt: skip
    numbers = " × ".join(shown(x) for x in (n_dw_reference.value, k_q.value, abs(reference.value)))
    source = "cross-calibration, TRS-398 Rev.1"
    return Coefficient(
        value, n_dw_reference.unit, Budget(tuple(rows)), f"{numbers} / {shown(abs(field.value))}", source
    )


@finite
def detector_calibration(
    reference_gy: float, reference: Budget, readings_nc: Sequence[float], components: Sequence[Contribution] = ()
) -> Coefficient:
    """N_cal = D / mean(M) in cGy/nC, for one detector in one beam energy (ESTRO booklet 5).

    reference_gy: dose at the depth of maximum, 10 x 10, SSD 100 cm, for the same monitor units, with its budget.
    Raises OutsideValidity.
    """
    if reference_gy <= 0:
        raise OutsideValidity("The reference dose of a detector calibration must be above 0 Gy.")
    mean = mean_of(readings_nc)
    if mean.value == 0:
        raise OutsideValidity("The detector read zero during its calibration.")
    scatter = [mean.row("reading", "repeated readings")] if mean.sem_percent is not None else []
    budget = reference.with_rows(*components, *scatter)
    value = 100 * reference_gy / abs(mean.value)
    return Coefficient(
        value, "cGy/nC", budget, f"100 × {shown(reference_gy)} / {shown(abs(mean.value))}", "detector calibration"
    )


@finite
def dose_at_maximum_of(dose: Dose, pdd_percent: float, u_pdd_percent: float, source: str) -> tuple[float, Budget]:
    """(dose at the depth of maximum in Gy, its budget) from a dose at the reference depth and the depth dose there.

    Raises OutsideValidity.
    """
    if not 10 < pdd_percent <= 100:
        raise OutsideValidity(f"A depth dose of {pdd_percent} lies outside 10 to 100; give it in percent.")
    row = Contribution("depth dose", u_pdd_percent, source)
    return dose.value_gy / (pdd_percent / 100), dose.budget.with_rows(row)


@finite
def change_percent(new: float, last: float) -> float:
    """Change of a coefficient against its last good value, in percent."""
    return 100 * (new / last - 1)


@finite
def may_be_issued(
    new: float, last: float, limit_percent: float, accumulated_gy: float, accumulated_limit_gy: float, detector: str
) -> float:
    """The change in percent, when the coefficient may be issued.

    Raises Blocked when it drifted or its dose limit is passed: not issued, out of service, and the results measured
    since the last good calibration are reviewed.
    """
    change = change_percent(new, last)
    why = []
    if abs(change) > limit_percent:
        why.append(f"it changed by {change:+.2f} %, the site's limit is {limit_percent:g} %")
    if accumulated_gy > accumulated_limit_gy:
        why.append(f"it has received {accumulated_gy:g} Gy, the limit is {accumulated_limit_gy:g} Gy")
    if why:
        raise Blocked(
            f"The coefficient of {detector} is not issued: {' and '.join(why)}. Take it out of service and review the"
            " results measured with it since its last good calibration."
        )
    return change
