"""Telling a fault once: when it comes, anew when its reason changes, and when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable

QUIET_S = 60.0


class Once:
    """What has been told of one thing that can fail. What comes and goes is told once a minute.

    `clock`: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._why: str | None = None
        self._told_at = 0.0
        self._under_way = False  # the fault that is under way has been told

    def is_new(self, why: str) -> bool:
        """Whether this is to be told: it fails now, for this reason."""
        now = self._clock()
        if why == self._why and (self._under_way or now - self._told_at < QUIET_S):
            return False
        self._why, self._told_at, self._under_way = why, now, True
        return True

    def is_over(self) -> bool:
        """Whether the end is to be told: it works again."""
        told, self._under_way = self._under_way, False
        return told


def is_worth_telling(count: int) -> bool:
    """1, 10, 100, ...: something that may happen without end is told without filling the log."""
    return str(count).strip("0") == "1"
