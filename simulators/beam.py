"""Beam and detectors: what the instruments look at, and what collects charge while the beam is on.

A detector knows nothing of meters. It answers how much charge has reached its cable by a given simulated second,
and which voltage and
resistance a meter would find; offset, hop, drift and noise of the meter belong to the meter (``Imperfection``).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from simulators.clock import Clock


@dataclass(frozen=True)
class Exposure:
    """A charge (C, signed) that arrives evenly between two simulated seconds."""

    start_s: float
    end_s: float
    charge_c: float

    def collected(self, when: float) -> float:
        """Charge in C that has arrived by second ``when``."""
        if when <= self.start_s:
            return 0.0
        if when >= self.end_s:
            return self.charge_c
        return self.charge_c * (when - self.start_s) / (self.end_s - self.start_s)


class Detector:
    """A chamber, diode or diamond on a cable: exposures, and a steady leakage current (A)."""

    def __init__(self, clock: Clock, *, leakage_a: float = 0.0) -> None:
        self.clock = clock
        self.exposures: list[Exposure] = []
        self.voltage_v = 0.0
        self.resistance_ohm = 1e13
        self._leakage_a = leakage_a
        self._leaked_c = 0.0
        self._leakage_since = clock.now()

    @property
    def leakage_a(self) -> float:
        """Leakage current in A; a change counts from the present second on."""
        return self._leakage_a

    @leakage_a.setter
    def leakage_a(self, current_a: float) -> None:
        now = self.clock.now()
        self._leaked_c += self._leakage_a * (now - self._leakage_since)
        self._leakage_a, self._leakage_since = current_a, now

    def expose(self, charge_c: float, duration_s: float, *, delay_s: float = 0.0) -> Exposure:
        """Spread ``charge_c`` (C) evenly over ``duration_s`` (> 0) simulated seconds, beginning ``delay_s`` from now.

        Raises ValueError for other times.
        """
        if not duration_s > 0 or delay_s < 0:
            raise ValueError(
                f"an exposure lasts longer than 0 s and begins now or later, not {duration_s} s after {delay_s} s"
            )
        start = self.clock.now() + delay_s
        exposure = Exposure(start, start + duration_s, charge_c)
        self.exposures.append(exposure)
        return exposure

    def charge(self, when: float) -> float:
        """All charge in C that has arrived since the start, leakage included."""
        leaked = self._leaked_c + self._leakage_a * (when - self._leakage_since)
        return leaked + sum(exposure.collected(when) for exposure in self.exposures)

    def mean_current(self, start: float, end: float) -> float:
        """Mean current in A between two simulated seconds (``start`` < ``end``)."""
        return (self.charge(end) - self.charge(start)) / (end - start)

    def current(self, when: float) -> float:
        """Current in A at second ``when``."""
        beams = (e for e in self.exposures if e.start_s <= when < e.end_s)
        return self._leakage_a + sum(e.charge_c / (e.end_s - e.start_s) for e in beams)

    def edges(self, after: float, until: float) -> list[float]:
        """Seconds in (``after``, ``until``] at which an exposure begins or ends, in order."""
        times = {t for e in self.exposures for t in (e.start_s, e.end_s)}
        return sorted(t for t in times if after < t <= until)


class Beam:
    """One beam over several detectors at once, so that the neighbour's scattered charge arrives in the same seconds."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._off_at = 0.0

    @property
    def on(self) -> bool:
        """Whether a delivery is under way."""
        return self.clock.now() < self._off_at

    def deliver(self, duration_s: float, charges_c: Mapping[Detector, float]) -> None:
        """Give each detector its charge (C) evenly over ``duration_s`` simulated seconds, beginning now."""
        for detector, charge_c in charges_c.items():
            detector.expose(charge_c, duration_s)
        self._off_at = max(self._off_at, self.clock.now() + duration_s)


def gauss(seed: int, what: str, index: int, sigma: float) -> float:
    """Normal noise for reading number ``index``, in the unit of ``sigma``.

    The same seed, purpose and number give the same value, in any order of asking.
    """
    return random.Random(f"{seed}/{what}/{index}").gauss(0.0, sigma) if sigma > 0 else 0.0


@dataclass
class Imperfection:
    """What a real electrometer adds to the truth. All values are invented except the input bias.

    ``input_bias_a``: 4 fA, that is 4 fC/s in charge (6517B reference manual, charge specification).
    ``hop_c``: charge added when zero check is released (the 6517 manuals name the hop, not its size).
    ``noise``: standard deviation of a reading as a fraction of the full range.
    """

    input_bias_a: float = 4e-15
    hop_c: float = 0.0
    noise: float = 2e-6

    @classmethod
    def seeded(cls, seed: int) -> Imperfection:
        """A hop of a few picocoulomb that follows from ``seed``."""
        return cls(hop_c=random.Random(f"{seed}/hop").uniform(-4e-12, 4e-12))
