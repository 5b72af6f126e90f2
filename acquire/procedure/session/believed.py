"""What planning believes of a plan's numbers: coefficients in the site's ranges, a k_Q that fits, a fraction's dose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from acquire.dosimetry import SITES_OWN, DosimetryError, fraction_dose
from acquire.dosimetry.believed import DEPLETION, SLOPE_PER_GY
from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibration, Calibrations
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.registry import method_of
from acquire.sums import added

_TOTAL = re.compile(r"([0-9.]+)\s*(c?Gy)\s*(?:in|/)\s*([0-9]+)\b")
_EACH = re.compile(r"\b([0-9]+)\s*[x×·*]\s*([0-9.]+)\s*(c?Gy)\b")
PAIR_LARGEST = 200.0  # percent of the mean, where one of the two reads nothing
TOLERANCE_LARGEST = 50.0  # percent; published action levels go to 20


def not_believed(plan: Plan, inventory: Inventory, calibrations: Calibrations, on: date) -> list[str]:
    """One sentence for each number of the plan and its calibrations that cannot be, or that no range was given for."""
    said = [
        f"{point.id}: {each}" for point in plan.point for each in _of_point(plan, point, inventory, calibrations, on)
    ]
    return [*said, *_of_batches(plan, calibrations), *_of_course(plan)]


def fraction_gy(plan: Plan) -> float | None:
    """The prescribed dose of one fraction in Gy, as the plan or its prescription says it; None where neither does."""
    if plan.fraction_gy is not None:
        return plan.fraction_gy
    if found := _EACH.search(plan.prescription):
        return float(found[2]) / (100 if found[3] == "cGy" else 1)
    if found := _TOTAL.search(plan.prescription):
        return float(found[1]) / (100 if found[2] == "cGy" else 1) / max(1, int(found[3]))
    return None


def fractions(plan: Plan) -> int | None:
    """How many fractions the prescription speaks of, all its series together; None where it says none."""
    totals = list(_TOTAL.finditer(plan.prescription))
    own = [e for e in _EACH.finditer(plan.prescription) if not any(t.start() <= e.start() < t.end() for t in totals)]
    return added([*(int(each[3]) for each in totals), *(int(each[1]) for each in own)]) or None


def _of_course(plan: Plan) -> Iterator[str]:
    prescribed = fractions(plan)
    if prescribed is None or plan.purpose != "patient":
        return
    said = [(f"{p.id}: the course", p.course.fractions) for p in plan.point if p.course is not None]
    for what, number in [*said, ("The plan's fraction", plan.fraction)]:
        if number > prescribed:
            yield f"{what} is {number}, and the prescription '{plan.prescription}' has {prescribed} fractions."


def _limits(point: Point) -> Iterator[str]:
    """Limits that nothing could ever be outside of."""
    if point.pair_limit_percent is not None and point.pair_limit_percent >= PAIR_LARGEST:
        yield (
            f"a pair limit of {point.pair_limit_percent:g} % is none: two elements of which one reads nothing differ by"
            f" {PAIR_LARGEST:g} % of their mean."
        )
    if point.limits is not None and point.limits.tolerance_percent > TOLERANCE_LARGEST:
        yield (
            f"a tolerance of {point.limits.tolerance_percent:g} % accepts whatever is measured; at most"
            f" {TOLERANCE_LARGEST:g} % is taken (20 % is used as a check for gross errors)."
        )


def _of_point(plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date) -> Iterator[str]:
    yield from _expected(plan, point)
    yield from _limits(point)
    if point.linearity is not None and not SLOPE_PER_GY.low <= point.linearity.slope_per_gy <= SLOPE_PER_GY.high:
        slope = point.linearity.slope_per_gy
        yield f"a linearity of {slope:g} per Gy lies outside ±{SLOPE_PER_GY.high:g} ({SLOPE_PER_GY.source})."
    try:
        owner = point.detector or (inventory.element_named(point.elements[0]).reader if point.elements else None)
        batch = plan.batch_of(owner) if owner else None
        if owner is None or point.asks.way == "file" or (batch is not None and batch.standards):
            return
        of_beam = None if point.by_element else point.beam
        calibration = calibrations.valid_for(owner, on, of_beam, point.surface)
    except Refused:
        return  # the point says so by itself
    yield from _without_range(calibration)
    try:
        method_of(point.method).believed(point, inventory, calibration)
    except (DosimetryError, Refused) as reason:
        yield str(reason)


def _expected(plan: Plan, point: Point) -> Iterator[str]:
    if point.expected is None:
        return
    fraction = fraction_gy(plan)
    if fraction is not None:
        try:
            fraction_dose(point.expected.dose_gy, fraction)
        except DosimetryError as reason:
            yield str(reason)
    elif point.plausible is None and plan.purpose == "patient":
        yield (
            f"the prescription '{plan.prescription}' does not say the dose of a fraction (as \"78 Gy in 39\"): state"
            " fraction_gy in the plan, or plausible at the point, so that an expected dose in another unit is noticed."
        )
    within = point.plausible
    if within is not None and not within.low_gy <= point.expected.dose_gy <= within.high_gy:
        yield (
            f"the expected {point.expected.dose_gy:g} Gy lies outside the plausible {within.low_gy:g} to"
            f" {within.high_gy:g} Gy."
        )


def _without_range(calibration: Calibration) -> Iterator[str]:
    for name, entry in calibration.factors.items():
        if name in SITES_OWN and entry.range is None:
            yield (
                f"calibration {calibration.id} of {calibration.of} gives no range for {name}: nothing is published, so"
                f" write what you believe, as range = [low, high] in {entry.unit}."
            )


def _of_batches(plan: Plan, calibrations: Calibrations) -> Iterator[str]:
    """Ranges of what a reader session gives, and of the elements' corrections."""
    for batch in plan.batch:
        if batch.standards and batch.coefficient_range is None:
            yield (
                f"The batch of {batch.reader} gives no coefficient_range: the coefficients of its standards that you"
                " believe, as [low, high]."
            )
        loss = batch.depletion_per_reading
        if loss is not None and loss > DEPLETION.high:
            yield (
                f"A depletion of {loss:g} per reading on {batch.reader} is above {DEPLETION.high:g}"
                f" ({DEPLETION.source}); give it as a fraction."
            )
        for each in calibrations.elements:
            if each.reader == batch.reader and each.range is None:
                yield f"Element corrections {each.id} give no range: write which you believe, as range = [low, high]."
