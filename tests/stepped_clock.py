"""A wall clock that steps under a running process, by a small library that the process is started with.

clock = SteppedClock(tmp_path / "clock")
process = subprocess.Popen([*clock.before(), ...])
clock.step(+86400)      # from now on it is a day later for that process; its monotonic clock stays as it is
"""

from __future__ import annotations

import struct
from pathlib import Path

from preload import compiled

SOURCE = Path(__file__).with_suffix(".c")


def library() -> Path:
    """The library, compiled."""
    return compiled(SOURCE, "dl")


class SteppedClock:
    """One clock, for every process that is started with it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.ahead_s = 0.0
        self._write()

    def environment(self) -> dict[str, str]:
        """What names the clock beside LD_PRELOAD."""
        return {"STEPPED_CLOCK": str(self.file)}

    def step(self, seconds: float) -> None:
        """Forward, or back where it is negative."""
        self.ahead_s += seconds
        self._write()

    def _write(self) -> None:
        """In place: the file is mapped by processes that run."""
        with self.file.open("r+b" if self.file.exists() else "xb") as file:
            file.write(struct.pack("=q", round(self.ahead_s * 1e9)))
