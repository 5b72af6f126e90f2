"""TLD elements: reader calibration by standards of the same session, element correction, background, dose.

The ECC/RCF form of AAPM TG-191 (recalled, not re-read): D = mean over elements of (Q ECC - B)/RCF, x k_F k_L k_Q.
The background is the mean of sensitivity-corrected control elements and is taken off after the element correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from acquire.dosimetry.budget import Contribution, quadrature
from acquire.dosimetry.dose import Calculation, Dose
from acquire.dosimetry.errors import Blocked, MissingFactor, OutsideValidity
from acquire.dosimetry.factor import Factor, needed

SOURCE = "AAPM TG-191, ECC/RCF form"
CORRECTIONS = ("k_f", "k_l", "k_q")


@dataclass(frozen=True, slots=True)
class ElementSignal:
    """Reading of one element (nC, or counts) with its element correction coefficient (ECC, k_s)."""

    element: str
    signal: float
    ecc: Factor


def background_of_controls(signals: Sequence[float]) -> float:
    """Mean signal of the control elements of the session. Raises MissingFactor when none was read."""
    if not signals:
        raise MissingFactor("The control elements of this reader session are missing: without them there is no result.")
    return fmean(signals)


def rcf_of_standards(standards: Sequence[ElementSignal], background: float, dose_cgy: float) -> float:
    """Reader calibration factor in signal per cGy: (mean of Q ECC of the standards - background) / their dose."""
    if not standards:
        raise MissingFactor("The standards of this reader session are missing: without them there is no result.")
    if dose_cgy <= 0:
        raise OutsideValidity(f"The dose of the standards is {dose_cgy} cGy; it must be above 0.")
    value = (fmean([s.signal * s.ecc.value for s in standards]) - background) / dose_cgy
    if value <= 0:
        raise Blocked("The standards read no more than the controls: standards and controls may have been exchanged.")
    return value


def detection_limit_cgy(blank_sd: float, rcf: float) -> float:
    """Three standard deviations of zero-dose readings, as a dose in cGy."""
    return 3 * blank_sd / rcf


def pair_difference_percent(first: float, second: float) -> float:
    """|a - b| / mean(a, b), in percent."""
    return 100 * abs(first - second) / fmean([first, second])


def tld_dose(
    *,
    elements: Sequence[ElementSignal],
    background: float,
    rcf: Factor,
    factors: Mapping[str, Factor],
    pair_limit_percent: float,
    components: Sequence[Contribution] = (),
) -> Dose:
    """Mean dose of the elements at a point.

    background in the signal's unit; rcf in nC/cGy or {counts}/cGy; factors k_f, k_l, k_q in "1". Blocked when two
    elements differ by more than pair_limit_percent: first the cause, then a stated choice, never a silent mean.
    """
    name = "TLD dose"
    if rcf.unit not in ("nC/cGy", "{counts}/cGy"):
        raise OutsideValidity(f"{name} needs the reader's factor in nC/cGy or {{counts}}/cGy, not in {rcf.unit}.")
    if not elements:
        raise MissingFactor("No element of this point has been read.")
    ks = {each: needed(factors, each, "1", name) for each in CORRECTIONS}
    inputs = {
        "elements": list(elements), "background": background, "rcf": rcf, "factors": dict(factors),
        "pair_limit_percent": pair_limit_percent, "components": list(components),
    }  # fmt: skip
    work = Calculation(name, inputs)
    doses = []
    for each in elements:
        value = (each.signal * each.ecc.value - background) / rcf.value
        numbers = f"({each.signal:.6g} × {each.ecc.value:.6g} − {background:.6g}) / {rcf.value:.6g}"
        doses.append(work.step(f"D({each.element})", "(Q · ECC − B)/RCF", numbers, value, "cGy", SOURCE))
    _check_pair(elements, doses, pair_limit_percent)
    mean = fmean(doses)
    dose_cgy = mean * ks["k_f"].value * ks["k_l"].value * ks["k_q"].value
    numbers = " × ".join([f"{mean:.6g}", *(f"{ks[each].value:.6g}" for each in CORRECTIONS)])
    work.step("D_w", "mean D · k_F · k_L · k_Q", numbers, dose_cgy, "cGy", SOURCE)
    work.row("rcf", rcf)
    spread = quadrature([each.ecc.u_percent for each in elements]) / len(elements)
    work.rows.append(Contribution("ecc", spread, elements[0].ecc.source))
    for each_k, factor in ks.items():
        work.row(each_k, factor)
    work.rows.extend(components)
    return work.dose(dose_cgy / 100)


def _check_pair(elements: Sequence[ElementSignal], doses: Sequence[float], limit_percent: float) -> None:
    if min(doses) <= 0:
        low = elements[doses.index(min(doses))].element
        raise Blocked(f"Element {low} read no more than the background: was it placed in the beam?")
    if len(doses) > 1:
        difference = pair_difference_percent(min(doses), max(doses))
        if difference > limit_percent:
            names = " and ".join(each.element for each in elements)
            raise Blocked(
                f"{names} differ by {difference:.1f} %, above the pair limit of {limit_percent:g} %: find the cause."
            )
