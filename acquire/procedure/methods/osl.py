"""OSL dots: by the chain of TG-191 (N_D,w), or by the reader's own form counts/(factor · sensitivity)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from acquire.dosimetry import (
    Dose,
    Dot,
    Factor,
    ReaderForm,
    mean_of_standards,
    n_dw_of_standards,
    osl_dose,
    reader_dose_mrad,
    reader_form_dose,
    stated_background,
)
from acquire.dosimetry.dose import shown
from acquire.dosimetry.luminescence import depletion_corrected
from acquire.dosimetry.osl import corrected_signal, depletion_step, energy_factor
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.plan import Batch
from acquire.procedure.documents.point import Point
from acquire.procedure.methods import luminescence_chain as chain
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.method import Method, Sources
from acquire.procedure.methods.nominal_elements import nominal_elements, signals_of_one_dose
from acquire.procedure.methods.reader_needs import batch_of_point, element_corrections, reader_needs
from acquire.procedure.methods.rows import factor_of, factors_of
from acquire.procedure.records.measured import Elements, ElementSignalRead
from acquire.procedure.records.needs import DotNeeds
from acquire.procedure.records.record import extended

COEFFICIENT = {"tg191": "n_dw", "reader": "reader_factor"}  # by the batch's chain
UNIT = "{counts}"


def osl_needs(sources: Sources, point: Point) -> DotNeeds:
    """The corrections of the batch's chain, and what a reading takes away. Raises Refused."""
    energy = energy_factor(point.position)

    def wanted(batch: Batch) -> tuple[str, ...]:
        return ("k_f", energy) if batch.chain == "reader" else ("k_f", "k_l", energy, "k_theta")

    needs = reader_needs(sources, point, wanted, lambda batch: COEFFICIENT[batch.chain])
    batch = batch_of_point(sources, point)
    return extended(
        needs,
        DotNeeds,
        chain=batch.chain,
        depletion_per_reading=batch.depletion_per_reading or 0.0,
        depletion=batch.depletion or "growing",
    )


def osl_nominal(sources: Sources, point: Point, needs: DotNeeds) -> tuple[DotNeeds, Elements]:
    """Before anything is read."""
    corrections = element_corrections(sources, point)
    if needs.chain == "reader":
        per_mrad = needs.factors["reader_factor"].value
        values = {e: 1e4 * per_mrad * sensitivity.value for e, sensitivity in corrections.items()}
    else:
        own = chain.own_coefficient(needs.factors, "n_dw")
        values = signals_of_one_dose(needs, 1.0 if own is None else 1 / own.value, corrections)
    return nominal_elements(needs, values, UNIT, corrections)


def osl_point_dose(needs: DotNeeds, measured: Elements) -> Dose:
    """The dose of an OSL point, by the chain its plan names. Raises DosimetryError or Invalid."""
    k_f, steps = chain.fading_factor(needs, measured)
    factors = factors_of(needs.factors) | k_f
    for element in measured.elements:
        if element.unit != UNIT:
            raise Invalid(f"{element.element} was read in {element.unit}; an OSL dot is read in counts.")
    if needs.chain == "reader":
        dose = chain.with_steps(steps, _reader_form(needs, measured, factors))
        return chain.checked(needs, measured, dose, factor_of(needs.factors["reader_factor"]))
    form = _form(needs)
    n_dw, background, standards, reader_steps = _n_dw(needs, measured, factors, form)
    fixed = chain.of_several(needs) | {
        "dots": _dots(measured.elements), "background": background, "standards": standards, "n_dw": n_dw, "form": form
    }  # fmt: skip
    dose = chain.linear(needs, factors, lambda ks, follows: osl_dose(factors=ks, k_l_follows=follows, **fixed))
    return chain.checked(needs, measured, chain.after(reader_steps, chain.with_steps(steps, dose)), n_dw)


def _n_dw(needs: DotNeeds, measured: Elements, factors: dict[str, Factor], form: ReaderForm) -> chain.Made:
    if "n_dw" in factors:
        return chain.readers_own(needs, factors, "n_dw", UNIT)
    chain.one_unit(measured)
    blank = replace(form, background="after-sensitivity")
    controls = _dots(measured.controls)
    if form.background == "before-sensitivity":
        controls = [replace(dot, k_s=replace(dot.k_s, value=1.0)) for dot in controls]
    blanks = [corrected_signal(dot, 0.0, blank) for dot in controls]
    background = chain.of_controls(needs, measured, blanks)
    standards, dose_cgy = _dots(measured.standards), chain.standard_dose_cgy(needs)
    value = n_dw_of_standards(standards, background.value, dose_cgy, form)
    nets = [corrected_signal(dot, background.value, form) for dot in standards]
    key = chain.session_key(needs, measured)
    mean = mean_of_standards(nets, [dot.k_s.value for dot in standards], form.background, key)
    steps, unit = chain.reader_steps(needs, measured, blanks, nets), "cGy/{counts}"
    numbers = f"{shown(dose_cgy)} / {shown(fmean(nets))}"
    steps.append(chain.coefficient_step("N_D,w", "D / mean M", numbers, value, unit))
    return chain.of_session(needs, measured, value, unit), background, mean, steps


def _reader_form(needs: DotNeeds, measured: Elements, factors: dict[str, Factor]) -> Dose:
    """The reader's own form: its factor is of the session, the control a dose in mrad or the session's control dots."""
    if "reader_factor" not in factors:
        raise Invalid("The reader's own form needs reader_factor in the reader's calibration, not standards.")
    reader, control = factors.pop("reader_factor"), factors.pop("background")
    if control.unit != "mRAD":
        raise Invalid(f"The background of the reader's own form is in {control.unit}; it must be in mRAD.")
    chain.not_negative(control.value, needs.reader)
    subtracted = stated_background(control, chain.zero_dose(needs))
    if measured.controls:
        read = [reader_dose_mrad(c.value, reader.value, c.correction.value) for c in measured.controls]
        subtracted = chain.of_controls(needs, measured, read)
    form, dots = _form(needs), _dots(measured.elements)
    several = [dot for dot in dots if len(dot.readings) > 1]
    means = {dot.element: fmean(depletion_corrected(dot.readings, form.depletion_per_reading, form.depletion))
             for dot in dots}  # fmt: skip
    dose = reader_form_dose(
        counts=[(dot.element, means[dot.element], dot.k_s) for dot in dots],
        control=subtracted,
        control_by_factor=bool(measured.controls),
        reader_factor=reader,
        factors=factors,
        position=needs.position,
        **chain.of_several(needs),
    )
    return chain.after([depletion_step(dot, form, means[dot.element]) for dot in several], dose)


def _form(needs: DotNeeds) -> ReaderForm:
    return ReaderForm(needs.depletion_per_reading, needs.depletion, needs.background_form, needs.position)


def _dots(entries: Sequence[ElementSignalRead]) -> list[Dot]:
    return [Dot(e.element, e.every, factor_of(e.correction)) for e in entries]


METHOD = Method(
    name="osl",
    title="OSL dosimeter",
    asks=Asks(way="elements", kind="osl", readouts=("scalar", "curve"), coefficient="n_dw", per_signal=True),
    records=(DotNeeds, Elements),
    needs=osl_needs,
    dose=osl_point_dose,
    nominal=osl_nominal,
)
