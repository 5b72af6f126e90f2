"""How late an event loop comes to what is due, and what memory a process holds.

python -m benchmarks.lag is a loop with nothing else to do: what it is late by is the machine's. It prints what it noted
when its input is closed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path

EVERY_S = 0.01


class Lag:
    """How late the event loop comes to what is due, and the memory of this process before and after."""

    def __init__(self) -> None:
        self.late_ms: list[tuple[float, float]] = []  # when (s), how late
        self.before_kib = _resident_kib()

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            due = time.perf_counter() + EVERY_S
            await asyncio.sleep(EVERY_S)
            now = time.perf_counter()
            self.late_ms.append((now, 1000 * (now - due)))

    def write(self, folder: Path, instruments: int) -> None:
        """For benchmarks.instruments."""
        each_kib = (_resident_kib() - self.before_kib) / instruments
        (folder / "lag.json").write_text(json.dumps({"late_ms": self.late_ms, "each_kib": each_kib}))


def _resident_kib() -> float:
    """Memory that this process holds (proc(5), /proc/self/statm, field 2)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


async def idle() -> None:
    """Nothing but the watch."""
    lag = Lag()
    watching = asyncio.create_task(lag.watch())
    await asyncio.to_thread(sys.stdin.read)
    watching.cancel()
    print(json.dumps(lag.late_ms), flush=True)


if __name__ == "__main__":
    asyncio.run(idle())
