"""A simulated Risø TL/OSL reader: its sequence editor writes BINX files, a TL record for each position of a disc.

Header offsets and record rules follow the published structure of versions 6, 7 and 8; texts and reserves are filled
with zeros. The glow curve is that of TLD-100 chips, as in the simulated lexsyg reader.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from simulators.clock import Clock
from simulators.files.curve_faults import NO_FAULTS, CurveFaults
from simulators.files.disc_reader import DiscReader
from simulators.files.reader_clock import ReaderClock
from simulators.files.xsyg import KELVIN, TLD_100, first_order, poisson
from simulators.model import FileModel

ASSUMED = (
    "a chip is heated from 0 °C by the file's own axis at 5 K/s to 350 °C, a point each degree",
    "relative heights and widths of the TLD-100 peaks; 20 dark counts per channel",
    "the file is written under another name and renamed when complete",
    "PREVIOUS is the length of the record before, 0 for the first",
)
OPTIONS = ("start", "counts", "background", "version", "system", "tray")
HEADER = {6: 447, 7: 447, 8: 507}
POINTS = 350
RATE = 5.0
# Offsets of version 6 and 7; version 8 has RECTYPE at 14 and all that follows one byte further.
NUMBERS = {
    "RUN": (14, "h"), "SET": (16, "h"), "POSITION": (18, "h"), "SYSTEMID": (130, "h"), "LTYPE": (323, "B"),
    "LOW": (329, "f"), "HIGH": (333, "f"), "RATE": (337, "f"), "AN_TEMP": (345, "f"), "TOLDELAY": (353, "h"),
    "TOLOFF": (357, "h"), "TIMESINCEIRR": (372, "i"),
}  # fmt: skip
TEXTS = {"SAMPLE": (28, 20), "TIME": (264, 6), "DATE": (271, 6)}


class Risoe(DiscReader):
    """The reader. Options: start (ISO date and time), counts (of the highest channel at dose_scale 1), background
    (dark counts per channel), version (6, 7 or 8), system (number of the reader), tray (chips that are read
    at once when it starts).
    """

    def __init__(self, folder: Path, clock: Clock, seed: int, options: Mapping[str, Any]) -> None:
        self.folder = folder
        self.clock = clock
        self.emitted = 0
        self._rng = random.Random(f"{seed}:risoe")
        self._shown = ReaderClock(clock, options)
        self._at = self._shown.now()
        self._counts = float(options.get("counts", 4000.0))
        self._background = float(options.get("background", 20.0))
        self._version = int(options.get("version", 8))
        self._system = int(options.get("system", 94))
        if self._version not in HEADER:
            raise ValueError(f"Version {self._version} of BINX is not simulated; there are 6, 7 and 8.")

    def read_out(
        self, sample: str, dose_scales: Sequence[tuple[int, float]], faults: Mapping[int, CurveFaults] | None = None
    ) -> Path:
        """Read positions `(position, dose_scale)` of one disc into one complete file and give its path; faults by
        position.

        dose_scale 0 leaves the dark counts alone. Raises ValueError for a sample that has no room in a record.
        """
        if not sample or any(char in sample for char in "/\\\0") or len(sample.encode("latin-1", "replace")) > 20:
            raise ValueError(f"{sample!r} cannot name a sample; give it 1 to 20 characters without slashes.")
        self._at = max(self._at, self._shown.now())
        path = self.folder / f"{sample}_{self._at:%Y%m%d%H%M%S}.binx"
        previous, records = 0, []
        for run, (position, scale) in enumerate(dose_scales, start=1):
            counts = self._glow(scale, (faults or {}).get(position, NO_FAULTS))
            records.append(self._record(sample, run, position, counts, previous))
            previous = len(records[-1])
            self._at += timedelta(seconds=POINTS / RATE + 15)
            self.emitted += 1
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(b"".join(records))
        unfinished.rename(path)
        return path

    def _glow(self, scale: float, faults: CurveFaults) -> list[int]:
        """The heater's temperature is not in the file: one that stops early cools the chip, and nobody sees it."""
        temperatures = (KELVIN + min(n, POINTS - faults.short_k) - faults.shift_k for n in range(1, POINTS + 1))
        light = (sum(first_order(t_k, peak) for peak in TLD_100) for t_k in temperatures)
        under = self._background + faults.light_leak
        return faults.on_counts([poisson(under + self._counts * scale * each, self._rng) for each in light])

    def _record(self, sample: str, run: int, position: int, counts: Sequence[int], previous: int) -> bytes:
        size = HEADER[self._version]
        header = bytearray(size)
        struct.pack_into("<Hiii", header, 0, self._version, size + 4 * len(counts), previous, len(counts))
        further = self._version == 8
        if further:
            header[14] = 1
        numbers = {
            "RUN": run, "SET": 1, "POSITION": position, "SYSTEMID": self._system, "LTYPE": 0, "LOW": 0.0,
            "HIGH": float(POINTS), "RATE": RATE, "AN_TEMP": 0.0, "TOLDELAY": 0, "TOLOFF": POINTS, "TIMESINCEIRR": -1,
        }  # fmt: skip
        for name, value in numbers.items():
            offset, code = NUMBERS[name]
            struct.pack_into(f"<{code}", header, offset + further, value)
        for name, text in {"SAMPLE": sample, "TIME": f"{self._at:%H%M%S}", "DATE": f"{self._at:%d%m%y}"}.items():
            offset, room = TEXTS[name]
            data = text.encode("latin-1", "replace")[:room]
            header[offset + further] = len(data)
            header[offset + further + 1 : offset + further + 1 + len(data)] = data
        return bytes(header) + struct.pack(f"<{len(counts)}i", *counts)


MODEL = FileModel("risoe-bin", "Risø TL/OSL reader, BINX files", ASSUMED, OPTIONS, Risoe)
