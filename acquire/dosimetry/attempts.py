"""Which attempt counts, and which element of a pair: by a rule fixed beforehand, never by the better value.

The rules are the plan's (docs/dosimetry.md, "In a session"); which limit holds for a pair is the site's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from acquire.dosimetry.errors import Blocked, MissingFactor, OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields

AttemptRule = Literal["first-valid", "last-valid", "mean-of-valid"]
PairRule = Literal["both", "both-with-spread", "named", "none"]


@dataclass(frozen=True, slots=True)
class AttemptValue:
    """One attempt in the order made: its dose in Gy (or charge in nC), or None and why it is invalid. All are kept."""

    name: str
    value: float | None
    why_invalid: str | None = None

    def __post_init__(self) -> None:
        finite_fields(self)


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts: the value, the attempts it is made from, the rule that chose them, those left out with reasons."""

    value: float
    used: tuple[str, ...]
    rule: str
    left_out: tuple[tuple[str, str], ...]


def counting(attempts: Sequence[AttemptValue], rule: AttemptRule) -> Counted:
    """Apply the rule of the plan. Raises MissingFactor when no attempt is valid."""
    valid = [(a.name, a.value) for a in attempts if a.value is not None]
    if not valid:
        raise MissingFactor("No attempt of this measurement is valid: there is no result, and none is estimated.")
    if rule not in ("first-valid", "last-valid", "mean-of-valid"):
        raise OutsideValidity(f"The rule '{rule}' is unknown: first-valid, last-valid or mean-of-valid.")
    chosen = {"first-valid": valid[:1], "last-valid": valid[-1:], "mean-of-valid": valid}[rule]
    used = tuple(name for name, _ in chosen)
    left = tuple((a.name, a.why_invalid or f"not counted by the rule {rule}") for a in attempts if a.name not in used)
    return Counted(fmean([value for _, value in chosen]), used, rule, left)


@finite
def pair_difference_percent(first: float, second: float) -> float:
    """|a - b| / mean(a, b), in percent."""
    return 100 * abs(first - second) / fmean([first, second])


@finite
def pair_choice(
    first: tuple[str, float], second: tuple[str, float], limit_percent: float, rule: PairRule, named: str | None = None
) -> tuple[float, float]:
    """(value, extra u in percent) of a pair by the stated choice, after the cause has been looked for.

    Inside the limit: the mean, no extra. Beyond it: "both" the mean; "both-with-spread" the mean with half the
    difference as a rectangular half-width (u = |a - b| / (2 √3) of the mean); "named" the one element that is named
    with a reason; "none" no result. Raises Blocked for "none", MissingFactor where "named" names neither,
    OutsideValidity for an unknown rule.
    """
    difference = pair_difference_percent(first[1], second[1])
    mean = fmean([first[1], second[1]])
    if difference <= limit_percent:
        return mean, 0.0
    match rule:
        case "both":
            return mean, 0.0
        case "both-with-spread":
            return mean, difference / 2 / math.sqrt(3)
        case "named" if named in (first[0], second[0]):
            return dict((first, second))[str(named)], 0.0
        case "named":
            raise MissingFactor(f"The element that counts must be named: {first[0]} or {second[0]}.")
        case "none":
            raise Blocked(
                f"{first[0]} and {second[0]} differ by {difference:.1f} %, above the pair limit of {limit_percent:g} %:"
                " find the cause."
            )
    raise OutsideValidity(f"The rule '{rule}' is unknown: both, both-with-spread, named or none.")
