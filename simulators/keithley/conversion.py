"""What a Keithley electrometer measures with and what comes of it: functions, and finished conversions.

Ranges and how far beyond one a reading goes (5 %: a 6517B reads 21 mA on 20 mA) are those of the manuals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

OVERRANGE = 1.05


@dataclass(frozen=True)
class Function:
    """A measuring function: its SCPI node, the text it answers to FUNC?, the unit it prints, its nominal ranges.

    A function without a node has no commands of its own. ``auto_groups`` are the ranges autorange may choose from, by
    the name of the group; one group where it is empty.
    """

    header: str
    answer: str
    unit: str
    ranges: tuple[float, ...]
    auto_groups: tuple[tuple[str, tuple[float, ...]], ...] = ()
    most: float | None = None

    @property
    def top(self) -> float:
        """The largest value ``:RANGe`` takes, in `unit`; unless a manual says otherwise the overrange of the last."""
        return self.most or self.ranges[-1] * OVERRANGE

    def fit(self, value: float) -> float:
        """The lowest range that can measure ``value``, both in `unit`; the last one when none can."""
        return next((r for r in self.ranges if abs(value) <= r * OVERRANGE * (1 + 1e-9)), self.ranges[-1])


def decades(first: int, last: int, digit: int = 2) -> tuple[float, ...]:
    """Full scales from ``digit``·10^first to ``digit``·10^last."""
    return tuple(float(f"{digit}e{n}") for n in range(first, last + 1))


@dataclass(frozen=True)
class Conversion:
    """One finished conversion.

    ``value`` is what ``:SENSe`` gives (V, A, Ω or C) and ``shown`` what ``:FETCh?`` gives, after null and math.
    ``full_scale`` is the nominal range, ``digits`` 4 to 7 (3½ to 6½), ``time_s`` since the stamp's reset, ``marks``
    what was on or wrong, by name. Temperature and humidity are None without a sensor.
    """

    number: int
    value: float
    status: str
    function: str
    unit: str
    full_scale: float
    digits: int
    time_s: float
    date: datetime
    source: float
    shown: float
    marks: frozenset[str] = frozenset()
    temperature_c: float | None = None
    humidity_percent: float | None = None
