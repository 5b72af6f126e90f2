"""What a plan may leave as it is, and whoever wrote it should know: told when it is checked or taken in, no refusal."""

from __future__ import annotations

from collections.abc import Iterator

from acquire.errors import Refused
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.session.exposure import beam_steps
from acquire.procedure.session.foreseen import background_before, charges_of, on_input
from acquire.sums import added
from drivers import Misuse, registry

_WIDE_PAIR = 30.0  # percent; five standard deviations
_CGY_OF_A_MU = (0.05, 3.0)  # open fields, wedges and modulated ones lie inside; a dose ten times off mostly does not


def advice(plan: Plan, inventory: Inventory) -> list[str]:
    """One sentence for each thing that no rule forbids and that would be found out during or after the beam."""
    said: list[str] = []
    for point in plan.point:
        if point.asks.way == "charge":
            said += [*_zero(plan, point, inventory), *_lengths(plan, point), *_range(point, inventory)]
            said += _voltages(plan, point, inventory)
            said += _one_repeat(plan, point)
            said += _dose_of_a_mu(plan, point)
        said += _wide_pair(point)
        if point.by_element and not beam_steps(plan, point):
            said.append(
                f"{point.id}: no step measures its beam; a person says when it was given, before its elements come off"
                " (acquire session beam-given)."
            )
    return list(dict.fromkeys(said))


def _zero(plan: Plan, point: Point, inventory: Inventory) -> Iterator[str]:
    """A zero belongs to a detector on its input, or to the whole instrument; one stands before its background."""
    first = next((s for s in charges_of(plan, point) if s.kind == "irradiate"), None)
    background = background_before(plan, point, first.id, inventory) if first is not None else None
    if background is None or not _can_zero(inventory, point.instrument or ""):
        return
    before = plan.step[: plan.step.index(background)]
    zeros = [s for s in before if s.kind == "zero" and point.instrument in plan.inputs(s)]
    own = [s for s in zeros if not s.named or on_input(plan, s, point, inventory)]
    of = [p.detector for p in on_input(plan, own[-1], point, inventory)] if own else []
    if not own or (of and point.detector not in of):
        yield (
            f"{point.id}: no zero step of {point.instrument} with {point.detector} stands before {background.id}; a"
            " zero ends with the detector that it was made with."
        )


def _voltages(plan: Plan, point: Point, inventory: Inventory) -> Iterator[str]:
    """A leakage of another voltage is named at most: it may have another sign."""
    full = next((s.voltage_v for s in charges_of(plan, point) if s.kind == "irradiate"), None)
    for step in charges_of(plan, point):
        background = background_before(plan, point, step.id, inventory)
        at = None if background is None else background.voltage_v if background.voltage_v is not None else full
        if background is not None and None not in (at, step.voltage_v) and at != step.voltage_v:
            yield (
                f"{point.id}: {background.id} measures the leakage at {at:g} V, {step.id} is at {step.voltage_v:g} V:"
                " it has no number where that leakage is more than 0.1 % of it; add a background at its own voltage."
            )


def _can_zero(inventory: Inventory, name: str) -> bool:
    try:
        return bool(registry.model(inventory.instrument_named(name).model).framing.zero)
    except (Misuse, Refused):
        return False


def _lengths(plan: Plan, point: Point) -> Iterator[str]:
    own = [s for s in plan.step if point.id in s.measured and s.integrates]
    if without := [s.id for s in own if s.duration_s is None]:
        yield (
            f"{point.id}: {', '.join(without)} state no duration_s; whether the background is as long as the beam is"
            " known only when both were measured."
        )


def _range(point: Point, inventory: Inventory) -> Iterator[str]:
    try:
        full_scale = inventory.instrument_named(point.instrument or "").full_scale_nc
    except Refused:
        return
    if full_scale is None:
        yield (
            f"The inventory states no full_scale_nc of {point.instrument}: whether a beam would overload its range is"
            " not known before it."
        )


def _one_repeat(plan: Plan, point: Point) -> Iterator[str]:
    name = "repeated readings" if point.asks.ambient else "reading"
    several = added(s.kind == "irradiate" for s in charges_of(plan, point)) > 1
    if several and point.attempt_rule == "mean-of-valid" and name not in {c.name for c in point.uncertainty}:
        yield (
            f"{point.id}: where only one of its repeats counts in the end there is no result, since the plan states no"
            f" component '{name}' for a single one."
        )


def _dose_of_a_mu(plan: Plan, point: Point) -> Iterator[str]:
    """Linacs are adjusted to about 1 cGy a MU at the depth of the maximum, 100 cm to the surface (textbook)."""
    step = next((s for s in charges_of(plan, point) if s.kind == "irradiate" and s.mu is not None), None)
    if step is None or step.mu is None or point.expected is None or point.position == "out-of-field":
        return
    away = ((step.ssd_cm or 100.0) + 1.5) / 101.5
    of_a_mu = 100 * point.expected.dose_gy / step.mu * away**2
    if not _CGY_OF_A_MU[0] <= of_a_mu <= _CGY_OF_A_MU[1]:
        yield (
            f"{point.id}: {100 * point.expected.dose_gy:.4g} cGy of {step.mu:g} MU is {of_a_mu:.2g} cGy a MU (at 100"
            " cm), where a linac gives about 1: look at the expected dose, its unit and the MU once more."
        )


def _wide_pair(point: Point) -> Iterator[str]:
    if point.pair_limit_percent is not None and point.pair_limit_percent > _WIDE_PAIR:
        yield (
            f"{point.id}: a pair limit of {point.pair_limit_percent:g} % is wide: pairs differ by 5 to 6 % (standard"
            " deviation, TBI and TSET with nanoDots), and beyond the limit alone a wrong element is noticed."
        )
