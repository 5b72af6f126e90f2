"""TLD and OSL points: coefficient and background of the reader session, the chain the plan names, its linearity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from acquire.dosimetry import (
    BackgroundSignal,
    CalculationStep,
    Dose,
    Dot,
    ElementSignal,
    Factor,
    ReaderForm,
    StandardsMean,
    ZeroDoseReadings,
    background_of_session,
    fading_linear,
    in_sites_range,
    linearity_line,
    mean_of_standards,
    n_dw_of_standards,
    osl_dose,
    rcf_of_standards,
    reader_dose_mrad,
    reader_form_dose,
    stated_background,
    tld_dose,
    within_days,
)
from acquire.dosimetry.dose import shown
from acquire.dosimetry.luminescence import depletion_corrected, net_formula, net_signal
from acquire.dosimetry.osl import corrected_signal, depletion_step
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.factors import Inputs
from acquire.procedure.methods.reader_checks import above_detection, check_steps
from acquire.procedure.methods.rows import components_of, factor_of, factors_of

# The reader's coefficient, the background, the standards that gave it, and how they came about.
Made = tuple[Factor, BackgroundSignal, StandardsMean | None, list[CalculationStep]]
NOMINAL = {"value": 1.0, "unit": "1", "u_percent": 0.0, "source": "nominal, for planning only"}


def tld_point_dose(inputs: Inputs) -> Dose:
    """The dose of a TLD point. Raises DosimetryError or Invalid."""
    k_f, steps = fading_factor(inputs)
    factors = factors_of(inputs["factors"]) | k_f
    rcf, background, standards, reader_steps = _rcf(inputs, factors)
    for element in inputs["elements"]:
        if rcf.unit != f"{element['unit']}/cGy":
            raise Invalid(f"{element['element']} was read in {element['unit']}, but RCF is in {rcf.unit}.")
    fixed = _fixed(inputs) | {
        "elements": _signals(inputs["elements"]),
        "background": background,
        "standards": standards,
        "rcf": rcf,
        "background_form": inputs["background_form"],
    }
    dose = _linear(inputs, factors, lambda ks, follows: tld_dose(factors=ks, k_l_follows=follows, **fixed))
    return _checked(inputs, _after(reader_steps, _with_steps(steps, dose)), rcf)


def osl_point_dose(inputs: Inputs) -> Dose:
    """The dose of an OSL point, by the chain its plan names. Raises DosimetryError or Invalid."""
    k_f, steps = fading_factor(inputs)
    factors = factors_of(inputs["factors"]) | k_f
    for element in inputs["elements"]:
        if element["unit"] != "{counts}":
            raise Invalid(f"{element['element']} was read in {element['unit']}; an OSL dot is read in counts.")
    if inputs["chain"] == "reader":
        reader = factor_of(inputs["factors"]["reader_factor"]) if "reader_factor" in factors else None
        dose = _with_steps(steps, _reader_form(inputs, factors))
        return _checked(inputs, dose, reader) if reader else dose
    form = _form(inputs)
    n_dw, background, standards, reader_steps = _n_dw(inputs, factors, form)
    fixed = _fixed(inputs) | {
        "dots": _dots(inputs["elements"]), "background": background, "standards": standards, "n_dw": n_dw, "form": form
    }  # fmt: skip
    dose = _linear(inputs, factors, lambda ks, follows: osl_dose(factors=ks, k_l_follows=follows, **fixed))
    return _checked(inputs, _after(reader_steps, _with_steps(steps, dose)), n_dw)


def _checked(inputs: Inputs, dose: Dose, coefficient: Factor) -> Dose:
    """The dose, once the check element and the detection limit have let it pass; their steps stand first."""
    made = check_steps(inputs)
    limit = above_detection(inputs, dose, coefficient)
    return _after([*made, limit] if limit is not None else made, dose)


def fading_factor(inputs: Inputs) -> tuple[dict[str, Factor], list[CalculationStep]]:
    """k_F from the days that passed, where the plan states the site's fading; nothing where k_F was entered."""
    fading = inputs.get("fading")
    if fading is None:
        return {}, []
    for element, days in inputs["days"].items():
        within_days(days, fading["low_days"], fading["high_days"], element)
    days = fmean(inputs["days"].values())
    own = fading["days_of_standards"] if "days_of_standards" in fading else fmean(inputs["standard_days"].values())
    value = fading_linear(fading["per_day"], days, own)
    numbers = f"1 + {fading['per_day']:g} × ({shown(days)} − {shown(own)})"
    step = CalculationStep("k_F", "1 + rate · (days − days of the standards)", numbers, value, "1", fading["source"])
    return {"k_f": _of_curve(value, fading)}, [step]


def nominal_elements(needed: Inputs, eccs: Mapping[str, Any]) -> dict[str, Any]:
    """Elements, standards and controls before anything is read: the same dose on every element, k_L = 1."""
    factors = needed["factors"]
    own = next((factors[name] for name in ("rcf", "n_dw", "reader_factor") if name in factors), None)
    unit = "nC" if needed["method"] == "tld" and not (own and own["unit"].startswith("{counts}")) else "{counts}"
    if needed.get("chain") == "reader":
        value = {e: 1e4 * own["value"] * ecc["value"] for e, ecc in eccs.items()} if own else {}
    else:
        background = factors.get("background", {"value": 0.0})["value"]
        per_cgy = 1.0 if own is None else own["value"] if needed["method"] == "tld" else 1 / own["value"]
        value = {e: (background + 10 * per_cgy) / ecc["value"] for e, ecc in eccs.items()}
    made: dict[str, Any] = {
        "elements": [{"element": e, "value": value[e], "unit": unit, "ecc": ecc} for e, ecc in eccs.items()],
        "standards": [{"element": "-", "value": 100.0, "unit": unit, "ecc": NOMINAL}],
        "controls": [{"element": "-", "value": 0.0, "unit": unit, "ecc": NOMINAL}],
    }
    made |= {"blanks": None, "check": None, "coefficient_range": None}
    if "fading" in needed:
        days = needed["fading"]["low_days"]
        made |= {"days": dict.fromkeys(eccs, days), "standard_days": {"-": days}}
    if "linearity" in needed:
        line = needed["linearity"]
        k_l = {"value": 1.0, "unit": "1", "u_percent": line["u_percent"], "source": line["source"]}
        made |= {"factors": factors | {"k_l": k_l}, "linearity": None}
    return made


def _with_steps(steps: list[CalculationStep], dose: Dose) -> Dose:
    """The dose with these steps before its last one, which uses what they give."""
    return replace(dose, steps=(*dose.steps[:-1], *steps, dose.steps[-1])) if steps else dose


def _fixed(inputs: Inputs) -> dict[str, Any]:
    return {
        "pair_limit_percent": inputs["pair_limit_percent"] or 0.0,
        "pair_rule": inputs["pair_rule"],
        "pair_named": inputs["pair_named"],
        "components": components_of(inputs["components"], "result"),
        "per_element": components_of(inputs["components"], "element"),
    }


def _linear(inputs: Inputs, factors: dict[str, Factor], dose: Any) -> Dose:
    """The dose, with k_L from the site's line at the apparent dose where the plan states one."""
    line = inputs.get("linearity")
    if line is None:
        made: Dose = dose(factors, 0.0)
        return made
    one = Factor(1.0, "1", 0.0, "apparent dose, before any correction")
    names = [name for name in (*factors, "k_l") if name.startswith("k_")]
    apparent = dose(dict.fromkeys(names, one), 0.0).value_gy
    value = linearity_line(apparent, line["slope_per_gy"], line["at_gy"], (line["low_gy"], line["high_gy"]))
    numbers = f"1 − {line['slope_per_gy']:g} × ({shown(apparent)} − {line['at_gy']:g})"
    step = CalculationStep("k_L", "1 − slope · (D_app/Gy − D_0/Gy)", numbers, value, "1", line["source"])
    follows = -line["slope_per_gy"] * apparent / value
    return _with_steps([step], dose(factors | {"k_l": _of_curve(value, line)}, follows))


def _of_curve(value: float, curve: Mapping[str, Any]) -> Factor:
    """A factor from a site's curve: every result that it corrects shares its uncertainty."""
    return Factor(value, "1", curve["u_percent"], curve["source"], shared_key=curve["source"])


def _rcf(inputs: Inputs, factors: dict[str, Factor]) -> Made:
    if "rcf" in factors:
        return _readers_own(inputs, factors, "rcf", factors["rcf"].unit.partition("/")[0])
    unit = f"{_one_unit(inputs)}/cGy"
    dose_cgy, form = _standard_dose(inputs), inputs["background_form"]
    blanks = [c["value"] * (c["ecc"]["value"] if form == "after-sensitivity" else 1.0) for c in inputs["controls"]]
    background = _of_controls(inputs, blanks)
    standards = _signals(inputs["standards"])
    value = rcf_of_standards(standards, background.value, dose_cgy, form)
    nets = [net_signal(s.signal, s.ecc.value, background.value, form) for s in standards]
    steps = _reader_steps(inputs, blanks, nets)
    mean = mean_of_standards(nets, [s.ecc.value for s in standards], form, _session_key(inputs))
    steps.append(_coefficient_step("RCF", "mean M / D", f"{shown(fmean(nets))} / {shown(dose_cgy)}", value, unit))
    return _of_session(inputs, value, unit), background, mean, steps


def _n_dw(inputs: Inputs, factors: dict[str, Factor], form: ReaderForm) -> Made:
    if "n_dw" in factors:
        return _readers_own(inputs, factors, "n_dw", "{counts}")
    _one_unit(inputs)
    blank = replace(form, background="after-sensitivity")
    controls = _dots(inputs["controls"])
    if form.background == "before-sensitivity":
        controls = [replace(dot, k_s=replace(dot.k_s, value=1.0)) for dot in controls]
    blanks = [corrected_signal(dot, 0.0, blank) for dot in controls]
    background = _of_controls(inputs, blanks)
    standards, dose_cgy = _dots(inputs["standards"]), _standard_dose(inputs)
    value = n_dw_of_standards(standards, background.value, dose_cgy, form)
    nets = [corrected_signal(dot, background.value, form) for dot in standards]
    mean = mean_of_standards(nets, [dot.k_s.value for dot in standards], form.background, _session_key(inputs))
    steps, unit = _reader_steps(inputs, blanks, nets), "cGy/{counts}"
    steps.append(_coefficient_step("N_D,w", "D / mean M", f"{shown(dose_cgy)} / {shown(fmean(nets))}", value, unit))
    return _of_session(inputs, value, unit), background, mean, steps


def _of_controls(inputs: Inputs, signals: Sequence[float]) -> BackgroundSignal:
    """Mean of the session's controls, which all its results share, with its uncertainty."""
    names = ", ".join(c["element"] for c in inputs["controls"])
    return background_of_session(
        signals, f"controls {names} of this reader session", f"{inputs['reader']}: {names}", _zero_dose(inputs)
    )


def _zero_dose(inputs: Inputs) -> ZeroDoseReadings | None:
    """The scatter of the batch's zero-dose readings, where the plan states it."""
    blanks = inputs.get("blanks")
    return None if blanks is None else ZeroDoseReadings(blanks["sd"], blanks["n"], blanks["source"])


def _readers_own(inputs: Inputs, factors: dict[str, Factor], name: str, unit: str) -> Made:
    """Coefficient and background of the reader's own calibration, which must be in one unit of signal."""
    coefficient, background = factors.pop(name), factors.pop("background")
    if background.unit != unit:
        reader = inputs["reader"]
        raise Invalid(
            f"The background of {reader} is in {background.unit}, its coefficient in {coefficient.unit}: the signal"
            " needs one unit."
        )
    _not_negative(background.value, inputs["reader"])
    return coefficient, stated_background(background, _zero_dose(inputs)), None, []


def _not_negative(background: float, reader: str) -> None:
    if background < 0:
        raise Invalid(f"The background of {reader} is {background:g}; a background is not negative.")


def _one_unit(inputs: Inputs) -> str:
    """The unit in which standards, controls and elements were read. Raises Invalid where they are not alike."""
    first = inputs["elements"][0]
    for each in (*inputs["standards"], *inputs["controls"], *inputs["elements"]):
        if each["unit"] != first["unit"]:
            raise Invalid(
                f"{each['element']} was read in {each['unit']}, {first['element']} in {first['unit']}: one unit is"
                " needed to compare them."
            )
    return str(first["unit"])


def _reader_steps(inputs: Inputs, blanks: Sequence[float], nets: Sequence[float]) -> list[CalculationStep]:
    """Background and the net signals of the standards, in the form the batch chose."""
    unit, form = inputs["standards"][0]["unit"], inputs["background_form"]
    controls = ", ".join(c["element"] for c in inputs["controls"])
    made = [
        CalculationStep(
            "B", f"mean of {controls}", _mean(blanks), fmean(blanks), unit, "controls of this reader session"
        )
    ]
    for entry, net in zip(inputs["standards"], nets, strict=True):
        signal = fmean(entry.get("readings", [entry["value"]]))
        m, k, b = shown(signal), shown(entry["ecc"]["value"]), shown(fmean(blanks))
        numbers = f"{m} × {k} − {b}" if form == "after-sensitivity" else f"({m} − {b}) × {k}"
        source = "standards of this reader session"
        made.append(
            CalculationStep(f"M({entry['element']})", net_formula(form, "M", "k_s"), numbers, net, unit, source)
        )
    return made


def _mean(values: Sequence[float]) -> str:
    return f"({' + '.join(shown(v) for v in values)}) / {len(values)}" if len(values) > 1 else shown(values[0])


def _coefficient_step(what: str, formula: str, numbers: str, value: float, unit: str) -> CalculationStep:
    return CalculationStep(what, formula, numbers, value, unit, "standards of this reader session")


def _after(steps: list[CalculationStep], dose: Dose) -> Dose:
    """The dose with these steps before its own."""
    return replace(dose, steps=(*steps, *dose.steps)) if steps else dose


def _reader_form(inputs: Inputs, factors: dict[str, Factor]) -> Dose:
    """The reader's own form: its factor is of the session, the control a dose in mrad or the session's control dots."""
    if "reader_factor" not in factors:
        raise Invalid("The reader's own form needs reader_factor in the reader's calibration, not standards.")
    reader, control = factors.pop("reader_factor"), factors.pop("background")
    if control.unit != "mRAD":
        raise Invalid(f"The background of the reader's own form is in {control.unit}; it must be in mRAD.")
    _not_negative(control.value, inputs["reader"])
    subtracted = stated_background(control, _zero_dose(inputs))
    if inputs["controls"]:
        read = [reader_dose_mrad(c["value"], reader.value, c["ecc"]["value"]) for c in inputs["controls"]]
        subtracted = _of_controls(inputs, read)
    form, dots = _form(inputs), _dots(inputs["elements"])
    several = [dot for dot in dots if len(dot.readings) > 1]
    means = {dot.element: fmean(depletion_corrected(dot.readings, form.depletion_per_reading, form.depletion))
             for dot in dots}  # fmt: skip
    dose = reader_form_dose(
        counts=[(dot.element, means[dot.element], dot.k_s) for dot in dots],
        control=subtracted,
        control_by_factor=bool(inputs["controls"]),
        reader_factor=reader,
        factors=factors,
        position=inputs["position"],
        **_fixed(inputs),
    )
    return _after([depletion_step(dot, form, means[dot.element]) for dot in several], dose)


def _standard_dose(inputs: Inputs) -> float:
    dose = inputs["standard_dose"]
    if dose["unit"] != "cGy":
        raise Invalid(f"The dose of the standards is in {dose['unit']}; it must be in cGy.")
    return float(dose["value"])


def _of_session(inputs: Inputs, value: float, unit: str) -> Factor:
    """The coefficient that the standards of this reader session give; all its results share its uncertainty."""
    names = ", ".join(s["element"] for s in inputs["standards"])
    if inputs.get("coefficient_range"):
        in_sites_range(value, tuple(inputs["coefficient_range"]), f"The coefficient of {names} in {unit}")
    source = f"standards {names} of the same reader session"
    return Factor(value, unit, inputs["rcf_u_percent"], source, shared_key=_session_key(inputs))


def _session_key(inputs: Inputs) -> str:
    """What the results of one reader session share: its standards."""
    return f"{inputs['reader']}: {', '.join(s['element'] for s in inputs['standards'])}"


def _form(inputs: Inputs) -> ReaderForm:
    return ReaderForm(
        inputs["depletion_per_reading"], inputs["depletion"], inputs["background_form"], inputs["position"]
    )


def _signals(entries: Sequence[Mapping[str, Any]]) -> list[ElementSignal]:
    return [ElementSignal(e["element"], e["value"], factor_of(e["ecc"])) for e in entries]


def _dots(entries: Sequence[Mapping[str, Any]]) -> list[Dot]:
    return [Dot(e["element"], tuple(e.get("readings", [e["value"]])), factor_of(e["ecc"])) for e in entries]
