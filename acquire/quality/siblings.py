"""One element against others that received the same, and against its own earlier sensitivity.

Every limit here is the plan's or the inventory's: none is published, so there is no default, and nothing passes
silently.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from acquire.quality.finding import Finding, Severity, not_judged
from acquire.quality_limits import SITES_OWN

FEWEST_EARLIER = 3  # sensitivities of an element, from which a median says something; assumed
_TWO = 2


def spread(what: str, values: Mapping[str, float], limit_percent: float | None, limit_name: str) -> list[Finding]:
    """Siblings, elements that received the same, each from the median of all; `what` names them: "standards".

    values: signals by element, in one unit, sensitivity applied. Beyond the limit: refused. Of two that differ nobody
    can say which one is wrong.
    """
    check = f"Spread of the {what}"
    if limit_percent is None:
        return [not_judged(check, f"no limit given ({limit_name})", SITES_OWN)]
    if len(values) < _TWO:
        return [not_judged(check, f"there are not two of them to hold against each other ({limit_name})", SITES_OWN)]
    median = float(np.median(list(values.values())))
    off = {name: 100 * (value / median - 1) if median > 0 else math.inf for name, value in values.items()}
    if len(values) == _TWO:
        (first, a), (second, b) = off.items()
        if abs(a - b) <= limit_percent:
            return []
        said = f"{first} and {second} differ by {abs(a - b):.1f} %; the limit for the {what} is {limit_percent:g} %."
        return [_refused(check, f"{first}, {second}", abs(a - b), limit_percent, said)]
    return [
        _refused(check, name, each, limit_percent, _from(name, each, f"the median of the {what}", limit_percent))
        for name, each in off.items()
        if abs(each) > limit_percent
    ]


def against_history(name: str, value: float, earlier: Sequence[float], limit_percent: float | None) -> list[Finding]:
    """An element's sensitivity (ECC, k_s,i, or signal per dose) against its own earlier ones, oldest first."""
    check = "History"
    if limit_percent is None:
        return [not_judged(check, "no limit given (history_percent)", SITES_OWN, name)]
    if len(earlier) < FEWEST_EARLIER or float(np.median(earlier)) <= 0:
        why = f"{name} has {len(earlier)} earlier sensitivities, and {FEWEST_EARLIER} are needed"
        return [not_judged(check, why, SITES_OWN, name)]
    off = 100 * (value / float(np.median(earlier)) - 1)
    if abs(off) <= limit_percent:
        return []
    said = _from(f"The sensitivity of {name}", off, "its own earlier ones", limit_percent)
    return [_refused(check, name, off, limit_percent, said)]


def _from(name: str, off: float, than: str, limit: float) -> str:
    return f"{name} is {off:+.1f} % from {than}; the limit is {limit:g} %."


def _refused(check: str, name: str, off: float, limit: float, said: str) -> Finding:
    return Finding(check=check, severity=Severity.REFUSE, of=name, source=SITES_OWN, unit="%", value=off, limit=limit,
                   sentence=said)  # fmt: skip
