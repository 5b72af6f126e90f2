"""What tests on a loop with a clock of its own share: a simulator's clock that shows it, a run that leaves no task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")


class LoopClock:
    """A simulator's clock (simulators.Clock) that shows the loop's time."""

    epoch = datetime(2027, 2, 3, 9, 0)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep_until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - self.now()))


def run_on(loop: Callable[[], asyncio.AbstractEventLoop], work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop of its own, and see that it leaves no task."""

    async def watched() -> T:
        result = await work
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks are left: {sorted(each.get_name() for each in left)}"
        return result

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(watched())
