"""A name server that is silent, by a small library that a process is started with: a name under .example hangs there.

names = SilentNames(tmp_path / "names")
process = Process(tmp_path, "service", "run", str(config), before=names.before())
await names.asked_for("broker.example")
"""

from __future__ import annotations

from pathlib import Path

from preload import compiled
from waiting import until

SOURCE = Path(__file__).with_suffix(".c")


class SilentNames:
    """For every process that is started with it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.touch()

    def before(self) -> list[str]:
        """The words before a command that is to have this name server."""
        return ["env", f"LD_PRELOAD={compiled(SOURCE, 'dl')}", f"SILENT_NAMES={self._file}"]

    def asked(self) -> list[str]:
        """The names that were looked up, in order; each look-up hangs for as long as its process lives."""
        return self._file.read_text().splitlines()

    async def asked_for(self, name: str) -> None:
        """Wait until somebody waits for the address of a name."""
        await until(lambda: name in self.asked(), 30, f"the look-up of {name}")
