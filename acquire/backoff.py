"""How long to wait before what failed is tried again: the one place where it is decided, for instruments and brokers.

Every failure doubles the wait, up to a ceiling, and chance takes up to half of it away. So what failed together (two
hundred instruments behind one dead switch, every connection to one broker) is not tried again in one moment, and
nothing is ever tried without a pause.
"""

from __future__ import annotations

import random
from collections.abc import Callable

Chance = Callable[[], float]  # evenly between 0 and 1


def pause_s(failures: int, floor_s: float, ceiling_s: float, chance: Chance = random.random) -> float:
    """Seconds to wait after so many failures in a row (0: what had worked was lost just now).

    Between half of the doubled floor and all of it, never more than ceiling_s and never less than floor_s.
    """
    # 64 doublings are beyond every ceiling, and a number that can still be computed after a year of failures
    longest = min(ceiling_s, 2 * floor_s * 2.0 ** min(failures, 64))
    return max(floor_s, longest * (0.5 + 0.5 * chance()))


class BackOff:
    """The failures in a row of one connection."""

    def __init__(self, floor_s: float, ceiling_s: float, chance: Chance = random.random) -> None:
        self._floor_s, self._ceiling_s, self._chance = floor_s, ceiling_s, chance
        self._failures = 0

    def worked(self) -> None:
        """It was there: the next loss is the first."""
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait now; longer the next time, unless it worked in between."""
        seconds = pause_s(self._failures, self._floor_s, self._ceiling_s, self._chance)
        self._failures += 1
        return seconds


def to_broker() -> BackOff:
    """Of one connection to a broker: 0.1 to 0.2 s after a loss, at last 1 to 2 s."""
    return BackOff(0.1, 2.0)
