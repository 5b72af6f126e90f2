"""What planning knows of points that are read from elements: their steps, readers, batches, blanks and curves."""

from __future__ import annotations

from collections.abc import Iterator

from acquire.dosimetry import detection_limit_cgy
from acquire.errors import Refused
from acquire.procedure.documents.inventory import Element, Inventory
from acquire.procedure.documents.plan import Batch, Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import IN_NC
from drivers import Misuse, registry

ORDER = ("place", "remove", "read-out")


def of_batches(plan: Plan, inventory: Inventory) -> Iterator[str]:
    """Standards, controls and check elements that the batch's reader never reads."""
    for batch in plan.batch:
        for name in (*batch.standards, *batch.controls):
            element = _element(inventory, name)
            if element is not None and element.reader != batch.reader:
                yield f"{name} travels with the batch of {batch.reader}, but is read on {element.reader}."


def of_elements(plan: Plan, point: Point, inventory: Inventory) -> Iterator[str]:
    """What would leave a point without a number: steps, reader, unit of its signal, detection limit, curves."""
    yield from _steps(plan, point, inventory)
    elements = [e for name in point.elements if (e := _element(inventory, name)) is not None]
    batch = plan.batch_of(elements[0].reader) if elements else None
    if elements:
        yield from _signal(point, batch, elements[0], inventory)
    if batch is not None:
        yield from _same_kind(point, batch, inventory)
        yield from _blanks(point, batch)
    yield from _curves(point)


def _steps(plan: Plan, point: Point, inventory: Inventory) -> Iterator[str]:
    own = [s for s in plan.step if not s.has_markers and point.id in s.points]
    kinds: list[str] = [s.kind for s in own]
    if missing := [kind for kind in ORDER if kind not in kinds]:
        yield f"{point.id}: no {' and no '.join(missing)} step names it; its elements are placed, removed and read."
    elif [kinds.index(kind) for kind in ORDER] != sorted(kinds.index(kind) for kind in ORDER):
        yield f"{point.id}: its elements are placed, removed and read in this order; the plan has {', '.join(kinds)}."
    readers = {e.reader for name in point.elements if (e := _element(inventory, name)) is not None}
    for step in own:
        if step.kind == "read-out" and readers and step.instrument not in readers:
            yield f"Step {step.id} reads {point.id} on {step.instrument}; its elements are of {', '.join(readers)}."


def _signal(point: Point, batch: Batch | None, element: Element, inventory: Inventory) -> Iterator[str]:
    """A dot is read in counts; the unit of a reader is known from its model."""
    try:
        model = registry.model(inventory.instrument_named(element.reader).model)
    except (Misuse, Refused):
        return
    units = {q.unit for q in model.quantities if q.integrates == "elements"}
    if units and units.isdisjoint(("{counts}",) if point.asks.per_signal else ("{counts}", *IN_NC)):
        needs = "counts" if point.asks.per_signal else "a charge or counts"
        yield (
            f"{point.id}: {element.reader} is a {model.name}, which gives {', '.join(sorted(units))}; an element of"
            f" method '{point.method}' is read in {needs}."
        )
        return
    gives = {"nC" if unit in IN_NC else unit for unit in units}
    blanks = batch.blanks if batch is not None and batch.chain != "reader" and len(gives) == 1 else None
    if blanks is not None and blanks.unit not in gives:
        yield f"{point.id}: the blanks of {element.reader} are in {blanks.unit}, its signal in {gives.pop()}."


def _same_kind(point: Point, batch: Batch, inventory: Inventory) -> Iterator[str]:
    for name in batch.travelling:
        element = _element(inventory, name)
        if element is not None and element.kind != point.asks.kind:
            yield f"{name}, which travels with {point.id}, is a {element.kind} element, not {point.asks.kind}."


def _blanks(point: Point, batch: Batch) -> Iterator[str]:
    """The detection limit against the largest dose that is expected, with the most sensitive coefficient believed."""
    highest = point.expected.dose_gy if point.expected else point.plausible.high_gy if point.plausible else None
    if batch.blanks is None or batch.coefficient_range is None or highest is None or batch.chain == "reader":
        return
    low, high = batch.coefficient_range
    limit = detection_limit_cgy(batch.blanks.sd, 1 / low if point.asks.per_signal else high)
    if 100 * highest < limit:
        yield (
            f"{point.id}: {100 * highest:.3g} cGy are expected at most, below the detection limit of {limit:.3g} cGy"
            f" (three standard deviations of {batch.blanks.n} blanks): no number would be shown."
        )


def _curves(point: Point) -> Iterator[str]:
    line, fading = point.linearity, point.fading
    if line is not None and point.expected is not None and not line.low_gy <= point.expected.dose_gy <= line.high_gy:
        yield (
            f"{point.id}: the expected {point.expected.dose_gy:g} Gy lies outside {line.low_gy:g} to"
            f" {line.high_gy:g} Gy, where the site's linearity is known."
        )
    if line is not None and line.low_gy >= line.high_gy:
        yield f"{point.id}: linearity is known from {line.low_gy:g} to {line.high_gy:g} Gy, which is no range."
    if fading is not None and fading.low_days >= fading.high_days:
        yield f"{point.id}: fading is known from {fading.low_days:g} to {fading.high_days:g} days, which is no range."


def _element(inventory: Inventory, name: str) -> Element | None:
    """None where another sentence says that there is none."""
    try:
        return inventory.element_named(name)
    except Refused:
        return None
