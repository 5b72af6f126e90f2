"""From inputs to a dose, its comparison and its decision: pure, and the same inputs give the same bytes for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from acquire.dosimetry import (
    Budget,
    Decision,
    DecisionState,
    Dose,
    DosimetryError,
    believable,
    decide,
    dose_of_parts,
    report_only,
)
from acquire.procedure.documents.point import Point
from acquire.procedure.methods import releases
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.exchanged import must_not_look_exchanged
from acquire.procedure.methods.method import Sources
from acquire.procedure.methods.output import of_channel, output
from acquire.procedure.methods.registry import method_of
from acquire.procedure.records.inputs import Inputs, inputs_of
from acquire.procedure.records.needs import Needs
from acquire.procedure.records.output import Output
from acquire.procedure.records.record import Flat


def calculate(inputs: Inputs, release: str | None = None) -> Output:
    """The result as it is stored and printed, by the newest release of the formulas or the one that is named.

    Where anything forbids a number the decision is INVALID and says why. Raises LookupError, ValueError for a release
    or a method of it that is not here.
    """
    method = method_of(inputs.method, release)
    why = list(inputs.invalid)
    if not why:
        try:
            if method.report is not None:
                return method.report(*_whole(inputs), inputs.remarks)
            return releases.chosen(FINISHED, release).finish(inputs, dose_of(inputs, release))
        except (DosimetryError, Invalid) as reason:
            why.append(str(reason))
    return Output(
        decision=DecisionState.INVALID.value,
        why=tuple(why),
        remarks=inputs.remarks,
        quality=inputs.quality,
        **of_channel(inputs),
    )


def dose_of(inputs: Inputs, release: str | None = None) -> Dose:
    """The dose alone. Raises DosimetryError or Invalid."""
    if inputs.parts is not None:
        sides = tuple(_side(part, release) for part in inputs.parts)
        return _dose(inputs.method, release, _needs(inputs), sides)
    dose = _dose(inputs.method, release, *_whole(inputs))
    return dose if inputs.began is None else dose_of_parts([_begun(inputs.began, release), dose])


def planned_budget(sources: Sources, point: Point) -> Budget:
    """The budget that a point's dose will have: its formula with a nominal signal; no rows for one without dose.

    Raises Refused, DosimetryError or Invalid where something is missing or over, the formula cannot be used at all, or
    the nominal dose is too much for what it is measured with.
    """
    method = method_of(point.method)
    needs = method.needs(sources, point)
    return Budget(()) if method.dose is None else _nominal_dose(sources, point, needs).budget


def parsed_inputs(flat: Flat, release: str | None = None) -> Inputs:
    """Inputs as they were stored. Raises ValueError or LookupError for what are none of this release."""
    return inputs_of(flat, lambda name: method_of(name, release).records)


def _nominal_dose(sources: Sources, point: Point, needs: Needs) -> Dose:
    method = method_of(point.method)
    if method.nominal is None:  # the mean of others
        others = [sources.plan.point_named(each) for each in point.of]
        sides = tuple(_nominal_dose(sources, each, method_of(each.method).needs(sources, each)) for each in others)
        return _dose(method.name, None, needs, sides)
    changed, measured = method.nominal(sources, point, needs)
    dose = _dose(method.name, None, changed, measured)
    method.holds(changed, dose)
    return dose


def _dose(name: str, release: str | None, needs: Needs, measured: Any) -> Dose:
    method = method_of(name, release)
    if method.dose is None:
        raise Invalid(f"Method '{name}' gives no dose.")
    return method.dose(needs, measured)


def _begun(part: Inputs, release: str | None) -> Dose:
    """The dose of what was given before the beam was interrupted; nothing is expected of it alone."""
    said = f"What was given of this beam at {part.point} before it was interrupted has no dose"
    if part.invalid:
        raise Invalid(f"{said}: {' '.join(part.invalid)}")
    try:
        return dose_of(part, release)
    except (DosimetryError, Invalid) as reason:
        raise Invalid(f"{said}: {reason}") from reason


def _side(part: Inputs, release: str | None) -> Dose:
    """The dose of one side, which must be one that the side itself may show: it stands in the mean all the same."""
    said = f"Point {part.point}, of which this is the mean, has no dose"
    if part.invalid:
        raise Invalid(f"{said}: {' '.join(part.invalid)}")
    try:
        dose = dose_of(part, release)
        _decide(_needs(part), dose)
    except (DosimetryError, Invalid) as reason:
        raise Invalid(f"{said}: {reason}") from reason
    return dose


def _whole(inputs: Inputs) -> tuple[Needs, Any]:
    """What a formula is given, where nothing forbids a number."""
    if inputs.measured is None:
        raise Invalid(f"Nothing was measured at {inputs.point}.")
    return _needs(inputs), inputs.measured


def _needs(inputs: Inputs) -> Needs:
    if inputs.needs is None:
        raise Invalid(f"The documents do not give what the dose of {inputs.point} needs.")
    return inputs.needs


@dataclass(frozen=True, slots=True)
class Finished:
    """How a dose becomes a result, from a release on."""

    since: str
    finish: Callable[[Inputs, Dose], Output]


def _compared(inputs: Inputs, dose: Dose) -> Output:
    return output(inputs, dose, _decide(_needs(inputs), dose))


def _held(inputs: Inputs, dose: Dose) -> Output:
    made = _compared(inputs, dose)
    must_not_look_exchanged(inputs, dose, dose_of)
    return made


FINISHED = (Finished(releases.BEAMS_SEEN, _held), Finished(releases.FIRST, _compared))  # the newest first


def _decide(needs: Needs, dose: Dose) -> Decision:
    expected, limits, plausible = needs.expected, needs.limits, needs.plausible
    if expected is None or limits is None:
        if plausible is None:
            raise Invalid("A point without expected dose needs the lowest and highest believable dose.")
        return report_only(dose.value_gy, (plausible.low_gy, plausible.high_gy))
    if plausible is not None:
        believable(dose.value_gy, plausible.low_gy, plausible.high_gy)
    return decide(
        dose_gy=dose.value_gy,
        u_measured_percent=dose.budget.u_percent,
        dof_measured=dose.budget.dof,
        expected_gy=expected.dose_gy,
        u_expected_percent=expected.u_percent,
        tolerance_percent=limits.tolerance_percent,
        action_percent=limits.action_percent,
        rule=limits.rule,
        u_form=limits.u_form,
    )
