"""A loop whose seconds are shorter than ours, for real sockets, terminals and threads: nothing is waited for long.

Its clock is the instrument's time: time-outs, pauses and simulators go by it, and so does what a test measures.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from loop_clock import LoopClock, run_on

__all__ = ["LoopClock", "ScaledLoop", "run"]

T = TypeVar("T")
SPEED = 25.0  # seconds of the loop in one of ours


class _Shorter(selectors.DefaultSelector):
    """Waits a fraction of what is asked, and tells how far that leaves the loop's clock ahead of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        began = time.monotonic()
        events = super().select(timeout / SPEED)
        took = time.monotonic() - began
        # a wait that ran out was as long as asked, however late the machine woke us
        self.ahead_s += max(0.0, (min(timeout, took * SPEED) if events else timeout) - took)
        return events


class ScaledLoop(asyncio.SelectorEventLoop):
    """Twenty-five seconds of its waiting are one of ours. What it computes takes as long as it takes: a busy machine is
    not mistaken for a slow instrument.
    """

    def __init__(self) -> None:
        self._waits = _Shorter()
        super().__init__(self._waits)

    def time(self) -> float:
        return time.monotonic() + self._waits.ahead_s


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop of its own, and see that it leaves no task."""
    return run_on(ScaledLoop, work)
