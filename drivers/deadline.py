"""What asyncio.timeout does, for whoever does one thing at a time and much of it.

A timer for each of many exchanges a second is a third of all work with them: here one timer outlives the work that it
was made for, and looks what is due when its time comes.
"""

from __future__ import annotations

import asyncio
from typing import Any, Self


class Deadline:
    """Use as `with deadline.within(seconds): await ...`, one at a time. Raises TimeoutError as asyncio.timeout does."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None  # the one that is at work
        self._cancelling = 0  # how often somebody else had cancelled it before
        self._seconds = self._until = 0.0
        self._expired = False
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> Self:
        """The work that follows may take so long."""
        self._seconds = seconds
        return self

    def forget(self) -> None:
        """No work follows for now: the timer of work that is over does not stay in the event loop."""
        if self._task is None:
            self._disarm()

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # who awaits is a task
        self._task, self._cancelling, self._expired = task, task.cancelling(), False
        self._until = loop.time() + self._seconds
        if self._timer is None or self._timer.when() > self._until:
            self._disarm()
            self._timer = loop.call_at(self._until, self._look)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        task, self._task = self._task, None
        if not self._expired or task is None:
            return
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:  # nobody else wants it to stop
            raise TimeoutError from error

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """The timer's time has come: is that of the work over, too?"""
        loop = asyncio.get_running_loop()
        self._timer = None
        if self._task is None:
            return
        if loop.time() < self._until:
            self._timer = loop.call_at(self._until, self._look)
            return
        self._expired = True
        self._task.cancel()
