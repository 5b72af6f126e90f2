"""Whether every loop of the service comes round, and systemd's watchdog, which is fed only while all of them do.

A part beats each time it has come round with what it depends on: the store's with its thread, the spool's with its
own, the publisher's with its connection or its attempts at one. The feeding itself is a task of the event loop, so a
loop that is stuck feeds nobody either. An instrument that hangs is no reason to restart its neighbours: its runner
cancels it (acquire.instruments.within).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from acquire.log import Log

log = Log("service")

Notify = Callable[[str], None]


class Heartbeat:
    """When each part came round last. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def of(self, part: str) -> Callable[[], None]:
        """What the part is to call whenever it has come round; it is expected to from now on."""

        def beat() -> None:
            self._last[part] = self._clock()

        beat()
        return beat

    @property
    def parts(self) -> list[str]:
        """The parts that are expected to come round."""
        return list(self._last)

    def age_s(self, part: str) -> float:
        """For how long a part has not come round, in seconds."""
        return self._clock() - self._last[part]

    def stuck(self, longer_s: float) -> list[str]:
        """The parts that did not come round for longer than this."""
        now = self._clock()
        return [part for part, at in self._last.items() if now - at > longer_s]


def watchdog_s() -> float | None:
    """Within how many seconds systemd wants to be told that this process lives (sd_watchdog_enabled(3)); None: not."""
    said, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID")
    if not said.isdecimal() or int(said) == 0 or pid not in (None, str(os.getpid())):
        return None
    return int(said) / 1e6


async def feed(heartbeat: Heartbeat, notify: Notify, within_s: float) -> None:
    """Feed the watchdog, four times as often as it asks for, while no part is stuck for half of that time."""
    told: list[str] = []
    while True:
        stuck = heartbeat.stuck(within_s / 2)
        if not stuck:
            notify("WATCHDOG=1")
        elif stuck != told:
            log.error("a part of the service does not come round; systemd is not told that it lives", parts=stuck)
        told = stuck
        await asyncio.sleep(within_s / 4)
