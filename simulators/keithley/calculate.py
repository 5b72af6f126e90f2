"""``:CALCulate`` of a Keithley electrometer: math on a reading, limits, statistics of the buffer.

The forms are those of the manuals' command summaries; the formulas of deviation and ratio are assumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

NAN = 9.91e37


@dataclass
class Math:
    """One math channel: the form in force and the factors it uses, by their short names."""

    form: str
    factors: dict[str, float]
    on: bool = False

    def result(self, x: float) -> float:
        """``x`` after the form in force, in the function's unit before; 9.91e37 where the form has no result."""
        f = self.factors
        try:
            return {
                "NONE": lambda: x,
                "POL": lambda: f["MA0F"] + f["MA1F"] * x + f["MA2F"] * x * x,
                "PERC": lambda: x / f["PERC"] * 100,
                "PDEV": lambda: (x - f["PDEV"]) / f["PDEV"] * 100,
                "DEV": lambda: (x - f["DEV"]) / f["DEV"],
                "RAT": lambda: x / f["RAT"],
                "LOG10": lambda: math.log10(abs(x)),
                "LOG": lambda: math.log10(abs(x)),
                "MXB": lambda: f["MMF"] * x + f["MBF"],
                "REC": lambda: f["MMF"] / x + f["MBF"],
            }[self.form]()
        except (ZeroDivisionError, ValueError):
            return NAN


@dataclass
class Limit:
    """One limit test: on, its bounds, and whether a reading has failed it since it was cleared."""

    on: bool = False
    upper: float = 1.0
    lower: float = -1.0
    failed: bool = False
    auto_clear: bool = True

    def outcome(self, value: float) -> tuple[bool, bool]:
        """Whether ``value``, in the bounds' unit, is below and whether above them; both false when the test is off."""
        if not self.on:
            return False, False
        low, high = value < self.lower, value > self.upper
        self.failed = low or high or (self.failed and not self.auto_clear)
        return low, high


@dataclass
class Null:
    """Null (REL) of ``:CALCulate2``. ``takes_first``: the first reading after it is switched on becomes the offset,
    unless one was set or acquired.
    """

    on: bool = False
    offset: float = 0.0
    takes_first: bool = False


@dataclass
class Calculations:
    """All that follows a conversion: null, then math, and beside it the two limit tests."""

    math: Math
    null: Null = field(default_factory=Null)
    limits: tuple[Limit, Limit] = field(default_factory=lambda: (Limit(), Limit()))

    def shown(self, value: float) -> float:
        """What ``:FETCh?`` gives for ``value`` (the function's SI unit; after math a number of its own)."""
        if self.null.on:
            if self.null.takes_first and not self.null.offset:
                self.null.offset = value
            value -= self.null.offset
        return self.math.result(value) if self.math.on else value

    def marks(self, shown: float) -> frozenset[str]:
        """What was on and which limits ``shown``, in their unit, broke."""
        marks = {name for name, on in (("null", self.null.on), ("math", self.math.on)) if on}
        for number, limit in enumerate(self.limits, 1):
            low, high = limit.outcome(shown)
            marks |= {"limits"} if limit.on else set()
            marks |= {f"low{number}"} if low else set()
            marks |= {f"high{number}"} if high else set()
        return frozenset(marks)


def statistic(form: str, values: Sequence[float]) -> float:
    """One figure of the stored readings (not empty), in their unit; the standard deviation of a single one is 0."""
    return {
        "NONE": lambda: values[-1],
        "MEAN": lambda: fmean(values),
        "SDEV": lambda: stdev(values) if len(values) > 1 else 0.0,
        "MAX": lambda: max(values),
        "MIN": lambda: min(values),
        "PKPK": lambda: max(values) - min(values),
    }[form]()
