"""Trends: control charts of deviations per detector, point type and machine (Shewhart individuals, EWMA).

Western Electric and Nelson rules; the constant of the moving range is Shewhart's (ASTM MNL 7).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import fmean

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields
from acquire.sums import added

D2_OF_TWO = 1.128  # mean moving range of two over sigma (Shewhart; ASTM MNL 7)
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Observation:
    """One deviation in percent, with when, and what it belongs to. Invalid measurements are no observations."""

    when: datetime
    deviation_percent: float
    detector: str
    point_type: str
    machine: str

    def __post_init__(self) -> None:
        finite_fields(self)

    @property
    def key(self) -> Key:
        """What is charted together: detector, point type and machine."""
        return self.detector, self.point_type, self.machine


@dataclass(frozen=True, slots=True)
class Chart:
    """Centre and limits of a chart, and the sentences of what stands out. All in percent."""

    key: Key
    n: int
    centre: float
    sigma: float
    lower: float
    upper: float
    signals: tuple[str, ...]


@finite
def chart(observations: Sequence[Observation], baseline: int | None = None) -> Chart:
    """Individuals chart: centre ± 3 MR/1.128 from the first `baseline` observations (all of them without it).

    Signals: a point beyond the limits, eight in a row on one side, six in a row rising or falling (Western Electric and
    Nelson rules). At least eight observations of one key are needed. Raises OutsideValidity.
    """
    ordered = sorted(observations, key=lambda o: o.when)
    used = ordered[:baseline] if baseline else ordered
    if len(used) < 8 or len({o.key for o in ordered}) != 1:
        raise OutsideValidity("A control chart needs at least eight observations of one detector, point type, machine.")
    values = [o.deviation_percent for o in ordered]
    base = [o.deviation_percent for o in used]
    centre = fmean(base)
    sigma = fmean([abs(b - a) for a, b in pairwise(base)]) / D2_OF_TWO
    lower, upper = centre - 3 * sigma, centre + 3 * sigma
    signals = [
        f"{o.when:%Y-%m-%d %H:%M}: {o.deviation_percent:+.2f} % lies outside {lower:+.2f} to {upper:+.2f} %."
        for o in ordered
        if not lower <= o.deviation_percent <= upper
    ]
    signals += _runs(values, centre)
    return Chart(ordered[0].key, len(ordered), centre, sigma, lower, upper, tuple(signals))


def charts(observations: Sequence[Observation], baseline: int | None = None) -> Mapping[Key, Chart]:
    """A chart for each detector, point type and machine that has at least eight observations.

    Raises OutsideValidity for a baseline of fewer.
    """
    groups: dict[Key, list[Observation]] = defaultdict(list)
    for observation in observations:
        groups[observation.key].append(observation)
    return {key: chart(group, baseline) for key, group in sorted(groups.items()) if len(group) >= 8}


@finite
def ewma(values: Sequence[float], centre: float, sigma: float, weight: float) -> list[tuple[float, float, bool]]:
    """(z_i, limit, beyond) of z_i = λ x_i + (1 - λ) z_(i-1), limits ± 3 σ √(λ/(2-λ)(1-(1-λ)^2i)): slow drifts. The unit
    of the values stays; the weight λ is a fraction.

    Raises OutsideValidity.
    """
    if not 0 < weight <= 1 or sigma < 0:
        raise OutsideValidity("The weight of an EWMA lies in 0 to 1, and sigma is not negative.")
    z, out = centre, []
    for i, value in enumerate(values, start=1):
        z = weight * value + (1 - weight) * z
        limit = 3 * sigma * math.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * i)))
        out.append((z, limit, abs(z - centre) > limit))
    return out


def percent_beyond(count: int, of: int) -> float:
    """Share of readings beyond a limit, in percent. Raises OutsideValidity."""
    if not 0 <= count <= of or of < 1:
        raise OutsideValidity(f"{count} of {of} readings is no share.")
    return 100 * count / of


def repeats_out(states_accepted: Sequence[bool], consecutive: int = 2) -> bool:
    """Whether the last results were out of tolerance so many times in a row: then the cause analysis is due."""
    return len(states_accepted) >= consecutive and not any(states_accepted[-consecutive:])


def _runs(values: Sequence[float], centre: float) -> list[str]:
    said = []
    sides = [(v > centre) - (v < centre) for v in values]
    if any(abs(added(sides[i : i + 8])) == 8 for i in range(len(sides) - 7)):
        said.append("Eight results in a row lie on one side of the centre: a systematic change.")
    steps = [(b > a) - (b < a) for a, b in pairwise(values)]
    if any(abs(added(steps[i : i + 5])) == 5 for i in range(len(steps) - 4)):
        said.append("Six results in a row rise or fall: a drift.")
    return said
