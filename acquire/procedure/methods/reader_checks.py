"""What a reader session must show before its elements count: the check element, and a signal above its blanks."""

from __future__ import annotations

import math

from acquire.dosimetry import Blocked, CalculationStep, Dose, Factor, check_element, detection_limit_cgy
from acquire.dosimetry.dose import shown
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.records.measured import Elements
from acquire.procedure.records.needs import ReaderNeeds


def check_steps(needs: ReaderNeeds, measured: Elements) -> list[CalculationStep]:
    """The check element of the session held against its known signal. Raises Invalid, Blocked beyond its limit."""
    wanted = needs.check
    if wanted is None:
        return []
    if not measured.checks:
        raise Invalid(f"Check element {wanted.element} was not read.")
    known, read = wanted.signal, measured.checks[0]
    if read.unit != known.unit:
        raise Invalid(f"Check element {read.element} was read in {read.unit}, its signal is in {known.unit}.")
    signal = read.value  # the first reading: what depletion takes away begins with the second
    deviation = check_element(signal, known.value, wanted.limit_percent, f"Check element {read.element}")
    formula, numbers = "100 · (M/M_0 − 1)", f"100 × ({shown(signal)} / {shown(known.value)} − 1)"
    return [CalculationStep(f"check({read.element})", formula, numbers, deviation, "%", known.source)]


def above_detection(needs: ReaderNeeds, dose: Dose, coefficient: Factor) -> CalculationStep | None:
    """The detection limit, which the dose before corrections must exceed.

    What the blanks' scatter adds to the uncertainty is in the dose's budget already. None where the batch states no
    blanks. Raises Blocked, Invalid.
    """
    blanks = needs.blanks
    if blanks is None:
        return None
    per_cgy, formula = _signal_per_cgy(coefficient)
    unit = _signal_unit(coefficient)
    if blanks.unit != unit:
        raise Invalid(f"The blanks are in {blanks.unit}, the signal of the elements is in {unit}.")
    limit = detection_limit_cgy(blanks.sd, per_cgy)
    corrections = math.prod(factor.value for name, factor in dose.factors if name.startswith("k_"))
    apparent = 100 * dose.value_gy / corrections
    if apparent < limit:
        raise Blocked(
            f"The elements show less than the detection limit of {limit:.3g} cGy (three standard deviations of"
            f" {blanks.n} blanks): less than that was received, and no number is shown."
        )
    numbers = f"3 × {shown(blanks.sd)} / {shown(per_cgy)}"
    return CalculationStep("D_L", formula, numbers, limit, "cGy", blanks.source)


def _signal_unit(coefficient: Factor) -> str:
    return {"nC/cGy": "nC", "{counts}/cGy": "{counts}", "cGy/{counts}": "{counts}", "{counts}/mRAD": "mRAD"}[
        coefficient.unit
    ]


def _signal_per_cgy(coefficient: Factor) -> tuple[float, str]:
    """Signal per cGy, and the formula of the limit in the chain's own words."""
    match coefficient.unit:
        case "cGy/{counts}":
            return 1 / coefficient.value, "3 · s(blanks) / (1/N_D,w)"
        case "{counts}/mRAD":
            return 1000.0, "3 · s(blanks) / (1000 mRAD/cGy)"
    return coefficient.value, "3 · s(blanks) / RCF"
