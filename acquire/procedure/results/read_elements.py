"""What the readings of chips or dots came to: signals with their corrections, days since removal, what curves say."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from acquire.dosimetry import days_between
from acquire.procedure.documents.inventory import OwnedInstrument
from acquire.procedure.methods.collected_charge import Body, Invalid
from acquire.procedure.methods.reader_needs import element_correction
from acquire.procedure.methods.signals import signals
from acquire.procedure.records.measured import Elements, ElementSignalRead
from acquire.procedure.records.selection import OfElements
from acquire.procedure.results.preparing import Preparing
from acquire.procedure.results.reader_run_told import quality_control
from acquire.procedure.results.readout_times import days_since_removal, looks_older, read_at


def read_elements(preparing: Preparing, of: OfElements) -> None:
    """Signals and element corrections of what was read. Raises Refused, Invalid, DosimetryError."""
    read = preparing.bodies
    checks = tuple(signals(name, read[name]) for name in of.checks or ())
    standards, controls, elements = (_signals(preparing, names) for names in (of.standards, of.controls, of.elements))
    if dark := [c.element for c in controls if c.value == 0]:
        raise Invalid(f"{', '.join(dark)} read exactly 0: what was read shows at least the reader's own signal.")
    measured = Elements(
        standards=standards, controls=controls, elements=elements, imaging=of.imaging, checks=checks or None
    )
    preparing.measured = measured
    preparing.measured = measured = _with_days(preparing, of, measured)
    _judge_curves(preparing, of, measured)


def _signals(preparing: Preparing, names: Sequence[str]) -> tuple[ElementSignalRead, ...]:
    read = preparing.bodies
    return tuple(
        signals(name, read[name], element_correction(name, preparing.sources)) for name in names if name in read
    )


def _with_days(preparing: Preparing, of: OfElements, measured: Elements) -> Elements:
    """Days from removal to readout where fading is corrected; elsewhere a remark on a readout that looks older."""
    point, reader, removed = preparing.point, _reader(preparing), of.removed or {}
    read = {name: preparing.bodies[name][0] for name in of.elements if name in preparing.bodies}
    if point.fading is None:
        said = (looks_older(name, body, removed[name] or "", reader) for name, body in read.items())
        preparing.remarks += [each for each in said if each]
        return measured
    days = {
        name: days_since_removal(name, body, removed[name] or "", reader, of.read_at) for name, body in read.items()
    }
    return replace(measured, days=days, standard_days=_standard_days(preparing, of, reader))


def _standard_days(preparing: Preparing, of: OfElements, reader: OwnedInstrument) -> dict[str, float] | None:
    """Those of the standards, where the batch states when they were irradiated; else the plan's word counts."""
    batch = preparing.sources.plan.batch_of(reader.id)
    if batch is None or batch.standards_irradiated is None:
        if batch is not None and batch.standards and preparing.point.fading is not None:
            preparing.remarks.append(
                f"The standards count as {preparing.point.fading.days_of_standards:g} d old, as the plan says; when"
                " they were irradiated (standards_irradiated) is not stated."
            )
        return None
    since, stated = batch.standards_irradiated, of.read_at
    return {
        name: days_between(since, read_at(name, preparing.bodies[name][0], reader, stated)) for name in of.standards
    }


def _judge_curves(preparing: Preparing, of: OfElements, measured: Elements) -> None:
    """What the curves, and the light of their run, say; a refusal among `invalid`."""
    from acquire.procedure.results.curve_checks import judged_curves  # noqa: PLC0415 - brings numpy

    kinds = {"elements": of.elements, "standards": of.standards, "controls": of.controls, "checks": of.checks or ()}
    batch = preparing.sources.plan.batch_of(_reader(preparing).id)
    light: Sequence[Body] = quality_control(preparing.connection, of.run)
    found = judged_curves(preparing.point.id, kinds, measured, preparing.bodies, batch, light)
    preparing.invalid += found.invalid
    preparing.remarks += found.remarks
    preparing.quality, preparing.doubts = found.quality, found.doubts


def _reader(preparing: Preparing) -> OwnedInstrument:
    inventory = preparing.sources.inventory
    return inventory.instrument_named(inventory.element_named(preparing.point.elements[0]).reader)
