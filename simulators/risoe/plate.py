"""What lies under the lift: a heated plate, and samples of LiF:Mg,Ti that glow once.

Peak temperatures and activation energies of TLD-100 at 8.4 K/s are those of the GLOCANIN curve 002; the peaks do not
move with the heating rate here, which is invented, as are sizes, noise and the cooling of the plate.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

ROOM_C, COOLS_S = 20.0, 25.0  # it cools towards room temperature with this time constant
BOLTZMANN_EV = 8.617333e-5
ZERO_C_K = 273.15
PEAKS = ((417.2, 1.38, 0.11), (456.6, 1.49, 0.17), (484.1, 1.58, 0.27), (511.7, 2.00, 0.45))  # K, eV, share of area
COUNTS_PER_MGY = 2.0e5
OSL_DECAYS = ((3.0, 0.7), (20.0, 0.3))  # s, share


@dataclass
class Plate:
    """Temperature in Cel over simulated time."""

    since_s: float = 0.0
    from_c: float = ROOM_C
    to_c: float = ROOM_C
    rate: float = 0.0
    hold: bool = False

    def at(self, now: float) -> float:
        """Its temperature: on the ramp, held, or cooling."""
        if not self.rate:
            return ROOM_C + (self.from_c - ROOM_C) * math.exp(-(now - self.since_s) / COOLS_S)
        reached_s = self.since_s + abs(self.to_c - self.from_c) / self.rate
        if now < reached_s:
            return self.from_c + math.copysign(self.rate, self.to_c - self.from_c) * (now - self.since_s)
        return self.to_c if self.hold else ROOM_C + (self.to_c - ROOM_C) * math.exp(-(now - reached_s) / COOLS_S)

    def ramp(self, now: float, to_c: float, rate: float, *, hold: bool) -> None:
        """Heat from where it is."""
        self.since_s, self.from_c, self.to_c, self.rate, self.hold = now, self.at(now), to_c, rate, hold

    def off(self, now: float) -> None:
        """Let it cool from where it is."""
        self.since_s, self.from_c, self.rate = now, self.at(now), 0.0


@dataclass
class SampleChip:
    """A chip: dose in mGy since it was emptied; what lies below emptied_c has glowed away."""

    dose_mgy: float = 0.0
    emptied_c: float = ROOM_C
    lit_s: float = 0.0

    def irradiate(self, dose_mgy: float) -> None:
        """More dose fills what was emptied."""
        self.dose_mgy, self.emptied_c, self.lit_s = self.remaining() + dose_mgy, ROOM_C, 0.0

    def remaining(self) -> float:
        """Dose that would still be read, about, in mGy."""
        share = sum(area for t_m, _, area in PEAKS if t_m - ZERO_C_K > self.emptied_c)
        return self.dose_mgy * share

    def glow(self, low_c: float, high_c: float) -> float:
        """Mean counts while it is heated from one temperature to another."""
        middle_c, width = (low_c + high_c) / 2, high_c - low_c
        if middle_c <= self.emptied_c or width <= 0:
            return 0.0
        return COUNTS_PER_MGY * self.dose_mgy * width * sum(shape(middle_c + ZERO_C_K, *peak) for peak in PEAKS)

    def osl(self, start_s: float, end_s: float) -> float:
        """Mean counts between two seconds of stimulation."""
        shares = (
            part * (math.exp(-(start_s + self.lit_s) / tau) - math.exp(-(end_s + self.lit_s) / tau))
            for tau, part in OSL_DECAYS
        )
        return COUNTS_PER_MGY * self.dose_mgy * sum(shares)


def shape(t_k: float, t_m: float, e_ev: float, area: float) -> float:
    """Share of a first-order peak in one kelvin at t_k (Kitis, Gomez-Ros, Tuyn 1998), areas added up to 1."""
    kt_m = BOLTZMANN_EV * t_m
    u = e_ev / (BOLTZMANN_EV * t_k) * (t_k - t_m) / t_m
    delta, delta_m = 2 * BOLTZMANN_EV * t_k / e_ev, 2 * kt_m / e_ev
    exponent = 1 + u - (t_k / t_m) ** 2 * math.exp(min(u, 50.0)) * (1 - delta) - delta_m
    return area * e_ev / (math.e * kt_m * t_m) * math.exp(max(exponent, -700.0))


@dataclass
class Counter:
    """A photomultiplier with a dark count: Poisson noise that follows from the seed, never the same twice."""

    seed: str
    dark_per_s: float = 31.0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def count(self, mean: float, seconds: float) -> int:
        """Counts of a channel with so many photons on average."""
        expected = mean + self.dark_per_s * seconds
        if expected > 50:
            return max(0, round(self._random.gauss(expected, math.sqrt(expected))))
        limit, product, found = math.exp(-expected), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            found += 1
        return found
