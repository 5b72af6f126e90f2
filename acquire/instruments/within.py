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


class Watchdog:
    """Holds what one driver is at to a time. One thing at a time: whoever has the instrument's turn.

    One timer looks now and then, since one for each of many takes a second is a tenth of all work with an instrument.
    """

    def __init__(self, instrument: str) -> None:
        self._instrument = instrument
        self._task: asyncio.Task[Any] | None = None  # the one that is at work
        self._begun = 0.0
        self._gave_up = False
        self._looking = False

    async def watch(self, work: Awaitable[T], doing: str) -> T:
        """Await work that bounds itself. Raises LinkDown when the watchdog's deadline comes first."""
        loop = asyncio.get_running_loop()
        self._task, self._begun, self._gave_up = asyncio.current_task(loop), loop.time(), False
        if not self._looking:
            self._looking = True
            loop.call_later(WATCHDOG_S, self._look)
        try:
            return await work
        except asyncio.CancelledError as error:
            if self._gave_up and self._task is not None and self._task.uncancel() == 0:
                raise LinkDown(f"{self._instrument} did not come back from {doing} within {WATCHDOG_S:g} s.") from error
            raise
        finally:
            self._task = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._looking = self._task is not None
        if self._task is None:
            return
        due = self._begun + WATCHDOG_S
        if due <= loop.time():
            self._gave_up = True
            self._task.cancel()
            due += WATCHDOG_S
        loop.call_at(due, self._look)


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
