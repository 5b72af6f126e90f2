"""A loop whose seconds are shorter than ours, for real sockets, terminals and threads: nothing is waited for long.

Its clock is the instrument's time: time-outs, pauses and simulators go by it, and so does what a test measures.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, TypeVar

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


class LoopClock:
    """A simulator's clock (simulators.Clock) that shows the loop's time."""

    epoch = datetime(2027, 2, 3, 9, 0)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep_until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - self.now()))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop of its own, and see that it leaves no task."""

    async def watched() -> T:
        result = await work
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks are left: {sorted(each.get_name() for each in left)}"
        return result

    with asyncio.Runner(loop_factory=ScaledLoop) as runner:
        return runner.run(watched())
