"""From inputs to a dose, its comparison and its decision: pure, and the same inputs give the same bytes for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from acquire.dosimetry import (
    FORMULAS_VERSION,
    Budget,
    Decision,
    DecisionState,
    Dose,
    DosimetryError,
    ThresholdScatter,
    believable,
    decide,
    diode_entrance_dose,
    diode_exit_dose,
    enough_life,
    midline_mean,
    mosfet_dose,
    polarity_as_at_calibration,
    range_holds,
    read_at_same_delay,
    report_only,
    same_sensor,
)
from acquire.procedure.methods.chamber_doses import chamber_dose
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.element_doses import nominal_elements, osl_point_dose, tld_point_dose
from acquire.procedure.methods.exchanged import must_not_look_exchanged
from acquire.procedure.methods.factors import Inputs
from acquire.procedure.methods.output import Output, of_channel, output, quality_of
from acquire.procedure.methods.rows import charge_steps, components_of, factors_of, repeats_rows
from acquire.procedure.methods.spectrum import report

FORMULA = f"dosimetry {FORMULAS_VERSION}, procedure 7"


NOMINAL_NC = 10.0


def calculate(inputs: Inputs) -> Output:
    """The result as it is stored and printed. Where anything forbids a number the decision is INVALID and says why."""
    why = list(inputs["invalid"])
    if not why:
        try:
            if inputs["method"] == "spectrum":
                return report(inputs)
            dose = dose_of(inputs)
            decision = _decide(inputs, dose)
            must_not_look_exchanged(inputs, dose, dose_of)
            return output(inputs, dose, decision)
        except (DosimetryError, Invalid) as reason:
            why.append(str(reason))
    return {
        "decision": DecisionState.INVALID.value,
        "why": why,
        "remarks": inputs["remarks"],
        **of_channel(inputs),
        **quality_of(inputs),
    }


def dose_of(inputs: Inputs) -> Dose:
    """The dose alone. Raises DosimetryError or Invalid."""
    match inputs["method"]:
        case "tld":
            return tld_point_dose(inputs)
        case "osl":
            return osl_point_dose(inputs)
        case "diode":
            return _diode(inputs)
        case "mosfet":
            return _mosfet(inputs)
        case "midline":
            return _midline(inputs)
    return chamber_dose(inputs)


def planned_budget(needed: Inputs, eccs: Mapping[str, Any]) -> Budget:
    """The budget that a point's dose will have: its formula with a nominal signal. `eccs` by element, for TLD and OSL.

    Raises DosimetryError or Invalid where the formula cannot be used at all, a MOSFET's life does not suffice, or the
    expected charge would overload the electrometer's range.
    """
    return _nominal_dose(needed, eccs).budget


def planned_midline(needed: Inputs, parts: tuple[tuple[Inputs, Mapping[str, Any]], ...]) -> Budget:
    """The same for a midline point, from what its two points need."""
    first, second = (_nominal_dose(*part) for part in parts)
    return _mean(needed, first, second).budget


def _nominal_dose(needed: Inputs, eccs: Mapping[str, Any]) -> Dose:
    ambient = {"temperature_c": 20.0, "pressure_kpa": 101.325}
    nominal = needed | {"charge": {"nc": NOMINAL_NC}, "environment": ambient, "elements": []}
    if needed["method"] in ("tld", "osl"):
        nominal |= nominal_elements(needed, eccs)
    if needed["method"] == "mosfet":
        _check_life(needed)
        delay = needed["factors"]["delay_min"]["value"]
        nominal["threshold"] = {"before_mv": 1000.0, "after_mv": 1100.0, "before_min": delay, "after_min": delay}
        nominal["threshold"]["nominal"] = True
    dose = dose_of(nominal)
    if "full_scale_nc" in needed:
        range_holds(NOMINAL_NC * _highest_gy(needed) / dose.value_gy, needed["full_scale_nc"])
    return dose


def _diode(inputs: Inputs) -> Dose:
    if "reading" in inputs["conditions"] and "background" in inputs:
        polarity_as_at_calibration(
            inputs["charge"]["nc"], inputs["conditions"]["reading"] == "positive", what="the diode"
        )
    form = diode_exit_dose if inputs["surface"] == "exit" else diode_entrance_dose
    dose = form(
        charge_nc=inputs["charge"]["nc"],
        factors=factors_of(inputs["factors"]),
        temperature_c=inputs["detector_c"],
        components=[*components_of(inputs["components"]), *repeats_rows(inputs, "reading")],
    )
    return replace(dose, steps=(*charge_steps(inputs), *dose.steps))


def _mosfet(inputs: Inputs) -> Dose:
    factors, threshold = factors_of(inputs["factors"]), inputs["threshold"]
    delay, tolerance, limit = (factors.pop(name) for name in ("delay_min", "delay_tolerance_min", "limit_mv"))
    for factor, unit in ((delay, "min"), (tolerance, "min"), (limit, "mV")):
        if factor.unit != unit:
            raise Invalid(f"A limit of the MOSFET's calibration is in {factor.unit}; it must be in {unit}.")
    read_at_same_delay(threshold["before_min"], threshold["after_min"], delay.value, tolerance.value)
    if threshold["after_mv"] > limit.value:
        raise Invalid(
            f"The threshold is at {threshold['after_mv']:g} mV, beyond the sensor's limit of {limit.value:g} mV."
        )
    if "nominal" not in threshold:
        same_sensor(threshold["before_mv"], inputs["threshold_mv"])
    scatter = {
        f"threshold {name}": ThresholdScatter(each["u_mv"], f"scatter of {each['n']} readings", each["n"] - 1)
        for name, each in sorted(threshold.get("scatter", {}).items())
    }
    return mosfet_dose(
        before_mv=threshold["before_mv"],
        after_mv=threshold["after_mv"],
        factors=factors,
        scatter=scatter,
        components=components_of(inputs["components"]),
    )


def _check_life(needed: Inputs) -> None:
    """Before the beam: the sensor must be able to take the expected, or else the largest plausible, dose."""
    if "threshold_mv" not in needed:
        raise Invalid("The inventory does not say where the sensor's threshold stands (threshold_mv).")
    factors = factors_of(needed["factors"])
    per_mv = factors["cf"].value * factors["cf_energy"].value * factors["cf_angle"].value
    enough_life(needed["threshold_mv"], factors["limit_mv"].value, 100 * _highest_gy(needed), per_mv)


def _highest_gy(needed: Inputs) -> float:
    """The largest dose that has to be reckoned with: the expected one, else the end of the plausible range."""
    return float(needed["expected"]["dose_gy"] if needed["expected"] else needed["plausible"]["high_gy"])


def _midline(inputs: Inputs) -> Dose:
    for part in inputs["parts"]:
        if part["invalid"]:
            raise Invalid(f"Point {part['point']}, of which this is the mean, has no dose: {' '.join(part['invalid'])}")
    first, second = (_part(part) for part in inputs["parts"])
    return _mean(inputs, first, second)


def _part(part: Inputs) -> Dose:
    """The dose of one side, which must be one that the side itself may show: it stands in the mean all the same."""
    try:
        dose = dose_of(part)
        _decide(part, dose)
    except (DosimetryError, Invalid) as reason:
        raise Invalid(f"Point {part['point']}, of which this is the mean, has no dose: {reason}") from reason
    return dose


def _mean(inputs: Inputs, first: Dose, second: Dose) -> Dose:
    return midline_mean(first, second, factors_of(inputs["factors"])["f_mid"], components_of(inputs["components"]))


def _decide(inputs: Inputs, dose: Dose) -> Decision:
    expected, limits, plausible = inputs["expected"], inputs["limits"], inputs["plausible"]
    if expected is None:
        return report_only(dose.value_gy, (plausible["low_gy"], plausible["high_gy"]))
    if plausible is not None:
        believable(dose.value_gy, plausible["low_gy"], plausible["high_gy"])
    return decide(
        dose_gy=dose.value_gy,
        u_measured_percent=dose.budget.u_percent,
        dof_measured=dose.budget.dof,
        expected_gy=expected["dose_gy"],
        u_expected_percent=expected["u_percent"],
        tolerance_percent=limits["tolerance_percent"],
        action_percent=limits["action_percent"],
        rule=limits["rule"],
        u_form=limits["u_form"],
    )
