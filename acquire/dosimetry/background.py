"""What is subtracted from the signal of chips and dots, and what standards give: uncertainties against the net signal.

A background of half the reading doubles what every uncertainty of the reading weighs, and its own counts by its
absolute size (GUM 5.1.2); a background that the coefficient of the same session had taken off too is counted once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from acquire.dosimetry.budget import Contribution, effective_dof, quadrature
from acquire.dosimetry.errors import MissingFactor, OutsideValidity
from acquire.dosimetry.factor import Factor
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.luminescence import Background, background_of_controls
from acquire.dosimetry.readings import mean_of

ALONE = 0.2  # relative standard uncertainty of a background that one control alone gives


@dataclass(frozen=True, slots=True)
class ZeroDoseReadings:
    """Scatter of unirradiated elements: its standard deviation in the reader's unit, and from how many readings."""

    sd: float
    n: int
    source: str

    def __post_init__(self) -> None:
        finite_fields(self)
        if self.sd < 0 or self.n < 2:
            raise OutsideValidity("The scatter of zero-dose readings needs a standard deviation and at least two.")


@dataclass(frozen=True, slots=True)
class BackgroundSignal:
    """A background in the reader's unit with its standard uncertainty there; every result of the session shares it.

    each: the scatter of unirradiated elements, which the reading of every single element carries too.
    """

    value: float
    u: float
    source: str
    dof: float = math.inf
    shared_key: str | None = None
    each: ZeroDoseReadings | None = None

    def __post_init__(self) -> None:
        finite_fields(self)
        if self.u < 0:
            raise OutsideValidity(f"The uncertainty of the background ({self.source}) must not be below 0.")
        if not self.source:
            raise MissingFactor("A background without its source is not used: name the controls or the certificate.")


@dataclass(frozen=True, slots=True)
class StandardsMean:
    """Mean net signal of the standards from which a session's coefficient is made, and the scatter they show.

    per_background: by how much the mean falls for one unit more of background (1, or the mean sensitivity).
    """

    net: float
    per_background: float
    scatter_percent: float | None
    n: int
    shared_key: str | None = None

    def __post_init__(self) -> None:
        finite_fields(self)


@finite
def background_of_session(
    signals: Sequence[float], source: str, shared_key: str | None = None, blanks: ZeroDoseReadings | None = None
) -> BackgroundSignal:
    """Mean of the control elements in the reader's unit, with the standard deviation of a mean (GUM 4.2.3).

    The scatter is that of the batch's zero-dose readings where they are stated, else the controls' own. One control
    alone says nothing of its scatter: a fifth of its value is taken, twice what is published for single low readings
    (9 to 11 %, assumed to hold here).
    Raises MissingFactor when none was read, OutsideValidity for a negative one.
    """
    value, n = background_of_controls(signals), len(signals)
    if blanks is not None:
        return BackgroundSignal(value, blanks.sd / math.sqrt(n), source, blanks.n - 1, shared_key, blanks)
    if n == 1:
        return BackgroundSignal(value, ALONE * value, f"{source}; one control, scatter assumed", math.inf, shared_key)
    scatter = mean_of(signals).sem_percent or 0.0
    return BackgroundSignal(value, scatter / 100 * value, source, n - 1, shared_key)


def stated_background(factor: Factor, each: ZeroDoseReadings | None = None) -> BackgroundSignal:
    """The background of a reader's own calibration: value and relative uncertainty as the certificate has them."""
    u = abs(factor.value) * factor.u_percent / 100
    return BackgroundSignal(factor.value, u, factor.source, factor.dof, factor.shared_key, each)


@finite
def mean_of_standards(
    nets: Sequence[float], sensitivities: Sequence[float], form: Background, shared_key: str | None = None
) -> StandardsMean:
    """The net signals of the standards as one mean. Raises MissingFactor where there is none."""
    mean = mean_of(nets)
    per_background = 1.0 if form == "after-sensitivity" else fmean(sensitivities)
    return StandardsMean(mean.value, per_background, mean.sem_percent, mean.n, shared_key)


@dataclass(frozen=True, slots=True)
class NetSignals:
    """The elements that count: gross signal times sensitivity, net signal, and the correction of each.

    form: of `net_signal`. follows: relative change of the dose for a relative change of the net signal; below 1 where
    the linearity correction follows the apparent dose.
    """

    gross: tuple[float, ...]
    net: tuple[float, ...]
    corrections: tuple[Factor, ...]
    form: Background
    follows: float = 1.0

    def __post_init__(self) -> None:
        finite_fields(self)

    @property
    def mean_net(self) -> float:
        """Mean net signal, above 0."""
        return fmean(self.net)

    def rows(
        self,
        name: str,
        per_element: Sequence[Contribution],
        background: BackgroundSignal,
        standards: StandardsMean | None = None,
    ) -> list[Contribution]:
        """Budget rows of the mean net signal: sensitivities, each element's own rows, background, standards."""
        return [
            self._sensitivities(name),
            *(self._own(row) for row in per_element),
            *self._background(background, standards),
            *(self._scatter(standards) if standards is not None else ()),
        ]  # fmt: skip

    def _weights(self, signals: Sequence[float]) -> list[float]:
        """Relative change of the dose for a relative change of the signal of each element."""
        return [self.follows * signal / (len(self.net) * self.mean_net) for signal in signals]

    def _sensitivities(self, name: str) -> Contribution:
        weights = self._weights(self.gross if self.form == "after-sensitivity" else self.net)
        parts = [w * each.u_percent for w, each in zip(weights, self.corrections, strict=True)]
        dof = effective_dof([(abs(part), each.dof) for part, each in zip(parts, self.corrections, strict=True)])
        return Contribution(name, quadrature(parts), self.corrections[0].source, dof=dof)

    def _own(self, row: Contribution) -> Contribution:
        """A row of a single element is of its reading, the whole of it: independent from element to element."""
        return replace(row, u_percent=row.u_percent * quadrature(self._weights(self.gross)))

    def _background(self, background: BackgroundSignal, standards: StandardsMean | None) -> list[Contribution]:
        mean_k = fmean(each.value for each in self.corrections)
        per_unit = -self.follows * (1.0 if self.form == "after-sensitivity" else mean_k) / self.mean_net
        if standards is not None:
            per_unit += self.follows * standards.per_background / standards.net
        kind: Literal["A", "B"] = "B" if math.isinf(background.dof) else "A"
        row = Contribution(
            "background", 100 * background.u * abs(per_unit), background.source, kind=kind,
            sensitivity=math.copysign(1.0, per_unit), dof=background.dof, shared_key=background.shared_key,
        )  # fmt: skip
        return [row, *self._blanks(background.each)]

    def _blanks(self, each: ZeroDoseReadings | None) -> list[Contribution]:
        """The same scatter in each element's own reading; it does not shrink with the signal."""
        if each is None:
            return []
        ks = [1.0 if self.form == "after-sensitivity" else factor.value for factor in self.corrections]
        u_percent = 100 * each.sd * quadrature(self._weights(ks))
        return [Contribution("blanks", u_percent, each.source, kind="A", dof=each.n - 1)]

    def _scatter(self, standards: StandardsMean) -> list[Contribution]:
        if standards.scatter_percent is None:
            return []
        return [
            Contribution(
                "standards", standards.scatter_percent, f"scatter of {standards.n} standards", kind="A",
                sensitivity=-self.follows, dof=standards.n - 1, shared_key=standards.shared_key,
            )
        ]  # fmt: skip
