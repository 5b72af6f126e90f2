"""Chamber points: polarity and recombination measured in the session where the plan says so, else the certificate's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from acquire.dosimetry import (
    CalculationStep,
    Dose,
    Factor,
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
    voltage_ratio,
)
from acquire.dosimetry.dose import shown
from acquire.dosimetry.recombination import RECOMBINATION_PULSED, RECOMBINATION_SCANNED
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.factors import Inputs
from acquire.procedure.methods.rows import ambient_steps, charge_steps, components_of, factors_of, repeats_rows

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


def chamber_dose(inputs: Inputs) -> Dose:
    """The dose after the point's protocol, with a step for each measured correction. Raises DosimetryError or Invalid.

    Plans and certificates use the names of TRS-398; TG-51's own names stand in its steps.
    """
    ambient = inputs["environment"]
    if ambient.get("humidity_percent") is not None:
        humidity_row(ambient["humidity_percent"])  # refuses very dry or humid air; the plan's budget has the row
    if "reading" in inputs["conditions"] and "background" in inputs:
        polarity_as_at_calibration(inputs["charge"]["nc"], inputs["conditions"]["reading"] == "positive")
    factors, steps = factors_of(inputs["factors"]), []
    for name, measured in (("k_pol", _polarity), ("k_s", _recombination)):
        found = measured(inputs)
        if found is not None:
            factors[name] = found[0]
            steps.extend(found[1])
    rows = repeats_rows(inputs, "repeated readings", _follows(inputs))
    tg51 = inputs["protocol"] == "tg51"
    form = chamber_dose_tg51 if tg51 else chamber_dose_trs398
    dose = form(
        charge_nc=inputs["charge"]["nc"],
        factors={TG51_NAMES.get(name, name): factor for name, factor in factors.items()} if tg51 else factors,
        fff=inputs["fff"],
        temperature_c=ambient["temperature_c"],
        pressure_kpa=ambient["pressure_kpa"],
        t0_c=inputs["conditions"]["t0_c"],
        p0_kpa=inputs["conditions"]["p0_kpa"],
        components=[*components_of(inputs["components"]), *rows],
    )
    return replace(dose, steps=(*charge_steps(inputs), *steps, *ambient_steps(inputs), *dose.steps))


def _polarity(inputs: Inputs) -> tuple[Factor, list[CalculationStep]] | None:
    stated = inputs.get("polarity")
    if stated is None:
        return None
    reference, opposite = inputs["charge"]["nc"], _charge(inputs, "opposite", -inputs["charge"]["nc"])
    opposite_signs(reference, opposite)
    value = k_pol(reference, opposite)
    m, o = shown(abs(reference)), shown(abs(opposite))
    step = CalculationStep(
        "k_pol", "(|M+| + |M−|)/(2 |M|)", f"({m} + {o}) / (2 × {m})", value, "1", "TRS-398 Rev.1 = TG-51, this session"
    )
    return Factor(value, "1", stated["u_percent"], stated["source"]), [step]


def _recombination(inputs: Inputs) -> tuple[Factor, list[CalculationStep]] | None:
    stated = inputs.get("recombination")
    if stated is None:
        return None
    full = inputs["charge"]["nc"]
    reduced = _charge(inputs, "reduced", full)
    if full * reduced <= 0:
        raise Invalid("The readings at the two voltages have different signs: the voltage was reversed between them.")
    form, formula, with_numbers, source, _ = FORMS[inputs["protocol"]][stated["beam"]]
    n, r = voltage_ratio(stated["high_v"], stated["low_v"]), full / reduced
    value = form(n, r)
    volts = f"{shown(stated['high_v'])} / {shown(stated['low_v'])}"
    steps = [
        CalculationStep("n", "V1/V2", volts, n, "1", "voltages of the plan; the daemon does not read them back"),
        CalculationStep("r", "M1/M2", f"{shown(abs(full))} / {shown(abs(reduced))}", r, "1", "this session"),
        CalculationStep("k_s", formula, with_numbers(n, r), value, "1", source),
    ]
    return Factor(value, "1", stated["u_percent"], stated["source"]), steps


def _follows(inputs: Inputs) -> float:
    """Relative change of k_s for a relative change of M1/M2, where the session measured it."""
    stated = inputs.get("recombination")
    if stated is None or "reduced" not in inputs:
        return 0.0
    *_, follows = FORMS[inputs["protocol"]][stated["beam"]]
    return follows(voltage_ratio(stated["high_v"], stated["low_v"]), inputs["charge"]["nc"] / inputs["reduced"]["nc"])


def _charge(inputs: Inputs, name: str, nominal_nc: float) -> float:
    """The measured charge; before the measurement (planning) one that gives a correction of about 1."""
    if name in inputs:
        return float(inputs[name]["nc"])
    if "background" in inputs:
        raise Invalid(f"The charge at the {'opposite polarity' if name == 'opposite' else 'lower voltage'} is missing.")
    return nominal_nc
