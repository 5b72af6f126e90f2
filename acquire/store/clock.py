"""How long ago something was heard: by the machine's boot and its monotonic clock, never by the time of day.

A clock that is a day ahead, or is set back, would otherwise close a session too early or never (docs/noloss.md rules
4.9, 4.10 and 4.12).
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux: a UUID, made anew at every boot (random(4))


@cache
def boot() -> str:
    """What names this boot of the machine; where the machine does not say, only this process."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return f"process {time.time_ns()}"


def monotonic_s() -> float:
    """Seconds of the machine's monotonic clock, which every process of one boot reads the same."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
