"""What planning knows of a plan's steps, batches and moments before anybody lies on the couch, one sentence each.

Every sentence here would else be said by a result, after the beam. The table of what is said when is in
docs/foreseen.md; what may be left as it is, but is better known, is in acquire.procedure.session.advice.
"""

from __future__ import annotations

from collections.abc import Iterator

from acquire.errors import Refused
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.moment import day_in_future, in_future
from acquire.procedure.documents.plan import CHARGES, Plan, Step
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.beam_seen import lasts_s
from acquire.procedure.methods.collected_charge import IN_NC
from acquire.procedure.session.foreseen_elements import of_batches, of_elements
from drivers import Misuse, registry
from drivers.model import Model


def foreseen(plan: Plan, inventory: Inventory) -> list[str]:
    """What would give no number of a point whatever is measured, and what is missing to believe the air's entries."""
    said = [*_moments(plan), *_altitude(plan, inventory), *_valid_for(plan, inventory), *of_batches(plan, inventory)]
    for point in plan.point:
        if point.asks.way == "charge":
            said += _of_charges(plan, point, inventory)
        elif point.by_element:
            said += of_elements(plan, point, inventory)
    return [*said, *(each for step in plan.step for each in _of_step(plan, step, inventory))]


def background_before(plan: Plan, point: Point, irradiate: str, inventory: Inventory) -> Step | None:
    """The last background step before a beam on the point's instrument and channel, if it is of its detector."""
    found = None
    for step in plan.step:
        if step.id == irradiate:
            return found
        if step.kind == "background" and (there := on_input(plan, step, point, inventory)):
            found = step if any(other.detector == point.detector for other in there) else None
    return found


def on_input(plan: Plan, step: Step, point: Point, inventory: Inventory) -> list[Point]:
    """The points that a step measures on a point's instrument and channel: the point itself, or one before or after."""
    there = (plan.point_named(name) for name in plan.inputs(step).get(point.instrument or "", ()))
    return [other for other in there if _input_of(inventory, other) == _input_of(inventory, point)]


def _input_of(inventory: Inventory, point: Point) -> str | None:
    """The channel of a point, None where it has none or its detector is not known."""
    placed = [d.channel for d in inventory.detector if d.id == point.detector]
    return point.channel or next(iter(placed), None)


def charges_of(plan: Plan, point: Point) -> list[Step]:
    """The steps that collect the charges of a point, in the plan's order."""
    return [s for s in plan.step if s.kind in CHARGES and point.id in s.named]


def planned_s(plan: Plan, step: Step) -> float | None:
    """How long a beam is planned to be measured, in s: as stated, and at least as its MU and dose rate say."""
    by_mu = lasts_s(step.mu, step.dose_rate_mu_per_min or plan.dose_rate_mu_per_min)
    return max((each for each in (step.duration_s, by_mu) if each is not None), default=None)


def _moments(plan: Plan) -> Iterator[str]:
    """What is stated as done and has not come yet."""
    for batch in plan.batch:
        if batch.standards_irradiated is not None and in_future(batch.standards_irradiated):
            yield (
                f"The standards of {batch.reader} are stated as irradiated at {batch.standards_irradiated.isoformat()},"
                " which lies in the future."
            )
    if plan.source is not None and in_future(plan.source.certified_at):
        yield f"The source is stated as certified at {plan.source.certified_at.isoformat()}, which lies in the future."
    if day_in_future(plan.approved_on):
        yield f"The plan is stated as approved on {plan.approved_on.isoformat()}, which lies in the future."


def _altitude(plan: Plan, inventory: Inventory) -> Iterator[str]:
    chambers = [p.id for p in plan.point if p.asks.ambient]
    if chambers and inventory.altitude_m is None:
        yield (
            f"{', '.join(chambers)}: the inventory does not state the site's altitude_m, in m above sea level; without"
            " it a pressure reduced to sea level would not be noticed."
        )


def _valid_for(plan: Plan, inventory: Inventory) -> Iterator[str]:
    """For how long a zero and a leakage hold is the site's to say."""
    kinds = {"zero": ("zero_valid_min", "zero"), "background": ("leakage_valid_min", "leakage")}
    for kind, (key, what) in kinds.items():
        steps = [s.id for s in plan.step if s.kind == kind]
        if steps and getattr(inventory, key) is None:
            yield (
                f"{', '.join(steps)}: the inventory does not state {key}, for how many minutes a {what} holds here; it"
                " has no default."
            )


def _of_charges(plan: Plan, point: Point, inventory: Inventory) -> Iterator[str]:
    steps = charges_of(plan, point)
    first = next((s for s in steps if s.kind == "irradiate"), None)
    if first is None:
        yield f"{point.id} has no irradiation planned; one is needed for its dose."
        return
    background = background_before(plan, point, first.id, inventory)
    if background is None:
        yield (
            f"{point.id}: no background step with {point.detector} on {point.instrument} stands before {first.id} as"
            " the last one of that instrument; add one, at least as long as the beam."
        )
        return
    lasts = [(seconds, s.id) for s in steps if (seconds := planned_s(plan, s)) is not None]
    if lasts and background.duration_s is not None and background.duration_s < max(lasts)[0]:
        yield (
            f"{point.id}: the background {background.id} lasts {background.duration_s:g} s, {max(lasts)[1]}"
            f" {max(lasts)[0]:g} s: it must not be shorter."
        )


def _of_step(plan: Plan, step: Step, inventory: Inventory) -> Iterator[str]:
    if step.kind == "background" and not step.named:
        yield f"Step {step.id} names no point: a background belongs to a detector, and counts for nothing without."
    for point in (plan.point_named(name) for name in step.measured):
        if point.asks.way in ("elements", "mean", "file"):
            on = step.instrument or "an instrument"
            yield f"Step {step.id} measures {point.id} with {on}; a point of method '{point.method}' is not."
        elif step.instrument not in (None, point.instrument):
            yield f"Step {step.id} is on {step.instrument}, its point {point.id} on {point.instrument}; one is wrong."
        else:
            if (model := _model(inventory, point.instrument)) is not None:
                yield from _gives(step, point, model)
            yield from _one_each(plan, step, point, inventory)


def _one_each(plan: Plan, step: Step, point: Point, inventory: Inventory) -> Iterator[str]:
    """An input reads one detector at a time, which lies at one point."""
    there = on_input(plan, step, point, inventory)
    if there[0] is point and len(there) > 1 and (step.kind == "irradiate" or len({p.detector for p in there}) > 1):
        names = " and ".join(p.id for p in there)
        yield f"Step {step.id} measures {names} at once on one input of {point.instrument}; give each its own step."


def _gives(step: Step, point: Point, model: Model) -> Iterator[str]:
    """Whether the model gives, in a unit that is known, what the step needs of it."""
    if step.kind == "threshold" and not any(q.name == "voltage" for q in model.quantities):
        yield f"Step {step.id} reads a threshold voltage; {point.instrument} is a {model.name}, which gives none."
    if point.asks.way == "charge":
        charges = [q for q in model.quantities if q.integrates in ("running", "reset") and q.name == "charge"]
        if charges and not any(q.unit in IN_NC for q in charges):
            yield (
                f"{point.instrument} gives its charge in {charges[0].unit or 'no unit'}; allowed are"
                f" {', '.join(IN_NC)}."
            )


def _model(inventory: Inventory, name: str | None) -> Model | None:
    """None where another sentence says what is wrong with the instrument, or it is known on its own host alone."""
    try:
        return registry.model(inventory.instrument_named(name or "").model)
    except (Misuse, Refused):
        return None
