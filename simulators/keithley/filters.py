"""Median and averaging filter of a Keithley electrometer. A moving filter keeps old readings, which go on counting.

The median is taken first, of 2·rank + 1 conversions (6517B reference manual, section 9, filters). Assumed: until it is
full, a filter takes what is there; the advanced filter starts anew on a reading outside its noise window.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import fmean, median

LONGEST = 128


@dataclass
class Filters:
    """Settings and memory of both filters of one function; ``noise_percent`` is of the range."""

    on: bool = False
    count: int = 10
    mode: str = "REP"
    kind: str = "SCAL"
    advanced: bool = False
    noise_percent: float = 0.0
    median_on: bool = False
    rank: int = 1
    _medians: deque[float] = field(default_factory=lambda: deque(maxlen=LONGEST))
    _averages: deque[float] = field(default_factory=lambda: deque(maxlen=LONGEST))

    def forget(self) -> None:
        """Empty both memories, as a change of function or range does."""
        self._medians.clear()
        self._averages.clear()

    @property
    def repeats(self) -> int:
        """Conversions that one reading takes: the count of a repeating average, else 1."""
        return int(self.count) if self.on and self.mode == "REP" else 1

    @property
    def remembering(self) -> bool:
        """Whether earlier conversions take part in the next reading."""
        return self.median_on or (self.on and self.mode == "MOV")

    def reading(self, values: list[float], full_scale: float) -> float:
        """The reading that ``values``, the conversions of one trigger event, give on the range ``full_scale``.

        All are in the function's SI unit.
        """
        through = [self._through_median(value) for value in values]
        if not self.on:
            return through[-1]
        if self.mode == "REP":
            return fmean(through)
        return self._moving(through[-1], full_scale)

    def _through_median(self, value: float) -> float:
        if not self.median_on:
            return value
        self._medians.append(value)
        return median(list(self._medians)[-(2 * int(self.rank) + 1) :])

    def _moving(self, value: float, full_scale: float) -> float:
        window = list(self._averages)[-(int(self.count) - 1) :] if self.count > 1 else []
        outside = abs(value - fmean(window)) > self.noise_percent / 100 * full_scale if window else False
        if (self.advanced or self.kind == "ADV") and outside:
            self._averages.clear()
            window = []
        self._averages.append(value)
        return fmean([*window, value])
