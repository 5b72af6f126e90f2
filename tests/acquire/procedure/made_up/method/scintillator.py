"""A made-up dose method, as a file of acquire.procedure.methods: what a plastic scintillator asks, and its formula."""

from __future__ import annotations

from dataclasses import replace

from acquire.dosimetry.scintillator import scintillator_dose  # type: ignore[import-not-found]

from acquire.dosimetry import Dose
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.detector_needs import detector_needs
from acquire.procedure.methods.method import Method, Sources
from acquire.procedure.methods.nominal_charge import NOMINAL_NC, range_of_the_electrometer
from acquire.procedure.methods.rows import charge_steps, components_of, factors_of, repeats_rows
from acquire.procedure.records.measured import ChargeRead, Charges
from acquire.procedure.records.needs import DetectorNeeds


def needs(sources: Sources, point: Point) -> DetectorNeeds:
    """The stem's correction is the plan's, the coefficient the certificate's."""
    return detector_needs(sources, point, ("k_stem",), ("n_sc",))


def nominal(sources: Sources, point: Point, needed: DetectorNeeds) -> tuple[DetectorNeeds, Charges]:
    """Before the measurement."""
    return needed, Charges(charge=ChargeRead(nc=NOMINAL_NC))


def dose(needed: DetectorNeeds, measured: Charges) -> Dose:
    """From the charge between the markers."""
    rows = [*components_of(needed.components), *repeats_rows(needed, measured, "reading")]
    found: Dose = scintillator_dose(measured.charge.nc, factors_of(needed.factors), rows)
    return replace(found, steps=(*charge_steps(measured), *found.steps))


METHOD = Method(
    name="scintillator",
    title="plastic scintillator",
    asks=Asks(way="charge", kind="scintillator"),
    records=(DetectorNeeds, Charges),
    needs=needs,
    dose=dose,
    nominal=nominal,
    holds=range_of_the_electrometer,
)
