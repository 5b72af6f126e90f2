"""Element corrections of a batch (ECC, k_s,i) and a reader's coefficient (RCF, N_D,w) from readouts at one known dose.

Forms after AAPM TG-191 (recalled, not re-read): k_s,i = mean(M)/M_i and RCF = mean(M k)/D, in the background form in
which they will be used. Uncertainties after the GUM: what is common to all elements does not shrink with their number.

A cycle is annealing, irradiating to the dose and reading all elements once. Signals are compared within a cycle, so
that a reader which drifts from one to the next, or another dose, changes no element's correction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from acquire.dosimetry.budget import Budget, Contribution, effective_dof
from acquire.dosimetry.calibration import Coefficient
from acquire.dosimetry.dose import shown
from acquire.dosimetry.errors import MissingFactor, OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.luminescence import Background, net_signal
from acquire.dosimetry.outliers import OutlierRule, outside

FEWEST = 3  # elements of a batch
SOURCE = "AAPM TG-191, k_s,i = mean(M)/M_i"


@dataclass(frozen=True, slots=True)
class Blank:
    """Background of one cycle in the signal's unit, the standard uncertainty of that mean, its degrees of freedom."""

    value: float
    u: float
    dof: float

    def __post_init__(self) -> None:
        finite_fields(self)


NO_BLANK = Blank(0.0, 0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Repeatability:
    """How one readout of an element scatters, in percent (k = 1), with degrees of freedom and where it is from."""

    u_percent: float
    dof: float
    source: str

    def __post_init__(self) -> None:
        finite_fields(self)


@dataclass(frozen=True, slots=True)
class Correction:
    """One element's k_s,i with its relative standard uncertainty in percent and its own scatter over the cycles."""

    value: float
    u_percent: float
    dof: float
    scatter_percent: float | None

    def __post_init__(self) -> None:
        finite_fields(self)


@dataclass(frozen=True, slots=True)
class BatchCorrections:
    """What a batch's readouts give: corrections by element, what lies outside and why, and how a readout repeats."""

    corrections: Mapping[str, Correction]
    outside: Mapping[str, str]
    repeatability: Repeatability

    @property
    def common(self) -> tuple[float, float]:
        """(u in percent, degrees of freedom) that holds for each of them: the largest, and the fewest."""
        every = self.corrections.values()
        return max(c.u_percent for c in every), min(c.dof for c in every)


@finite
def blank_of(signals: Sequence[float]) -> Blank:
    """Mean of several blank elements of one cycle, with its type A uncertainty.

    Raises MissingFactor for fewer than two (their scatter is not known), OutsideValidity for a negative one.
    """
    if len(signals) < 2:
        raise MissingFactor(f"A background needs at least 2 blank elements in each cycle; there are {len(signals)}.")
    if min(signals) < 0:
        raise OutsideValidity(f"A blank element reads {min(signals):g}; a signal of light is not negative.")
    return Blank(fmean(signals), stdev(signals) / math.sqrt(len(signals)), len(signals) - 1)


@finite
def batch_corrections(
    signals: Mapping[str, Sequence[float]],
    blanks: Sequence[Blank],
    form: Background,
    rule: OutlierRule,
    stated: Repeatability | None = None,
) -> BatchCorrections:
    """k_s,i of every element that was read in each cycle, in "1".

    signals: one a cycle for each element; blanks: one a cycle. "before-sensitivity": the blank is taken off first.
    "after-sensitivity": the background is that of the elements themselves and goes with their sensitivity, so signals
    are compared as they are. With several cycles the repeatability is what the readouts show (type A, (n-1)(R-1)
    degrees of freedom), with a single one it is `stated`. Raises OutsideValidity and MissingFactor.
    """
    taken_off = blanks if form == "before-sensitivity" else [NO_BLANK] * len(blanks)
    nets = {name: [m - b.value for m, b in zip(row, taken_off, strict=True)] for name, row in signals.items()}
    no_light = {name: "no signal above the blanks" for name, row in nets.items() if min(row) <= 0}
    nets = {name: row for name, row in nets.items() if name not in no_light}
    out = no_light | (outside(_sensitivities(_relative(nets)), rule) if nets else {})
    kept = {name: row for name, row in nets.items() if name not in out}
    if len(kept) < FEWEST:
        raise OutsideValidity(
            f"Element corrections need at least {FEWEST} elements that count; there are {len(kept)}"
            + "".join(f"; {name}: {why}" for name, why in out.items())
            + "."
        )
    relative = _relative(kept)
    repeats = _repeatability(relative, stated)
    made = {name: _correction(name, relative, repeats, kept, taken_off) for name in kept}
    return BatchCorrections(made, out, repeats)


def _relative(nets: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Signals over the mean of their cycle."""
    means = [fmean(column) for column in zip(*nets.values(), strict=True)]
    return {name: [m / mean for m, mean in zip(row, means, strict=True)] for name, row in nets.items()}


def _sensitivities(relative: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: fmean(row) for name, row in relative.items()}


def _repeatability(relative: Mapping[str, Sequence[float]], stated: Repeatability | None) -> Repeatability:
    """The scatter of an element about its own mean; the mean of each cycle took n - 1 of n degrees of freedom."""
    n, cycles = len(relative), len(next(iter(relative.values())))
    if (cycles == 1) == (stated is None):
        raise MissingFactor(
            "With one cycle the repeatability of a readout must be stated (percent, degrees of freedom, source); with"
            " several it is what they show, and nothing is stated."
        )
    if stated is not None:
        return stated
    dof = (n - 1) * (cycles - 1)
    squares = math.fsum((x / fmean(row) - 1) ** 2 for row in relative.values() for x in row)
    return Repeatability(100 * math.sqrt(squares / dof), dof, f"{n} elements in {cycles} cycles")


def _correction(
    name: str,
    relative: Mapping[str, Sequence[float]],
    repeats: Repeatability,
    nets: Mapping[str, Sequence[float]],
    blanks: Sequence[Blank],
) -> Correction:
    """k = 1/s; u from the readout against the mean that it is part of, and from the blank that both share."""
    n, row, sensitivities = len(relative), relative[name], _sensitivities(relative)
    s, cycles = sensitivities[name], len(row)
    share = 1 - 2 * s / n + math.fsum(x * x for x in sensitivities.values()) / n**2
    parts = [(repeats.u_percent * math.sqrt(share / cycles), repeats.dof)]
    for cycle, blank in enumerate(blanks):
        mean = fmean(each[cycle] for each in nets.values())
        parts.append((100 * blank.u * abs(1 / nets[name][cycle] - 1 / mean) / cycles, blank.dof))
    u_percent = math.sqrt(math.fsum(u * u for u, _ in parts))
    scatter = 100 * stdev(row) / s if cycles > 1 else None
    return Correction(1 / s, u_percent, effective_dof(parts), scatter)


@finite
def reader_coefficient(
    nets: Sequence[float],
    blank: Blank,
    blank_share: float,
    dose_cgy: float,
    dose: Contribution,
    scatter: Contribution,
    *,
    per_signal: bool = False,
    unit: str = "nC",
) -> Coefficient:
    """RCF = mean(net)/D in signal per cGy, or with `per_signal` N_D,w = D/mean(net) in cGy per signal.

    nets: net signals of the elements, sensitivity and background corrected, of which `blank` was taken off
    `blank_share` times (1 after the sensitivity, the mean sensitivity before it). `scatter`: the type A row of their
    mean. Raises OutsideValidity.
    """
    mean = fmean(nets)
    if dose_cgy <= 0 or mean <= 0:
        raise OutsideValidity(
            f"A reader's coefficient needs a dose and a net signal above 0, not {dose_cgy} and {mean}."
        )
    rows = [dose, scatter]
    if blank.u:
        rows.append(Contribution("background", 100 * blank.u * blank_share / mean, "blanks", "A", dof=blank.dof))
    top, below = (dose_cgy, mean) if per_signal else (mean, dose_cgy)
    numbers = f"{shown(top)} / {shown(below)}"
    return Coefficient(
        top / below, f"cGy/{unit}" if per_signal else f"{unit}/cGy", Budget(tuple(rows)), numbers, SOURCE
    )


@finite
def nets_of_standards(
    signals: Mapping[str, tuple[float, float]], blank: Blank, form: Background
) -> tuple[dict[str, float], float]:
    """Net signals of standards given as (signal, sensitivity), and how often the blank is in their mean."""
    nets = {name: net_signal(m, k, blank.value, form) for name, (m, k) in signals.items()}
    share = 1.0 if form == "after-sensitivity" else fmean(k for _, k in signals.values())
    return nets, share


@finite
def scatter_of(nets: Sequence[float]) -> Contribution:
    """The type A row of the mean of several net signals: what readouts and element corrections scatter together."""
    if len(nets) < 2:
        raise MissingFactor(f"The scatter of standards needs at least 2 of them; there are {len(nets)}.")
    n, mean = len(nets), fmean(nets)
    u_percent = 100 * stdev(nets) / math.sqrt(n) / abs(mean)
    return Contribution("scatter of the standards", u_percent, f"{n} standards", kind="A", dof=n - 1)
