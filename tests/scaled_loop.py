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
SPEED = 10.0  # seconds of the loop in one of ours


class _Shorter(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[Any]:
        return super().select(timeout / SPEED if timeout is not None and timeout > 0 else timeout)


class ScaledLoop(asyncio.SelectorEventLoop):
    """Ten of its seconds are one of ours."""

    def __init__(self) -> None:
        super().__init__(_Shorter())

    def time(self) -> float:
        return time.monotonic() * SPEED


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop of its own, and see that it leaves no task."""
    return run_on(ScaledLoop, work)
