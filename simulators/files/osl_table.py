"""A simulated OSL reader whose software appends a line a reading to a table, as microSTAR-like readers export them.

The columns are invented, since the real ones are the site's own choice: the daemon reads them by a column map.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from simulators.clock import Clock
from simulators.files.reader_clock import ReaderClock
from simulators.model import FileModel

ASSUMED = ("names and order of the columns", "a reading takes 10 s", "lines are appended to one table")
OPTIONS = ("start", "file", "tray")
HEADING = "Dot,Reading,Counts,Read at"
READING = timedelta(seconds=10)


class OslTable:
    """The reader. Options: start (ISO date and time), file (name of the table), tray (dots that are read at once
    when it starts)."""

    def __init__(self, folder: Path, clock: Clock, seed: int, options: Mapping[str, Any]) -> None:
        self._rng = random.Random(f"{seed}:osl-table")
        self.folder = folder
        self.clock = clock
        self.emitted = 0
        self._name = str(options.get("file", "readings.csv"))
        self._shown = ReaderClock(clock, options)
        self._at = self._shown.now()
        self._times_read: dict[str, int] = {}

    def read_out(self, readings: Sequence[tuple[str, int]]) -> Path:
        """Read dots `(engraving, counts)`, one after the other, a dot several times where it stands several times."""
        path = self.folder / self._name
        self._at = max(self._at, self._shown.now())
        fresh = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as table:
            if fresh:
                table.write(f"{HEADING}\r\n")
            for dot, counts in readings:
                self._times_read[dot] = self._times_read.get(dot, 0) + 1
                table.write(f"{dot},{self._times_read[dot]},{counts},{self._at:%Y-%m-%d %H:%M:%S}\r\n")
                self._at += READING
                self.emitted += 1
        return path

    def read_out_request(self, request: Mapping[str, Any]) -> Path:
        """`read_out` from the back door: `{"dots": [[engraving, counts], ...]}`.

        Raises ValueError for an engraving that would be two cells, or counts that are no whole number.
        """
        asked = [(str(dot), counts) for dot, counts in request["dots"]]
        if odd := [dot for dot, counts in asked if not dot or set(dot) & set(',"\r\n') or not isinstance(counts, int)]:
            raise ValueError(f"{odd[0]!r} cannot be read: a dot has an engraving without commas and whole counts.")
        return self.read_out(asked)

    def read_tray(self, chips: int) -> None:
        """So many dots that were irradiated alike, within 3 %, each once."""
        self.read_out([(f"DOT{n:04}", round(self._rng.gauss(20_000, 600))) for n in range(1, chips + 1)])

    def state(self) -> Mapping[str, Any]:
        """A JSON-ready picture for the back door."""
        return {"emitted": self.emitted}


MODEL = FileModel("osl-table", "OSL reader whose software exports a table", ASSUMED, OPTIONS, OslTable)
