"""TLD chips: the coefficient of the run's standards or of the reader (RCF), background, and the site's corrections."""

from __future__ import annotations

from statistics import fmean

from acquire.dosimetry import Dose, Factor, mean_of_standards, rcf_of_standards, tld_dose
from acquire.dosimetry.dose import shown
from acquire.dosimetry.luminescence import net_signal
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.point import Point
from acquire.procedure.methods import luminescence_chain as chain
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.method import Method, Sources
from acquire.procedure.methods.nominal_elements import nominal_elements, signals_of_one_dose
from acquire.procedure.methods.reader_needs import element_corrections, reader_needs
from acquire.procedure.methods.rows import factors_of
from acquire.procedure.records.measured import Elements
from acquire.procedure.records.needs import ReaderNeeds

COEFFICIENT = "rcf"


def tld_needs(sources: Sources, point: Point) -> ReaderNeeds:
    """Fading, linearity and energy of the plan, the coefficient of standards or reader. Raises Refused."""
    return reader_needs(sources, point, lambda batch: ("k_f", "k_l", "k_q"), lambda batch: COEFFICIENT)


def tld_nominal(sources: Sources, point: Point, needs: ReaderNeeds) -> tuple[ReaderNeeds, Elements]:
    """Before anything is read."""
    own, corrections = chain.own_coefficient(needs.factors, COEFFICIENT), element_corrections(sources, point)
    unit = "{counts}" if own is not None and own.unit.startswith("{counts}") else "nC"
    values = signals_of_one_dose(needs, 1.0 if own is None else own.value, corrections)
    return nominal_elements(needs, values, unit, corrections)


def tld_point_dose(needs: ReaderNeeds, measured: Elements) -> Dose:
    """The dose of a TLD point. Raises DosimetryError or Invalid."""
    k_f, steps = chain.fading_factor(needs, measured)
    factors = factors_of(needs.factors) | k_f
    rcf, background, standards, reader_steps = _rcf(needs, measured, factors)
    for element in measured.elements:
        if rcf.unit != f"{element.unit}/cGy":
            raise Invalid(f"{element.element} was read in {element.unit}, but RCF is in {rcf.unit}.")
    fixed = chain.of_several(needs) | {
        "elements": chain.signals_of(measured.elements),
        "background": background,
        "standards": standards,
        "rcf": rcf,
        "background_form": needs.background_form,
    }
    dose = chain.linear(needs, factors, lambda ks, follows: tld_dose(factors=ks, k_l_follows=follows, **fixed))
    return chain.checked(needs, measured, chain.after(reader_steps, chain.with_steps(steps, dose)), rcf)


def _rcf(needs: ReaderNeeds, measured: Elements, factors: dict[str, Factor]) -> chain.Made:
    if COEFFICIENT in factors:
        return chain.readers_own(needs, factors, COEFFICIENT, factors[COEFFICIENT].unit.partition("/")[0])
    unit = f"{chain.one_unit(measured)}/cGy"
    dose_cgy, form = chain.standard_dose_cgy(needs), needs.background_form
    blanks = [c.value * (c.correction.value if form == "after-sensitivity" else 1.0) for c in measured.controls]
    background = chain.of_controls(needs, measured, blanks)
    standards = chain.signals_of(measured.standards)
    value = rcf_of_standards(standards, background.value, dose_cgy, form)
    nets = [net_signal(s.signal, s.ecc.value, background.value, form) for s in standards]
    steps = chain.reader_steps(needs, measured, blanks, nets)
    mean = mean_of_standards(nets, [s.ecc.value for s in standards], form, chain.session_key(needs, measured))
    numbers = f"{shown(fmean(nets))} / {shown(dose_cgy)}"
    steps.append(chain.coefficient_step("RCF", "mean M / D", numbers, value, unit))
    return chain.of_session(needs, measured, value, unit), background, mean, steps


METHOD = Method(
    name="tld",
    title="TLD",
    asks=Asks(way="elements", kind="tld", readouts=("scalar", "glow-curve"), coefficient=COEFFICIENT),
    records=(ReaderNeeds, Elements),
    needs=tld_needs,
    dose=tld_point_dose,
    nominal=tld_nominal,
)
