"""What a formula needs besides the signal where plan and calibration of a reader give it, or the standards of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from acquire.errors import Refused
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.plan import Batch
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.detector_needs import factor, point_needs
from acquire.procedure.methods.method import Sources
from acquire.procedure.records.factors import BlanksRecord, CheckElementRecord, FactorRecord
from acquire.procedure.records.needs import ReaderNeeds
from acquire.procedure.records.record import extended, of_document

OF_READER = ("rcf", "n_dw", "reader_factor", "background")  # of the standards, or of the reader's own calibration


def element_correction(element: str, sources: Sources) -> FactorRecord:
    """Element correction of one element on its reader. Raises Refused when missing, of another form or out of date."""
    reader = sources.inventory.element_named(element).reader
    batch = sources.plan.batch_of(reader)
    form = "sensitivity" if batch is not None and batch.chain == "reader" else "ecc"
    return factor(sources.calibrations.ecc(element, reader, sources.on, form))


def element_corrections(sources: Sources, point: Point) -> dict[str, FactorRecord]:
    """Those of the elements of a point."""
    return {element: element_correction(element, sources) for element in point.elements}


def batch_of_point(sources: Sources, point: Point) -> Batch:
    """The batch that travels with the elements of a point, which must be of its method and of one reader."""
    readers = {sources.inventory.element_named(e).reader for e in point.elements}
    if len(readers) != 1:
        raise Refused(f"The elements of {point.id} belong to several readers: {', '.join(sorted(readers))}.")
    (reader,) = readers
    batch = sources.plan.batch_of(reader)
    if batch is None:
        raise Refused(f"The plan has no batch for {reader}: say which standards and controls travel with {point.id}.")
    for element in point.elements:
        if sources.inventory.element_named(element).kind != point.asks.kind:
            raise Refused(f"{element} of {point.id} is no {point.method.upper()} element.")
        element_correction(element, sources)
    _fading_can_be_counted(sources, point, batch)
    return batch


def reader_needs(
    sources: Sources, point: Point, wanted: Callable[[Batch], Sequence[str]], coefficient: Callable[[Batch], str]
) -> ReaderNeeds:
    """What batch and reader give. Raises Refused for what is missing, of another reader or method, or out of date.

    wanted: the corrections of the formula, but for those that the site's curves give; coefficient: the reader's, where
    no standards travel with the elements.
    """
    batch = batch_of_point(sources, point)
    own = point_needs(point, _but_for_curves(point, wanted(batch)), _of_others(point))
    needs = extended(
        own,
        ReaderNeeds,
        reader=batch.reader,
        pair_limit_percent=point.pair_limit_percent,
        pair_rule=point.pair_rule,
        pair_named=point.pair_named,
        background_form=batch.background,
        blanks=None if batch.blanks is None else of_document(batch.blanks, BlanksRecord),
        check=None if batch.check is None else of_document(batch.check, CheckElementRecord),
    )
    return _with_coefficient(needs, batch, sources, coefficient(batch))


def _but_for_curves(point: Point, wanted: Sequence[str]) -> list[str]:
    """With the site's fading and linearity k_F and k_L are not entered."""
    counted = {"k_f": point.fading, "k_l": point.linearity}
    return [name for name in wanted if counted.get(name) is None]


def _of_others(point: Point) -> dict[str, str]:
    own = dict.fromkeys(OF_READER, "comes from the standards or from the calibration of the reader")
    counted = {"k_f": point.fading, "k_l": point.linearity}
    return own | {name: "its own curve gives" for name, curve in counted.items() if curve is not None}


def _with_coefficient(needs: ReaderNeeds, batch: Batch, sources: Sources, name: str) -> ReaderNeeds:
    """Standards of the same reader session, or the reader's own calibration; never both."""
    if batch.standards and batch.standard_dose is not None:
        return replace(
            needs,
            standard_dose=factor(batch.standard_dose),
            rcf_u_percent=batch.rcf_u_percent,
            coefficient_range=batch.coefficient_range,
        )
    try:
        calibration = sources.calibrations.valid_for(batch.reader, sources.on)
    except Refused as refused:
        raise Refused(*(_or_standards(says, batch.reader) for says in refused.sentences)) from refused
    own = {each: factor(calibration.factor(each)) for each in (name, "background")}
    return replace(needs, factors={**needs.factors, **own})


def _or_standards(says: str, reader: str) -> Stop:
    """A reader has a way out that a detector has not: its coefficient is measured beside the elements."""
    return Stop(
        "calibration",
        f"{says} Or read standards of known dose in the same session: standards, standard_dose, rcf_u_percent and"
        f" controls in the batch of {reader}.",
    )


def _fading_can_be_counted(sources: Sources, point: Point, batch: Batch) -> None:
    """Before anything lies on a patient: the reader's clock has a zone, and the standards have their days."""
    if point.fading is None:
        return
    if sources.inventory.instrument_named(batch.reader).clock_zone is None:
        raise Refused(
            f"The inventory names no clock_zone of {batch.reader}; the fading of {point.id} is counted on it."
        )
    if (point.fading.days_of_standards is None) == (batch.standards_irradiated is None):
        raise Refused(
            f"{point.id}: fading needs days_of_standards, or standards_irradiated in the batch of {batch.reader}; one"
            " of them, not both."
        )
