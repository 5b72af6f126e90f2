"""What TLD and OSL points have in common: background and standards of the reader run, fading, linearity, and checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from acquire.dosimetry import (
    BackgroundSignal,
    CalculationStep,
    Dose,
    ElementSignal,
    Factor,
    StandardsMean,
    ZeroDoseReadings,
    background_of_session,
    fading_linear,
    in_sites_range,
    linearity_line,
    stated_background,
    within_days,
)
from acquire.dosimetry.dose import shown
from acquire.dosimetry.luminescence import net_formula
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.reader_checks import above_detection, check_steps
from acquire.procedure.methods.rows import components_of, factor_of
from acquire.procedure.records.factors import FactorRecord, FadingRecord, LinearityRecord
from acquire.procedure.records.measured import Elements, ElementSignalRead
from acquire.procedure.records.needs import ReaderNeeds

# The reader's coefficient, the background, the standards that gave it, and how they came about.
Made = tuple[Factor, BackgroundSignal, StandardsMean | None, list[CalculationStep]]


def checked(needs: ReaderNeeds, measured: Elements, dose: Dose, coefficient: Factor) -> Dose:
    """The dose, once the check element and the detection limit have let it pass; their steps stand first."""
    made = check_steps(needs, measured)
    limit = above_detection(needs, dose, coefficient)
    return after([*made, limit] if limit is not None else made, dose)


def fading_factor(needs: ReaderNeeds, measured: Elements) -> tuple[dict[str, Factor], list[CalculationStep]]:
    """k_F from the days that passed, where the plan states the site's fading; nothing where k_F was entered."""
    fading = needs.fading
    if fading is None:
        return {}, []
    passed = measured.days or {}
    for element, each in passed.items():
        within_days(each, fading.low_days, fading.high_days, element)
    days = fmean(passed.values())
    own = fading.days_of_standards
    if own is None:
        own = fmean((measured.standard_days or {}).values())
    value = fading_linear(fading.per_day, days, own)
    numbers = f"1 + {fading.per_day:g} × ({shown(days)} − {shown(own)})"
    step = CalculationStep("k_F", "1 + rate · (days − days of the standards)", numbers, value, "1", fading.source)
    return {"k_f": _of_curve(value, fading)}, [step]


def with_steps(steps: list[CalculationStep], dose: Dose) -> Dose:
    """The dose with these steps before its last one, which uses what they give."""
    return replace(dose, steps=(*dose.steps[:-1], *steps, dose.steps[-1])) if steps else dose


def after(steps: list[CalculationStep], dose: Dose) -> Dose:
    """The dose with these steps before its own."""
    return replace(dose, steps=(*steps, *dose.steps)) if steps else dose


def of_several(needs: ReaderNeeds) -> dict[str, Any]:
    """How several elements of a point are held against each other, and the rows that belong to no factor."""
    return {
        "pair_limit_percent": needs.pair_limit_percent or 0.0,
        "pair_rule": needs.pair_rule,
        "pair_named": needs.pair_named,
        "components": components_of(needs.components, "result"),
        "per_element": components_of(needs.components, "element"),
    }


def linear(needs: ReaderNeeds, factors: dict[str, Factor], dose: Callable[[dict[str, Factor], float], Dose]) -> Dose:
    """The dose, with k_L from the site's line at the apparent dose where the plan states one."""
    line = needs.linearity
    if line is None:
        return dose(factors, 0.0)
    one = Factor(1.0, "1", 0.0, "apparent dose, before any correction")
    names = [name for name in (*factors, "k_l") if name.startswith("k_")]
    apparent = dose(dict.fromkeys(names, one), 0.0).value_gy
    value = linearity_line(apparent, line.slope_per_gy, line.at_gy, (line.low_gy, line.high_gy))
    numbers = f"1 − {line.slope_per_gy:g} × ({shown(apparent)} − {line.at_gy:g})"
    step = CalculationStep("k_L", "1 − slope · (D_app/Gy − D_0/Gy)", numbers, value, "1", line.source)
    follows = -line.slope_per_gy * apparent / value
    return with_steps([step], dose(factors | {"k_l": _of_curve(value, line)}, follows))


def _of_curve(value: float, curve: FadingRecord | LinearityRecord) -> Factor:
    """A factor from a site's curve: every result that it corrects shares its uncertainty."""
    return Factor(value, "1", curve.u_percent, curve.source, shared_key=curve.source)


def of_controls(needs: ReaderNeeds, measured: Elements, signals: Sequence[float]) -> BackgroundSignal:
    """Mean of the session's controls, which all its results share, with its uncertainty."""
    names = ", ".join(c.element for c in measured.controls)
    return background_of_session(
        signals, f"controls {names} of this reader session", f"{needs.reader}: {names}", zero_dose(needs)
    )


def zero_dose(needs: ReaderNeeds) -> ZeroDoseReadings | None:
    """The scatter of the batch's zero-dose readings, where the plan states it."""
    blanks = needs.blanks
    return None if blanks is None else ZeroDoseReadings(blanks.sd, blanks.n, blanks.source)


def readers_own(needs: ReaderNeeds, factors: dict[str, Factor], name: str, unit: str) -> Made:
    """Coefficient and background of the reader's own calibration, which must be in one unit of signal."""
    coefficient, background = factors.pop(name), factors.pop("background")
    if background.unit != unit:
        raise Invalid(
            f"The background of {needs.reader} is in {background.unit}, its coefficient in {coefficient.unit}: the"
            " signal needs one unit."
        )
    not_negative(background.value, needs.reader)
    return coefficient, stated_background(background, zero_dose(needs)), None, []


def not_negative(background: float, reader: str) -> None:
    """Raises Invalid for a background below zero."""
    if background < 0:
        raise Invalid(f"The background of {reader} is {background:g}; a background is not negative.")


def one_unit(measured: Elements) -> str:
    """The unit in which standards, controls and elements were read. Raises Invalid where they are not alike."""
    first = measured.elements[0]
    for each in (*measured.standards, *measured.controls, *measured.elements):
        if each.unit != first.unit:
            raise Invalid(
                f"{each.element} was read in {each.unit}, {first.element} in {first.unit}: one unit is needed to"
                " compare them."
            )
    return first.unit


def reader_steps(
    needs: ReaderNeeds, measured: Elements, blanks: Sequence[float], nets: Sequence[float]
) -> list[CalculationStep]:
    """Background and the net signals of the standards, in the form the batch chose."""
    unit, form = measured.standards[0].unit, needs.background_form
    controls = ", ".join(c.element for c in measured.controls)
    made = [
        CalculationStep(
            "B", f"mean of {controls}", _mean(blanks), fmean(blanks), unit, "controls of this reader session"
        )
    ]
    for entry, net in zip(measured.standards, nets, strict=True):
        m, k, b = shown(fmean(entry.every)), shown(entry.correction.value), shown(fmean(blanks))
        numbers = f"{m} × {k} − {b}" if form == "after-sensitivity" else f"({m} − {b}) × {k}"
        source = "standards of this reader session"
        made.append(CalculationStep(f"M({entry.element})", net_formula(form, "M", "k_s"), numbers, net, unit, source))
    return made


def _mean(values: Sequence[float]) -> str:
    return f"({' + '.join(shown(v) for v in values)}) / {len(values)}" if len(values) > 1 else shown(values[0])


def coefficient_step(what: str, formula: str, numbers: str, value: float, unit: str) -> CalculationStep:
    """How the coefficient came from the standards."""
    return CalculationStep(what, formula, numbers, value, unit, "standards of this reader session")


def standard_dose_cgy(needs: ReaderNeeds) -> float:
    """What the standards received. Raises Invalid for another unit than cGy."""
    dose = needs.standard_dose
    if dose is None:
        raise Invalid("The dose of the standards is not known.")
    if dose.unit != "cGy":
        raise Invalid(f"The dose of the standards is in {dose.unit}; it must be in cGy.")
    return float(dose.value)


def of_session(needs: ReaderNeeds, measured: Elements, value: float, unit: str) -> Factor:
    """The coefficient that the standards of this reader session give; all its results share its uncertainty."""
    names = ", ".join(s.element for s in measured.standards)
    if needs.coefficient_range:
        in_sites_range(value, needs.coefficient_range, f"The coefficient of {names} in {unit}")
    if needs.rcf_u_percent is None:
        raise Invalid(f"The uncertainty of the coefficient of {names} is not known (rcf_u_percent).")
    source = f"standards {names} of the same reader session"
    return Factor(value, unit, needs.rcf_u_percent, source, shared_key=session_key(needs, measured))


def session_key(needs: ReaderNeeds, measured: Elements) -> str:
    """What the results of one reader session share: its standards."""
    return f"{needs.reader}: {', '.join(s.element for s in measured.standards)}"


def signals_of(entries: Sequence[ElementSignalRead]) -> list[ElementSignal]:
    """Signals as the dose library takes them."""
    return [ElementSignal(e.element, e.value, factor_of(e.correction)) for e in entries]


def own_coefficient(factors: Mapping[str, FactorRecord], *names: str) -> FactorRecord | None:
    """The reader's own, where no standards give it."""
    return next((factors[name] for name in names if name in factors), None)
