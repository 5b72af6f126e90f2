"""A loop whose clock jumps: nothing is waited for, a time-out of 20 s takes no time, and every run is the same.

It carries no sockets and no threads. When everybody waits for something that can never come, it says so.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from loop_clock import LoopClock, run_on

__all__ = ["LoopClock", "VirtualTimeLoop", "run"]

T = TypeVar("T")


class _Jumps(selectors.DefaultSelector):
    """Instead of waiting for a file, moves the clock to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("everybody waits for something that never comes")
        self.now += max(timeout, 0.0)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Seconds since its own beginning."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.now


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop of its own, and see that it leaves no task."""
    return run_on(VirtualTimeLoop, work)
