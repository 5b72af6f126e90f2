"""Diodes on the patient, on the entrance or the exit side, each with a calibration and factors of its own."""

from __future__ import annotations

from dataclasses import replace

from acquire.dosimetry import Dose, diode_entrance_dose, diode_exit_dose, polarity_as_at_calibration
from acquire.errors import Refused
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.detector_needs import detector_needs, sign_is_stated
from acquire.procedure.methods.method import Method, Sources
from acquire.procedure.methods.nominal_charge import NOMINAL_NC, range_of_the_electrometer
from acquire.procedure.methods.rows import charge_steps, components_of, factors_of, repeats_rows
from acquire.procedure.records.measured import ChargeRead, Charges
from acquire.procedure.records.needs import DetectorNeeds

OF_POINT = ("cf_ssd", "cf_fs", "cf_wedge")
OF_DETECTOR = ("n_cal", "svwt", "t_cal")


def diode_needs(sources: Sources, point: Point) -> DetectorNeeds:
    """Factors of place, field and diode, and the diode's temperature. Raises Refused."""
    needs = detector_needs(sources, point, OF_POINT, OF_DETECTOR)
    if point.detector_c is None:
        raise Refused(f"Point {point.id} has no detector_c; the diode's temperature correction needs it.")
    sign_is_stated(needs, point)
    return needs


def diode_nominal(sources: Sources, point: Point, needs: DetectorNeeds) -> tuple[DetectorNeeds, Charges]:
    """Before the measurement."""
    return needs, Charges(charge=ChargeRead(nc=NOMINAL_NC))


def diode_dose(needs: DetectorNeeds, measured: Charges) -> Dose:
    """The dose under the diode. Raises DosimetryError or Invalid."""
    if needs.detector_c is None:
        raise Invalid("The diode's temperature is not known.")
    if needs.conditions.reading is not None and measured.background is not None:
        polarity_as_at_calibration(measured.charge.nc, needs.conditions.reading == "positive", what="the diode")
    form = diode_exit_dose if needs.surface == "exit" else diode_entrance_dose
    dose = form(
        charge_nc=measured.charge.nc,
        factors=factors_of(needs.factors),
        temperature_c=needs.detector_c,
        components=[*components_of(needs.components), *repeats_rows(needs, measured, "reading")],
    )
    return replace(dose, steps=(*charge_steps(measured), *dose.steps))


def _by_side(point: Point) -> str:
    return point.surface


METHOD = Method(
    name="diode",
    title="diode",
    asks=Asks(way="charge", kind="diode", tells_ports=True),
    records=(DetectorNeeds, Charges),
    needs=diode_needs,
    dose=diode_dose,
    nominal=diode_nominal,
    holds=range_of_the_electrometer,
    trend=_by_side,
)
