"""Simulated time: what every simulated instrument and the beam in front of it agree on.

``SimClock`` runs beside the computer's monotonic clock, ``speed`` times as fast, for people and programs that
talk to a simulator.
``SteppedClock`` stands still until somebody waits on it or advances it, so that a test is exact and never sleeps.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Simulated seconds since the start, and the date shown by the instrument's own clock at second 0."""

    epoch: datetime

    def now(self) -> float:
        """Simulated seconds since the start."""
        ...

    async def sleep_until(self, when: float) -> None:
        """Return when ``now()`` has reached ``when`` (simulated seconds)."""
        ...


def wall_date(clock: Clock, when: float) -> datetime:
    """Date and time (local, no zone) that an instrument clock shows at simulated second ``when``."""
    return clock.epoch + timedelta(seconds=when)


class SimClock:
    """The monotonic clock times ``speed`` (simulated seconds per real second)."""

    def __init__(self, speed: float = 1.0, *, epoch: datetime | None = None) -> None:
        if not 0.0 < speed < float("inf"):
            raise ValueError(
                f"speed {speed!r} is not allowed: it is simulated seconds per real second, above 0 and finite"
            )
        self.speed = speed
        self.epoch = epoch if epoch is not None else datetime.now()
        self._start = time.monotonic()

    def now(self) -> float:
        return (time.monotonic() - self._start) * self.speed

    async def sleep_until(self, when: float) -> None:
        while (left := when - self.now()) > 0:  # noqa: ASYNC110 - time itself is what is waited for
            await asyncio.sleep(left / self.speed)


class SteppedClock:
    """A clock that moves only when somebody waits on it or calls ``advance``; the same calls give the same times."""

    def __init__(self, *, epoch: datetime = datetime(2027, 2, 3, 9, 0)) -> None:
        self.epoch = epoch
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``. Raises ValueError when negative."""
        if seconds < 0:
            raise ValueError(f"time cannot go back: advance({seconds})")
        self._now += seconds

    async def sleep_until(self, when: float) -> None:
        self._now = max(self._now, when)
        await asyncio.sleep(0)
