"""Which of several values lies outside the others, by a named rule whose limit the site states. Nothing has a default.

"grubbs"      Grubbs, Technometrics 11 (1969) 1; ISO 5725-2: the value farthest from the mean, against Student's t at
              the stated significance (two-sided); repeated without it until none is outside
"modified-z"  Iglewicz and Hoaglin (1993): 0.6745 |x - median| / MAD against the stated limit, all values at once
"none"        no value is left out; that is a choice of its own, and it is printed
(All three are recalled, not re-read.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Literal, get_args

from acquire.dosimetry.distributions import student_t_k
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields

RuleName = Literal["grubbs", "modified-z", "none"]
NORMAL_MAD = 0.6745  # the median absolute deviation of a standard normal distribution
FEWEST = 3


@dataclass(frozen=True, slots=True)
class OutlierRule:
    """A rule and its limit: a significance (0 to 0.2) for "grubbs", a modified z-score (above 0) for "modified-z"."""

    name: RuleName
    limit: float | None = None

    def __post_init__(self) -> None:
        finite_fields(self)
        if self.name not in get_args(RuleName):
            raise OutsideValidity(f"The rule '{self.name}' is unknown: {', '.join(get_args(RuleName))}.")
        if (self.name == "none") != (self.limit is None):
            raise OutsideValidity("The rules grubbs and modified-z need a limit; none has no limit.")
        if self.name == "grubbs" and not 0 < (self.limit or 0) <= 0.2:
            raise OutsideValidity(f"A significance of {self.limit} lies outside 0 to 0.2; 5 % are written 0.05.")
        if self.name == "modified-z" and (self.limit or 0) <= 0:
            raise OutsideValidity(f"The limit of a modified z-score is above 0, not {self.limit}.")

    def __str__(self) -> str:
        """The rule in print."""
        if self.name == "grubbs":
            return f"Grubbs' test at a significance of {self.limit:g}, two-sided"
        return "no rule" if self.name == "none" else f"modified z-score above {self.limit:g} (Iglewicz and Hoaglin)"


@finite
def outside(values: Mapping[str, float], rule: OutlierRule) -> dict[str, str]:
    """The values that lie outside, by name, each with the sentence that says why. Raises OutsideValidity for too few
    values to judge."""
    if rule.name == "none":
        return {}
    if len(values) < FEWEST:
        raise OutsideValidity(f"{rule} needs at least {FEWEST} values; there are {len(values)}.")
    return _grubbs(dict(values), rule) if rule.name == "grubbs" else _modified_z(values, rule)


def _grubbs(left: dict[str, float], rule: OutlierRule) -> dict[str, str]:
    found: dict[str, str] = {}
    while len(left) >= FEWEST:
        mean, spread = fmean(left.values()), stdev(left.values())
        name = max(left, key=lambda each: abs(left[each] - mean))
        limit = grubbs_limit(len(left), rule.limit or 0)
        if spread == 0 or abs(left[name] - mean) / spread <= limit:
            break
        g = abs(left.pop(name) - mean) / spread
        found[name] = f"G = {g:.3f} of {len(left) + 1} values is above {limit:.3f} ({rule})"
    return found


@finite
def grubbs_limit(n: int, significance: float) -> float:
    """G above which the farthest of n values is outside: (n-1)/√n · √(t²/(n-2+t²)), t at significance/(2n), ν = n-2."""
    t = student_t_k(1 - significance / n, n - 2)
    return (n - 1) / math.sqrt(n) * math.sqrt(t * t / (n - 2 + t * t))


def _modified_z(values: Mapping[str, float], rule: OutlierRule) -> dict[str, str]:
    middle = median(values.values())
    mad = median(abs(x - middle) for x in values.values())
    if mad == 0:
        raise OutsideValidity("A modified z-score needs values that differ: half of these and more are the same.")
    scores = {name: NORMAL_MAD * abs(x - middle) / mad for name, x in values.items()}
    return {
        name: f"z = {z:.2f} is above {rule.limit:g} ({rule})" for name, z in scores.items() if z > (rule.limit or 0)
    }
