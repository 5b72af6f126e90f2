"""Chamber points: polarity and recombination measured in the session where the plan says so, else the certificate's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from acquire.dosimetry import (
    CalculationStep,
    Dose,
    Factor,
    QualityFactor,
    chamber_dose_tg51,
    chamber_dose_trs398,
    humidity_row,
    k_pol,
    k_s_continuous,
    k_s_continuous_follows,
    k_s_pulsed,
    k_s_pulsed_follows,
    k_s_scanned,
    k_s_scanned_follows,
    opposite_signs,
    p_ion_pulsed,
    p_ion_pulsed_follows,
    polarity_as_at_calibration,
    quality_factor_fits,
    voltage_ratio,
)
from acquire.dosimetry.dose import shown
from acquire.dosimetry.recombination import RECOMBINATION_PULSED, RECOMBINATION_SCANNED
from acquire.errors import Refused
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.calibrations import Calibration, FactorEntry
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.detector_needs import detector_needs, sign_is_stated
from acquire.procedure.methods.method import Method, Sources
from acquire.procedure.methods.nominal_charge import NOMINAL_NC, range_of_the_electrometer
from acquire.procedure.methods.rows import ambient_steps, charge_steps, components_of, factors_of, repeats_rows
from acquire.procedure.records.measured import AmbientConditions, ChargeRead, Charges
from acquire.procedure.records.needs import DetectorNeeds

Scalar = Callable[[float, float], float]
Form = tuple[Scalar, str, Callable[[float, float], str], str, Scalar]


def _quadratic(table: Mapping[float, tuple[float, float, float]]) -> Callable[[float, float], str]:
    def numbers(n: float, r: float) -> str:
        a0, a1, a2 = table[n]
        return f"{shown(a0)} {'+' if a1 > 0 else '−'} {shown(abs(a1))} × {shown(r)} + {shown(a2)} × {shown(r)}²"

    return numbers


def _pulsed(n: float, r: float) -> str:
    return f"(1 − {shown(n)}) / ({shown(r)} − {shown(n)})"


def _continuous(n: float, r: float) -> str:
    return f"({shown(n)}² − 1) / ({shown(n)}² − {shown(r)})"


SQUARE, PULSED, CONTINUOUS = "a0 + a1·r + a2·r²", "(1 − n)/(r − n)", "(n² − 1)/(n² − r)"
FORMS: Mapping[str, Mapping[str, Form]] = {
    "trs398": {
        "pulsed": (k_s_pulsed, SQUARE, _quadratic(RECOMBINATION_PULSED), "TRS-398 Rev.1 eq. 13, pulsed",
                   k_s_pulsed_follows),
        "pulsed-scanned": (
            k_s_scanned, SQUARE, _quadratic(RECOMBINATION_SCANNED), "TRS-398 Rev.1 eq. 13, pulsed-scanned",
            k_s_scanned_follows,
        ),
        "continuous": (k_s_continuous, CONTINUOUS, _continuous, "TRS-398 Rev.1 eq. 16", k_s_continuous_follows),
    },
    "tg51": {
        "pulsed": (p_ion_pulsed, PULSED, _pulsed, "TG-51 eq. 12", p_ion_pulsed_follows),
        "pulsed-scanned": (p_ion_pulsed, PULSED, _pulsed, "TG-51 eq. 12, also for pulsed-swept beams",
                           p_ion_pulsed_follows),
        "continuous": (k_s_continuous, CONTINUOUS, _continuous, "TG-51 eq. 11", k_s_continuous_follows),
    },
}  # fmt: skip
TG51_NAMES = {
    "k_elec": "p_elec",
    "k_pol": "p_pol",
    "k_s": "p_ion",
    "k_vol": "p_rp",
    "k_pol_q0": "p_pol_q0",
    "k_s_q0": "p_ion_q0",
}


def chamber_needs(sources: Sources, point: Point) -> DetectorNeeds:
    """N_D,w, k_elec and k_Q; k_pol and k_s unless the session measures them. Raises Refused."""
    in_session = {"k_pol": point.polarity is not None, "k_s": point.recombination is not None}
    needs = detector_needs(sources, point, (), ("n_dw", "k_elec", "k_q"), in_session)
    if needs.conditions.t0_c is None or needs.conditions.p0_kpa is None:
        raise Refused(
            f"Calibration {needs.calibration.id} of {point.detector} has no t0_c and p0_kpa; the chamber's k_TP needs"
            " them."
        )
    sign_is_stated(needs, point)
    return needs


def chamber_nominal(sources: Sources, point: Point, needs: DetectorNeeds) -> tuple[DetectorNeeds, Charges]:
    """Before the measurement, in the conditions of a standard atmosphere."""
    air = AmbientConditions(temperature_c=20.0, pressure_kpa=101.325, n=0, humidity_percent=None, source="", at="")
    return needs, Charges(charge=ChargeRead(nc=NOMINAL_NC), environment=air)


def chamber_dose(needs: DetectorNeeds, measured: Charges) -> Dose:
    """The dose after the point's protocol, with a step for each measured correction. Raises DosimetryError or Invalid.

    Plans and certificates use the names of TRS-398; TG-51's own names stand in its steps.
    """
    ambient, t0_c, p0_kpa = measured.environment, needs.conditions.t0_c, needs.conditions.p0_kpa
    if ambient is None or t0_c is None or p0_kpa is None:
        raise Invalid("Temperature and pressure of the readings, or of their calibration, are not known.")
    if ambient.humidity_percent is not None:
        humidity_row(ambient.humidity_percent)  # refuses very dry or humid air; the plan's budget has the row
    if needs.conditions.reading is not None and measured.background is not None:
        polarity_as_at_calibration(measured.charge.nc, needs.conditions.reading == "positive")
    factors, steps = factors_of(needs.factors), []
    for name, in_session in (("k_pol", _polarity), ("k_s", _recombination)):
        found = in_session(needs, measured)
        if found is not None:
            factors[name] = found[0]
            steps.extend(found[1])
    rows = repeats_rows(needs, measured, "repeated readings", _follows(needs, measured))
    tg51 = needs.protocol == "tg51"
    form = chamber_dose_tg51 if tg51 else chamber_dose_trs398
    dose = form(
        charge_nc=measured.charge.nc,
        factors={TG51_NAMES.get(name, name): factor for name, factor in factors.items()} if tg51 else factors,
        fff=needs.fff,
        temperature_c=ambient.temperature_c,
        pressure_kpa=ambient.pressure_kpa,
        t0_c=t0_c,
        p0_kpa=p0_kpa,
        components=[*components_of(needs.components), *rows],
    )
    return replace(dose, steps=(*charge_steps(measured), *steps, *ambient_steps(ambient), *dose.steps))


def _polarity(needs: DetectorNeeds, measured: Charges) -> tuple[Factor, list[CalculationStep]] | None:
    stated = needs.polarity
    if stated is None:
        return None
    nc = measured.charge.nc
    reference, opposite = nc, _charge(measured, measured.opposite, "opposite polarity", -nc)
    opposite_signs(reference, opposite)
    value = k_pol(reference, opposite)
    m, o = shown(abs(reference)), shown(abs(opposite))
    step = CalculationStep(
        "k_pol", "(|M+| + |M−|)/(2 |M|)", f"({m} + {o}) / (2 × {m})", value, "1", "TRS-398 Rev.1 = TG-51, this session"
    )
    return Factor(value, "1", stated.u_percent, stated.source), [step]


def _recombination(needs: DetectorNeeds, measured: Charges) -> tuple[Factor, list[CalculationStep]] | None:
    stated = needs.recombination
    if stated is None:
        return None
    full = measured.charge.nc
    reduced = _charge(measured, measured.reduced, "lower voltage", full)
    if full * reduced <= 0:
        raise Invalid("The readings at the two voltages have different signs: the voltage was reversed between them.")
    form, formula, with_numbers, source, _ = FORMS[needs.protocol][stated.beam]
    n, r = voltage_ratio(stated.high_v, stated.low_v), full / reduced
    value = form(n, r)
    volts = f"{shown(stated.high_v)} / {shown(stated.low_v)}"
    steps = [
        CalculationStep("n", "V1/V2", volts, n, "1", "voltages of the plan; the daemon does not read them back"),
        CalculationStep("r", "M1/M2", f"{shown(abs(full))} / {shown(abs(reduced))}", r, "1", "this session"),
        CalculationStep("k_s", formula, with_numbers(n, r), value, "1", source),
    ]
    return Factor(value, "1", stated.u_percent, stated.source), steps


def _follows(needs: DetectorNeeds, measured: Charges) -> float:
    """Relative change of k_s for a relative change of M1/M2, where the session measured it."""
    stated = needs.recombination
    if stated is None or measured.reduced is None:
        return 0.0
    *_, follows = FORMS[needs.protocol][stated.beam]
    return follows(voltage_ratio(stated.high_v, stated.low_v), measured.charge.nc / measured.reduced.nc)


def _charge(measured: Charges, read: ChargeRead | None, at: str, nominal_nc: float) -> float:
    """The measured charge; before the measurement (planning) one that gives a correction of about 1."""
    if read is not None:
        return float(read.nc)
    if measured.background is not None:
        raise Invalid(f"The charge at the {at} is missing.")
    return nominal_nc


def _believed(point: Point, inventory: Inventory, calibration: Calibration) -> None:
    """A k_Q of another chamber, protocol or beam. Raises DosimetryError or Refused."""
    if "k_q" in calibration.factors:
        model = inventory.detector_named(point.detector or "").model
        stated = _quality(calibration.factors["k_q"])
        quality_factor_fits(stated, point.protocol, model, point.beam, calibration.conditions.quality)


def _quality(entry: FactorEntry) -> QualityFactor:
    return QualityFactor(
        entry.value, entry.source, entry.formalism, entry.chamber, entry.tpr20_10, entry.pdd10x, entry.r50_cm
    )


METHOD = Method(
    name="chamber",
    title="ionisation chamber",
    asks=Asks(
        way="charge",
        kind="chamber",
        in_session={"polarity": "k_pol", "recombination": "k_s"},
        ambient=True,
        pre_irradiated=True,
    ),
    records=(DetectorNeeds, Charges),
    needs=chamber_needs,
    dose=chamber_dose,
    nominal=chamber_nominal,
    holds=range_of_the_electrometer,
    believed=_believed,
)
