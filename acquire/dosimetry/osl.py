"""OSL dots: the chain of AAPM TG-191 (recalled, not re-read), the reader's own form, the form of the mailed audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from acquire.dosimetry.attempts import PairRule
from acquire.dosimetry.background import BackgroundSignal, NetSignals, StandardsMean
from acquire.dosimetry.believed import believed
from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.counted import settled, stated_pair_rule, stated_per_element, stated_session
from acquire.dosimetry.dose import Calculation, CalculationStep, Dose, shown
from acquire.dosimetry.errors import Blocked, MissingFactor, OutsideValidity
from acquire.dosimetry.factor import Circumstances, Factor, needed, no_others, positive
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.luminescence import Background, Depletion, depletion_corrected, net_formula, net_signal

SOURCE = "AAPM TG-191"
Position = Literal["in-field", "out-of-field"]
AFTER: Background = "after-sensitivity"


@dataclass(frozen=True, slots=True)
class Dot:
    """One OSL element: its repeated readings in order, in counts, and its sensitivity correction k_s."""

    element: str
    readings: tuple[float, ...]
    k_s: Factor

    def __post_init__(self) -> None:
        finite_fields(self)


@dataclass(frozen=True, slots=True)
class ReaderForm:
    """The forms a site has chosen, named in every step and in the hash: depletion, background, place in the field."""

    depletion_per_reading: float
    depletion: Depletion
    background: Background
    position: Position

    def __post_init__(self) -> None:
        finite_fields(self)


@finite
def n_dw_of_standards(standards: Sequence[Dot], background: float, dose_cgy: float, form: ReaderForm) -> float:
    """N_D,w = D_0/M_0 in cGy per count, from standards of known dose read in the same session.

    Raises Blocked, MissingFactor, OutsideValidity.
    """
    if not standards:
        raise MissingFactor("The standards of this reader session are missing: without them there is no result.")
    if dose_cgy <= 0:
        raise OutsideValidity(f"The dose of the standards is {dose_cgy} cGy; it must be above 0.")
    mean = fmean([corrected_signal(each, background, form) for each in standards])
    if mean <= 0:
        raise Blocked("The standards read no more than the controls: standards and controls may have been exchanged.")
    return dose_cgy / mean


@finite
def corrected_signal(dot: Dot, background: float, form: ReaderForm) -> float:
    """M_corr of one dot in counts: mean of the depletion-corrected readings, its sensitivity and the background.

    Raises MissingFactor for a dot that has not been read.
    """
    if not dot.readings:
        raise MissingFactor(f"Dot {dot.element} has not been read.")
    mean = fmean(depletion_corrected(dot.readings, form.depletion_per_reading, form.depletion))
    return net_signal(mean, dot.k_s.value, background, form.background)


@finite
def osl_dose(
    *,
    dots: Sequence[Dot],
    background: BackgroundSignal,
    n_dw: Factor,
    factors: Mapping[str, Factor],
    form: ReaderForm,
    pair_limit_percent: float,
    components: Sequence[Contribution] = (),
    per_element: Sequence[Contribution] = (),
    pair_rule: PairRule = "none",
    pair_named: str | None = None,
    standards: StandardsMean | None = None,
    k_l_follows: float = 0.0,
    at: Circumstances | None = None,
) -> Dose:
    """D_w = mean(M_corr) N_D,w k_F k_L k_Q k_θ.

    n_dw in cGy/{counts}; factors k_f, k_l, k_theta and k_q in "1". Out of the field the energy correction is k_q_out, a
    value of the site (published ones run from 0.69 to 0.95, and one study finds the other sign). background, standards,
    per_element and k_l_follows as in `tld_dose`. Raises MissingFactor, OutsideValidity, Blocked.
    """
    name = f"OSL dose, {form.position}"
    energy = energy_factor(form.position)
    n_dw = positive(needed({"n_dw": n_dw}, "n_dw", "cGy/{counts}", name, at), "n_dw")
    wanted = ("k_f", "k_l", energy, "k_theta")
    ks = {each: believed("osl", each, needed(factors, each, "1", name, at)) for each in wanted}
    no_others(factors, wanted, name)
    if not dots:
        raise MissingFactor("No dot of this point has been read.")
    inputs = {
        "dots": list(dots), "background": background, "n_dw": n_dw, "factors": dict(factors), "form": form,
        "pair_limit_percent": pair_limit_percent, "components": list(components),
        **stated_pair_rule(pair_rule, pair_named), **stated_per_element(per_element),
        **stated_session(standards, k_l_follows),
    }  # fmt: skip
    work = Calculation(name, inputs)
    signals = [_signal(work, each, background.value, form) for each in dots]
    names = [each.element for each in dots]
    counted = settled(work, names, signals, pair_limit_percent, pair_rule, pair_named)
    mean = fmean([signals[i] for i in counted])
    dose_cgy = mean * n_dw.value
    for factor in ks.values():
        dose_cgy *= factor.value
    numbers = " × ".join(shown(x) for x in (mean, n_dw.value, *(factor.value for factor in ks.values())))
    work.step("D_w", " · ".join(("mean M_corr", "N_D,w", *ks)), numbers, dose_cgy, "cGy", SOURCE)
    net = _net([dots[i] for i in counted], background.value, form, 1 + k_l_follows)
    work.row("n_dw", n_dw, sensitivity=net.follows)
    work.rows.extend(net.rows("k_s", per_element, background, standards))
    for each_k, factor in ks.items():
        work.row(each_k, factor)
    work.rows.extend(components)
    return work.dose(dose_cgy / 100)


def _net(dots: Sequence[Dot], background: float, form: ReaderForm, follows: float) -> NetSignals:
    """The signals of the dots that count, for their rows of the budget."""
    blind = replace(form, background=AFTER)
    gross = tuple(corrected_signal(each, 0.0, blind) for each in dots)
    net = tuple(corrected_signal(each, background, form) for each in dots)
    return NetSignals(gross, net, tuple(each.k_s for each in dots), form.background, follows)


def energy_factor(position: Position) -> str:
    """Name of the energy correction that holds there. Raises OutsideValidity for another place."""
    if position not in ("in-field", "out-of-field"):
        raise OutsideValidity(f"The position '{position}' is unknown: in-field or out-of-field.")
    return "k_q" if position == "in-field" else "k_q_out"


def depletion_step(dot: Dot, form: ReaderForm, mean: float) -> CalculationStep:
    """How the mean of a dot's repeated readings, in counts, came about, each brought back to the first."""
    growing = form.depletion == "growing"
    ratio = f"(1 {'+' if growing else '−'} {form.depletion_per_reading})"
    parts = " + ".join(f"{shown(r)} × {ratio}^({'' if growing else '-'}{j})" for j, r in enumerate(dot.readings))
    formula, numbers = f"mean of M_j · k_d,j ({form.depletion})", f"({parts}) / {len(dot.readings)}"
    return CalculationStep(f"M({dot.element})", formula, numbers, mean, "{counts}", SOURCE)


def _signal(work: Calculation, dot: Dot, background: float, form: ReaderForm) -> float:
    value = corrected_signal(dot, background, form)
    mean = fmean(depletion_corrected(dot.readings, form.depletion_per_reading, form.depletion))
    work.steps.append(depletion_step(dot, form, mean))
    m, k, b = shown(mean), shown(dot.k_s.value), shown(background)
    numbers = f"{m} × {k} − {b}" if form.background == "after-sensitivity" else f"({m} − {b}) × {k}"
    formula = net_formula(form.background, "M", "k_s")
    return work.step(f"M_corr({dot.element})", formula, numbers, value, "{counts}", SOURCE)


@finite
def reader_dose_mrad(counts: float, reader_factor: float, sensitivity: float) -> float:
    """D[mrad] = counts/(factor · sensitivity) of a microStar reader (vendor's form; the factor is of the session).

    Raises OutsideValidity.
    """
    if counts < 0 or reader_factor <= 0 or sensitivity <= 0:
        raise OutsideValidity("Counts must not be negative, the reader's factor and the sensitivity must be above 0.")
    return counts / (reader_factor * sensitivity)


@finite
def right_curve(dose_mrad: float, curve: Literal["low", "high"], crossover_mrad: float) -> None:
    """Raises Blocked for a dose in mrad from the curve for the other range; the cross-over is the reader's own."""
    if (dose_mrad > crossover_mrad) == (curve == "low"):
        raise Blocked(
            f"{dose_mrad:.0f} mrad were calculated with the {curve}-dose curve; it ends at {crossover_mrad:g} mrad: use"
            " the other curve."
        )


@finite
def reader_form_dose(
    *,
    counts: Sequence[tuple[str, float, Factor]],
    control: BackgroundSignal,
    reader_factor: Factor,
    factors: Mapping[str, Factor],
    position: Position,
    pair_limit_percent: float,
    components: Sequence[Contribution] = (),
    per_element: Sequence[Contribution] = (),
    pair_rule: PairRule = "none",
    pair_named: str | None = None,
    control_by_factor: bool = False,
    at: Circumstances | None = None,
) -> Dose:
    """Mean over elements of counts/(factor · sensitivity) − control, times k_F and the energy correction.

    counts: (element, counts, its sensitivity); control in mrad, control_by_factor where it was read with the same
    reader_factor in this session (else it is a dose of its own); reader_factor in {counts}/mRAD; factors k_f and k_q
    (k_q_out outside the field). 1000 mrad = 1 cGy. Raises MissingFactor.
    """
    name, energy = f"OSL dose, reader's form, {position}", energy_factor(position)
    reader = positive(needed({"reader_factor": reader_factor}, "reader_factor", "{counts}/mRAD", name, at), "factor")
    ks = {each: believed("osl", each, needed(factors, each, "1", name, at)) for each in ("k_f", energy)}
    no_others(factors, ks, name)
    if not counts:
        raise MissingFactor("No dot of this point has been read.")
    inputs = {
        "counts": [list(each) for each in counts], "control": control, "reader_factor": reader_factor,
        "factors": dict(factors), "pair_limit_percent": pair_limit_percent, "components": list(components),
        **stated_pair_rule(pair_rule, pair_named), **stated_per_element(per_element),
        **({"control_by_factor": True} if control_by_factor else {}),
    }  # fmt: skip
    work = Calculation(name, inputs)
    values = []
    for element, count, sensitivity in counts:
        gross = reader_dose_mrad(count, reader.value, sensitivity.value)
        numbers = f"{shown(count)} / ({shown(reader.value)} × {shown(sensitivity.value)})"
        work.step(f"D_reader({element})", "counts/(factor · sensitivity)", numbers, gross, "mRAD", "reader")
        net = gross - control.value
        numbers = f"{shown(gross)} − {shown(control.value)}"
        values.append(work.step(f"D({element})", "D_reader − control", numbers, net, "mRAD", "reader's form"))
    names = [each[0] for each in counts]
    counted = settled(work, names, values, pair_limit_percent, pair_rule, pair_named)
    mean = fmean([values[i] for i in counted])
    dose_cgy = mean / 1000
    for factor in ks.values():
        dose_cgy *= factor.value
    numbers = " × ".join((f"{shown(mean)} / 1000", *(shown(factor.value) for factor in ks.values())))
    work.step("D_w", " · ".join(("mean D/1000", *ks)), numbers, dose_cgy, "cGy", "reader's form")
    gross_mrad = tuple(values[i] + control.value for i in counted)
    signals = NetSignals(gross_mrad, tuple(values[i] for i in counted), tuple(counts[i][2] for i in counted), AFTER)
    work.row("reader_factor", reader, sensitivity=-1.0 if control_by_factor else -fmean(gross_mrad) / mean)
    work.rows.extend(signals.rows("sensitivity", per_element, control))
    for each_k, factor in ks.items():
        work.row(each_k, factor)
    work.rows.extend(components)
    return work.dose(dose_cgy / 100)


@finite
def audit_form_cgy(reading: float, system_sensitivity: float, ecf: float, k_f: float, k_l: float, k_e: float) -> float:
    """D = S R ECF K_F K_L K_E in cGy: the form of a mailed audit (IROC Houston)."""
    return system_sensitivity * reading * ecf * k_f * k_l * k_e
