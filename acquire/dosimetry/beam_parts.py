"""Beam on and off in a running charge: the parts in which an irradiation was given, by the instrument's own clock.

The rule, which is the project's own (assumed, no published one was found): between two readings the beam is on where
the charge rises, after leakage, by more than 1 % of the typical rate of the beam, which is the rate at which the median
of its charge was collected, and by more than 4.5 times the scatter of a reading. 1 % lies below the transmission of
leaves and jaws, so that a modulated field that is blocked at the detector for a moment is one beam. Where a reading's
scatter or its last digit is large beside the rate, readings are taken together until the beam gives 12 times that
scatter. A part ends where nothing rises from one reading to the next; parts below 0.1 % of the whole, the share up to
which leakage is only named, are none.

What it cannot see: a pause shorter than twice the interval between readings (`interval_s`), and a second beam that
follows the first without a pause.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from acquire.dosimetry.finite import finite, finite_fields

ON_SHARE = 0.01  # of the beam's typical rate
SMALLEST_SHARE = 0.001  # of the whole charge
TOGETHER = 12.0  # times the scatter of a reading
ABOVE_NOISE = 4.5
TURNS = 4  # in which the interval and the rate are found from each other
LONGEST_S = 5.0  # an interval that is longer hides a pause in it
HIDES_SHARE = 0.1  # of the typical rate


@dataclass(frozen=True, slots=True)
class BeamPart:
    """One stretch in which the beam was on: begin and end in s of the instrument's clock, its charge in nC."""

    begin_s: float
    end_s: float
    nc: float

    def __post_init__(self) -> None:
        finite_fields(self)

    @property
    def duration_s(self) -> float:
        """How long it lasted; each of its ends is known to an interval between readings."""
        return self.end_s - self.begin_s


@dataclass(frozen=True, slots=True)
class SeenBeam:
    """The parts of a beam in order, the interval in s that limits what can be seen, and what leaves it in doubt."""

    parts: tuple[BeamPart, ...]
    interval_s: float
    doubt: str | None = None


@finite
def beam_parts(
    times_s: Sequence[float],
    charges_nc: Sequence[float],
    *,
    leakage_nc_per_s: float = 0.0,
    scatter_nc: float = 0.0,
    pauses_up_to_s: float = 0.0,
) -> SeenBeam:
    """The parts of a beam in a running charge. Pauses up to `pauses_up_to_s` are of the field as it is planned."""
    rises = _rises(times_s, charges_nc, leakage_nc_per_s)
    whole = math.fsum(nc for _, _, nc in rises)
    sign = -1.0 if whole < 0 else 1.0
    rises = [(a, b, sign * nc) for a, b, nc in rises]
    rises, rate = _out_of_scatter(rises, scatter_nc)
    if rate <= 0 or abs(whole) <= ABOVE_NOISE * scatter_nc:
        return SeenBeam((), _longest(rises))
    on = [nc > max(ON_SHARE * rate * (b - a), ABOVE_NOISE * scatter_nc) for a, b, nc in rises]
    on = _with_edges(rises, on, scatter_nc)
    least = max(SMALLEST_SHARE * abs(whole), ABOVE_NOISE * scatter_nc)
    parts = [p for p in _joined(rises, on, pauses_up_to_s) if p.nc > least]
    interval = _longest([rise for rise, is_on in zip(rises, on, strict=True) if is_on])
    found = tuple(BeamPart(p.begin_s, p.end_s, sign * p.nc) for p in parts)
    return SeenBeam(found, interval, _fell(rises, least) or _hidden(rises, on, rate))


Rise = tuple[float, float, float]  # from, to (s), by how much (nC)


def _rises(times: Sequence[float], charges: Sequence[float], leakage: float) -> list[Rise]:
    """Between each two readings; those of one moment count as one, the last."""
    found: list[Rise] = []
    at, nc = times[0], charges[0]
    for t, q in zip(times[1:], charges[1:], strict=True):
        if t > at:
            found.append((at, t, q - nc - leakage * (t - at)))
            at, nc = t, q
        elif found:
            a, b, by = found[-1]
            found[-1], nc = (a, b, by + q - nc), q
        else:
            nc = q
    return found


def _out_of_scatter(rises: Sequence[Rise], scatter: float) -> tuple[list[Rise], float]:
    """Rises so long that the beam stands out of the scatter, and its typical rate in nC/s, found by turns.

    Between two readings in quick succession scatter and last digit make the rate look too high.
    """
    found, rate = list(rises), _typical_rate(rises)
    for _ in range(TURNS):
        if rate <= 0:
            break
        found = _together(rises, TOGETHER * scatter / rate)
        rate = _typical_rate(found)
    return found, rate


def _with_edges(rises: Sequence[Rise], on: Sequence[bool], scatter: float) -> list[bool]:
    """Where scatter matters, a rise next to the beam that holds some of it belongs to it."""
    if scatter == 0:
        return list(on)
    beside = [any(on[max(0, n - 1) : n + 2]) for n in range(len(on))]
    return [is_on or (near and nc > 2 * scatter) for (*_, nc), is_on, near in zip(rises, on, beside, strict=True)]


def _typical_rate(rises: Sequence[Rise]) -> float:
    """The rate in nC/s at which the median of the charge was collected: a short image beside it does not move it."""
    short = [rise for rise in rises if rise[1] - rise[0] <= LONGEST_S and rise[2] > 0]
    up = sorted((nc / (b - a), nc) for a, b, nc in short or rises if nc > 0)
    half, sum_nc = math.fsum(nc for _, nc in up) / 2, 0.0
    for rate, nc in up:
        sum_nc += nc
        if sum_nc >= half:
            return rate
    return 0.0


def _together(rises: Sequence[Rise], least_s: float) -> list[Rise]:
    """Neighbours taken together until each lasts long enough to stand out of the scatter."""
    if not rises or least_s <= min(b - a for a, b, _ in rises):
        return list(rises)
    found: list[Rise] = []
    for rise in rises:
        if found and found[-1][1] - found[-1][0] < least_s:
            found[-1] = (found[-1][0], rise[1], found[-1][2] + rise[2])
        else:
            found.append(rise)
    return found


def _joined(rises: Sequence[Rise], on: Sequence[bool], pauses_up_to_s: float) -> list[BeamPart]:
    found: list[BeamPart] = []
    for (a, b, nc), is_on in zip(rises, on, strict=True):
        if not is_on:
            continue
        if found and a - found[-1].end_s <= pauses_up_to_s:
            found[-1] = BeamPart(found[-1].begin_s, b, found[-1].nc + nc)
        else:
            found.append(BeamPart(a, b, nc))
    return found


def _longest(rises: Sequence[Rise]) -> float:
    return max((b - a for a, b, _ in rises), default=0.0)


def _fell(rises: Sequence[Rise], least: float) -> str | None:
    fell = next(((a, -nc) for a, _, nc in rises if -nc > least), None)
    if fell is None:
        return None
    return f"the charge fell by {fell[1]:.4g} nC at {fell[0]:.1f} s: it was zeroed, or a charge came off"


def _hidden(rises: Sequence[Rise], on: Sequence[bool], rate: float) -> str | None:
    """A long interval without a reading hides a pause where the beam was weaker in it than it typically is.

    At the beam's ends it always is: there half of the beam in one interval is too much.
    """
    beam = [rise for rise, is_on in zip(rises, on, strict=True) if is_on]
    for rise in beam:
        a, b, nc = rise
        at_end = rise in (beam[0], beam[-1])
        longest = max(LONGEST_S, (beam[-1][1] - beam[0][0]) / 2) if at_end else LONGEST_S
        if b - a > longest and (at_end or abs(nc / (b - a) / rate - 1) > HIDES_SHARE):
            return f"nothing was read from {a:.1f} s to {b:.1f} s, while charge was collected"
    return None
