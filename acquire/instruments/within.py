"""Work of a driver, held to a time. A driver may be anybody's: one that hangs must not hold its instrument for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from drivers import LinkDown, ReplyTimeout

T = TypeVar("T")

WATCHDOG_S = 300.0  # opening, taking and recovering have the driver's own time-outs; this is for one that forgot them
LETS_GO_S = 2.0
_left_behind: set[asyncio.Task[Any]] = set()


async def watched(work: Awaitable[T], instrument: str, doing: str) -> T:
    """Await work that bounds itself. Raises LinkDown when the watchdog's deadline comes first."""
    try:
        async with asyncio.timeout(WATCHDOG_S):
            return await work
    except TimeoutError as error:
        raise LinkDown(f"{instrument} did not come back from {doing} within {WATCHDOG_S:g} s.") from error


async def within(work: Coroutine[Any, Any, T], limit_s: float) -> T:
    """Await a command. Raises ReplyTimeout after limit_s, LinkDown when it does not even let go when cancelled."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=limit_s)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=LETS_GO_S)
            if not task.done():
                _leave_behind(task)
    if not task.done():
        raise LinkDown(f"It did not answer within {limit_s:g} s, and its driver does not let go; it is opened anew.")
    if task.cancelled():
        raise ReplyTimeout(f"It did not answer within {limit_s:g} s.")
    return task.result()


def _leave_behind(task: asyncio.Task[Any]) -> None:
    def forget(done: asyncio.Task[Any]) -> None:
        _left_behind.discard(done)
        if not done.cancelled():
            done.exception()

    _left_behind.add(task)
    task.add_done_callback(forget)
