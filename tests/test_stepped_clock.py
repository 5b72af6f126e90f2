"""The clock of the campaign steps under a running process, and only the wall clock does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import stepped_clock
from stepped_clock import SteppedClock

TOLD = """
import datetime, sqlite3, sys, time
db = sqlite3.connect(":memory:")
for _ in sys.stdin:
    (sql,) = db.execute("SELECT (julianday('now') - 2440587.5) * 86400").fetchone()
    print(time.time(), datetime.datetime.now(datetime.UTC).timestamp(), sql, time.monotonic(), flush=True)
"""


def test_every_wall_clock_of_a_process_steps_and_no_monotonic_one(tmp_path: Path) -> None:
    clock = SteppedClock(tmp_path / "clock")
    env = os.environ | clock.environment() | {"LD_PRELOAD": str(stepped_clock.library())}
    with subprocess.Popen(
        [sys.executable, "-c", TOLD], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def told() -> list[float]:
            process.stdin.write("\n")
            process.stdin.flush()
            return [float(each) for each in process.stdout.readline().split()]

        before = told()
        clock.step(86400.0)
        ahead = told()
        clock.step(-3 * 86400.0)
        behind = told()
        process.stdin.close()
    for n in range(3):
        assert abs(ahead[n] - before[n] - 86400) < 20
        assert abs(behind[n] - before[n] + 2 * 86400) < 20
    assert 0 < behind[3] - before[3] < 20
