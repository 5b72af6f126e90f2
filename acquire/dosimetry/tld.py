"""TLD elements: reader calibration by standards of the same session, element correction, background, dose.

The ECC/RCF form of AAPM TG-191 (recalled, not re-read): D = mean over elements of (Q ECC - B)/RCF, x k_F k_L k_Q.
The background is the mean of sensitivity-corrected control elements and is taken off after the element correction; the
other form can be asked for and is then named in the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from acquire.dosimetry.attempts import PairRule
from acquire.dosimetry.background import BackgroundSignal, NetSignals, StandardsMean
from acquire.dosimetry.believed import believed
from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.counted import settled, stated_pair_rule, stated_per_element, stated_session
from acquire.dosimetry.dose import Calculation, Dose, shown
from acquire.dosimetry.errors import Blocked, MissingFactor, OutsideValidity
from acquire.dosimetry.factor import Circumstances, Factor, needed, no_others, positive
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.luminescence import Background, net_formula, net_signal

SOURCE = "AAPM TG-191, ECC/RCF form"
CORRECTIONS = ("k_f", "k_l", "k_q")


@dataclass(frozen=True, slots=True)
class ElementSignal:
    """Reading of one element (nC, or counts) with its element correction coefficient (ECC, k_s)."""

    element: str
    signal: float
    ecc: Factor

    def __post_init__(self) -> None:
        finite_fields(self)


@finite
def rcf_of_standards(
    standards: Sequence[ElementSignal],
    background: float,
    dose_cgy: float,
    background_form: Background = "after-sensitivity",
) -> float:
    """Reader calibration factor in signal per cGy: mean net signal of the standards / their dose.

    Raises Blocked, MissingFactor, OutsideValidity.
    """
    if not standards:
        raise MissingFactor("The standards of this reader session are missing: without them there is no result.")
    if dose_cgy <= 0:
        raise OutsideValidity(f"The dose of the standards is {dose_cgy} cGy; it must be above 0.")
    mean = fmean([net_signal(s.signal, s.ecc.value, background, background_form) for s in standards])
    value = mean / dose_cgy
    if value <= 0:
        raise Blocked("The standards read no more than the controls: standards and controls may have been exchanged.")
    return value


@finite
def tld_dose(
    *,
    elements: Sequence[ElementSignal],
    background: BackgroundSignal,
    rcf: Factor,
    factors: Mapping[str, Factor],
    pair_limit_percent: float,
    components: Sequence[Contribution] = (),
    per_element: Sequence[Contribution] = (),
    background_form: Background = "after-sensitivity",
    pair_rule: PairRule = "none",
    pair_named: str | None = None,
    standards: StandardsMean | None = None,
    k_l_follows: float = 0.0,
    at: Circumstances | None = None,
) -> Dose:
    """Mean dose of the elements at a point.

    background in the signal's unit; rcf in nC/cGy or {counts}/cGy; factors k_f, k_l, k_q in "1", and k_theta where the
    site uses it. per_element: uncertainty rows of the reading of one element, which the mean of several shares out.
    standards: those that rcf was made from, where they were read in the same session; the background is then in both.
    k_l_follows: relative change of k_l for a relative change of the apparent dose. Raises MissingFactor,
    OutsideValidity, and Blocked when two elements differ by more than pair_limit_percent, unless the plan states
    another pair_rule (see `pair_choice`): never a silent mean.
    """
    name = "TLD dose"
    if rcf.unit not in ("nC/cGy", "{counts}/cGy"):
        raise OutsideValidity(f"{name} needs the reader's factor in nC/cGy or {{counts}}/cGy, not in {rcf.unit}.")
    positive(needed({"rcf": rcf}, "rcf", rcf.unit, name, at), "rcf")
    if not elements:
        raise MissingFactor("No element of this point has been read.")
    wanted = (*CORRECTIONS, *(("k_theta",) if "k_theta" in factors else ()))
    ks = {each: believed("tld", each, needed(factors, each, "1", name, at)) for each in wanted}
    no_others(factors, (*CORRECTIONS, "k_theta"), name)
    inputs = {
        "elements": list(elements), "background": background, "rcf": rcf, "factors": dict(factors),
        "pair_limit_percent": pair_limit_percent, "components": list(components), "background_form": background_form,
        **stated_pair_rule(pair_rule, pair_named), **stated_per_element(per_element),
        **stated_session(standards, k_l_follows),
    }  # fmt: skip
    work = Calculation(name, inputs)
    doses = [_element_dose(work, each, background.value, rcf, background_form) for each in elements]
    names = [each.element for each in elements]
    counted = settled(work, names, doses, pair_limit_percent, pair_rule, pair_named)
    used = [doses[i] for i in counted]
    dose_cgy = fmean(used)
    for factor in ks.values():
        dose_cgy *= factor.value
    numbers = " × ".join([_mean_of(used), *(shown(factor.value) for factor in ks.values())])
    work.step("D_w", " · ".join(("mean D", *ks)), numbers, dose_cgy, "cGy", SOURCE)
    net = _net([elements[i] for i in counted], background.value, background_form, 1 + k_l_follows)
    work.row("rcf", rcf, sensitivity=-net.follows)
    work.rows.extend(net.rows("ecc", per_element, background, standards))
    for each_k, factor in ks.items():
        work.row(each_k, factor)
    work.rows.extend(components)
    return work.dose(dose_cgy / 100)


def _element_dose(work: Calculation, each: ElementSignal, background: float, rcf: Factor, form: Background) -> float:
    value = net_signal(each.signal, each.ecc.value, background, form) / rcf.value
    q, ecc, b = shown(each.signal), shown(each.ecc.value), shown(background)
    inner = f"{q} × {ecc} − {b}" if form == "after-sensitivity" else f"({q} − {b}) × {ecc}"
    numbers = f"({inner}) / {shown(rcf.value)}"
    return work.step(f"D({each.element})", f"({net_formula(form)})/RCF", numbers, value, "cGy", SOURCE)


def _net(elements: Sequence[ElementSignal], background: float, form: Background, follows: float) -> NetSignals:
    """The signals of the elements that count, for their rows of the budget."""
    gross = tuple(each.signal * each.ecc.value for each in elements)
    net = tuple(net_signal(each.signal, each.ecc.value, background, form) for each in elements)
    return NetSignals(gross, net, tuple(each.ecc for each in elements), form, follows)


def _mean_of(values: Sequence[float]) -> str:
    return f"({' + '.join(shown(v) for v in values)}) / {len(values)}" if len(values) > 1 else shown(values[0])
