"""A result as it is stored and printed: dose, comparison, steps, budget, course, and what the rules left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypedDict

from acquire.dosimetry import (
    CourseLine,
    Decision,
    Dose,
    against_limits,
    course_dose,
    imaging_line,
    pair_difference_percent,
    therapy_line,
)
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.rows import OF_CHARGES, factor_of
from acquire.procedure.records.inputs import Inputs, RunTold
from acquire.procedure.records.measured import Charges, Elements
from acquire.procedure.records.needs import Needs
from acquire.procedure.records.output import (
    BudgetRow,
    CourseFound,
    CourseLineFound,
    DoseFound,
    Output,
    StepRecord,
    WindowFound,
)
from acquire.procedure.records.record import of_document


class OfChannel(TypedDict):
    """Where a result was measured."""

    channel: str | None
    detector: str | None
    reader_run: RunTold | None
    transcribed: str | None


def output(inputs: Inputs, dose: Dose, decision: Decision) -> Output:
    """Everything a reader needs to follow the result with a pocket calculator. Raises DosimetryError, Invalid."""
    if inputs.needs is None:
        raise Invalid(f"The documents do not give what the dose of {inputs.point} needs.")
    return Output(
        decision=decision.state.value,
        remarks=(*inputs.remarks, *_left_out(inputs)),
        quality=inputs.quality,
        dose=_found(inputs, inputs.needs, dose, decision),
        **of_channel(inputs),
    )


def _found(inputs: Inputs, needs: Needs, dose: Dose, decision: Decision) -> DoseFound:
    expected, limits = needs.expected, needs.limits
    return DoseFound(
        rule=decision.rule,
        u_form=limits.u_form if limits else None,
        dose_gy=dose.value_gy,
        u_gy=dose.u_gy,
        u_percent=dose.budget.u_percent,
        dof=_finite(dose.budget.dof),
        k=dose.budget.k,
        expanded_gy=dose.expanded_gy,
        expected_gy=expected.dose_gy if expected else None,
        expected_u_percent=expected.u_percent if expected else None,
        deviation_percent=decision.deviation_percent,
        deviation_expanded_percent=decision.expanded_percent,
        p_conform=decision.p_conform,
        tolerance_percent=decision.tolerance_percent,
        action_percent=decision.action_percent,
        asks=decision.asks,
        window=_window(needs, dose),
        formula=dose.formula,
        formula_version=dose.formula_version,
        formula_inputs_sha256=dose.inputs_hash,
        steps=tuple(of_document(step, StepRecord) for step in dose.steps),
        budget=_budget(dose),
        pair_percent=_pair(inputs, dose),
        course=_course(needs, dose),
        imaging=inputs.measured.imaging if isinstance(inputs.measured, Elements) else None,
        warnings=(*dose.warnings, *doubts_of(inputs)),
    )


def _budget(dose: Dose) -> tuple[BudgetRow, ...]:
    return tuple(
        BudgetRow(
            name=row.name, u_percent=row.part_percent, kind=row.kind, dof=_finite(row.dof), shared=row.shared_key,
            source=row.source,
        )
        for row in dose.budget.rows
    )  # fmt: skip


def _finite(dof: float) -> float | None:
    return None if math.isinf(dof) else dof


def doubts_of(inputs: Inputs) -> list[str]:
    """What is doubted of the curves of a point, and of those that it is the mean of."""
    return [*(inputs.doubts or ()), *(each for part in inputs.parts or () for each in doubts_of(part))]


def of_channel(inputs: Inputs) -> OfChannel:
    """The channel that was measured, where there are several; the detector, where two people have bound another one.

    Of elements, the reader run that they and their standards were read in; of what was entered from a form, its
    sentence, also where a mean is made of it.
    """
    said = [inputs.transcribed, *(of_channel(part)["transcribed"] for part in inputs.parts or ())]
    return {
        "channel": inputs.channel,
        "detector": inputs.bound_detector,
        "reader_run": inputs.reader_run,
        "transcribed": " ".join(each for each in said if each) or None,
    }


def not_stated(outputs: Mapping[str, Output]) -> list[str]:
    """What results by point lack that only people can say, one sentence each."""
    doses = {point: output.dose for point, output in outputs.items() if output.dose is not None}
    lay = [point for point, dose in doses.items() if dose.imaging == "not stated"]
    summed = [point for point, dose in doses.items() if dose.course and not dose.course.imaging_stated]
    said = []
    if lay:
        said.append(f"Whether imaging was given while the elements lay at {', '.join(lay)} is not stated.")
    if summed:
        said.append(
            f"The imaging dose of the course is not stated at {', '.join(summed)}: the sum is of therapy alone."
        )
    return said


def _left_out(inputs: Inputs) -> list[str]:
    """Which attempts counted, by which rule, and why the others did not."""
    if not isinstance(inputs.measured, Charges):
        return []
    said = []
    for charge in (getattr(inputs.measured, name) for name in OF_CHARGES):
        if charge is None:
            continue
        if charge.rule is not None:
            said.append(f"{', '.join(charge.used or ())} counted by the rule {charge.rule}.")
        said += [f"{step} did not count: {why.rstrip('.')}." for step, why in charge.left_out or ()]
    return said


def _pair(inputs: Inputs, dose: Dose) -> float | None:
    """Largest difference between the elements of a point, in percent."""
    if not isinstance(inputs.measured, Elements):
        return None
    values = [s.value for s in dose.steps if s.what.startswith(("D(", "M_corr("))]
    return pair_difference_percent(min(values), max(values)) if len(values) > 1 else None


def _window(needs: Needs, dose: Dose) -> WindowFound | None:
    """The dose with its U against absolute limits of the order."""
    window = needs.window
    if window is None:
        return None
    found = against_limits(dose.value_gy, dose.expanded_gy, window.low_gy, window.high_gy)
    return WindowFound(
        where=found.where,
        certain=found.certain,
        low_gy=found.low_gy,
        high_gy=found.high_gy,
        says=found.sentence,
        source=window.source,
    )


def _course(needs: Needs, dose: Dose) -> CourseFound | None:
    """The dose over the whole course; imaging is a line of its own, and both stand against the order's limit."""
    course = needs.course
    if course is None:
        return None
    lines = [therapy_line(dose, course.fractions)]
    if course.imaging is not None:
        lines.append(imaging_line(factor_of(course.imaging.per_image), course.imaging.images))
    total, limit = course_dose(lines), course.limit_gy
    upper = total.value + total.expanded
    return CourseFound(
        fractions=course.fractions,
        dose_gy=total.value,
        expanded_gy=total.expanded,
        upper_gy=upper,
        limit_gy=limit,
        below_limit=None if limit is None else upper < limit,
        imaging_stated=course.imaging is not None,
        lines=tuple(_line(each) for each in lines),
    )


def _line(line: CourseLine) -> CourseLineFound:
    gy = line.gy_each * line.times
    return CourseLineFound(name=line.name, gy_each=line.gy_each, times=line.times, dose_gy=gy)
