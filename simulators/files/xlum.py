"""A simulated reader whose software exports XLUM: a document for a tray of TLD-100 chips.

Elements and attributes follow the published specification 1.0.0 of the format and its example file. The light is that
of the simulated lexsyg reader.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from simulators.clock import Clock
from simulators.files.curve_faults import NO_FAULTS, CurveFaults
from simulators.files.disc_reader import DiscReader
from simulators.files.reader_clock import ReaderClock
from simulators.files.xsyg import KELVIN, TLD_100, first_order, poisson
from simulators.model import FileModel

ASSUMED = (
    "a chip is heated from 20 °C at 5 K/s to 350 °C, a count and a temperature every 0.2 s",
    "relative heights and widths of the TLD-100 peaks; 20 dark counts per channel",
    "a sample for each tray, a sequence for each position of it",
    "its clock is told as UTC, without its zone being known",
    "the file is written under another name and renamed when complete",
)
OPTIONS = ("start", "counts", "background", "author", "tray")
RATE, FROM_C, TO_C, CHANNEL_S = 5.0, 20.0, 350.0, 0.2
NOT_SAID = "NA"
OF_SAMPLE = ("latitude", "longitude", "altitude", "doi", "comment", "state", "parentID")
OF_SEQUENCE = ("fileName", "readerFW", "comment", "state", "parentID")


class Xlum(DiscReader):
    """The reader. Options: start (ISO date and time), counts (of the highest channel at dose_scale 1), background
    (dark counts per channel), author, tray (chips that are read at once when it starts).
    """

    def __init__(self, folder: Path, clock: Clock, seed: int, options: Mapping[str, Any]) -> None:
        self.folder = folder
        self.clock = clock
        self.emitted = 0
        self._rng = random.Random(f"{seed}:xlum")
        self._shown = ReaderClock(clock, options)
        self._at = self._shown.now()
        self._counts = float(options.get("counts", 4000.0))
        self._background = float(options.get("background", 20.0))
        self._author = str(options.get("author", "simulated"))

    def read_out(
        self, sample: str, dose_scales: Sequence[tuple[int, float]], faults: Mapping[int, CurveFaults] | None = None
    ) -> Path:
        """Read positions `(position, dose_scale)` of one tray into one complete file and give its path.

        dose_scale 0 leaves the dark counts alone. Raises ValueError for a sample that cannot name a file.
        """
        if not sample or any(char in sample for char in "/\\\0"):
            raise ValueError(f"{sample!r} cannot name a file; give the sample a name without slashes.")
        self._at = max(self._at, self._shown.now())
        path = self.folder / f"{sample}_{self._at:%Y%m%d%H%M%S}.xlum"
        root = ElementTree.Element("xlum", {
            "xmlns:xlum": "http://xlum.r-luminescence.org", "lang": "en", "formatVersion": "1.0", "flavour": "generic",
            "author": self._author, "license": "CC BY 4.0", "doi": NOT_SAID,
        })  # fmt: skip
        own = {"name": sample, "mineral": "LiF:Mg,Ti"} | dict.fromkeys(OF_SAMPLE, NOT_SAID)
        tray = ElementTree.SubElement(root, "sample", own)
        for position, scale in dose_scales:
            self._sequence(tray, position, scale, (faults or {}).get(position, NO_FAULTS))
            self._at += timedelta(seconds=(TO_C - FROM_C) / RATE + 60)
            self.emitted += 1
        ElementTree.indent(root)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
        unfinished.rename(path)
        return path

    def _sequence(self, tray: ElementTree.Element, position: int, scale: float, faults: CurveFaults) -> None:
        said = {"position": str(position), "name": "readout", "software": "simulated", "readerName": "simulated"}
        said |= {"readerSN": "1"} | dict.fromkeys(OF_SEQUENCE, NOT_SAID)
        sequence = ElementTree.SubElement(tray, "sequence", said)
        record = ElementTree.SubElement(sequence, "record", {
            "recordType": "TL", "comment": NOT_SAID, "sequenceStepNumber": "1", "sampleCondition": NOT_SAID,
            "state": "finished", "parentID": NOT_SAID,
        })  # fmt: skip
        times = [round(CHANNEL_S * n, 1) for n in range(1, round((TO_C - FROM_C) / RATE / CHANNEL_S) + 1)]
        heated = [min(FROM_C + RATE * t, TO_C - faults.short_k) + KELVIN for t in times]
        light = (sum(first_order(t_k - faults.shift_k, peak) for peak in TLD_100) for t_k in heated)
        under = self._background + faults.light_leak
        counts = faults.on_counts([poisson(under + self._counts * scale * each, self._rng) for each in light])
        self._curve(record, times, "thermocouple", "temperature", "K", [f"{each:.2f}" for each in heated])
        self._curve(record, times, "PMT", "luminescence", "cts", map(str, counts))

    def _curve(
        self, record: ElementTree.Element, times: Sequence[float], component: str, label: str, unit: str, values: Any
    ) -> None:
        curve = ElementTree.SubElement(record, "curve", {
            "component": component, "startDate": f"{self._at:%Y-%m-%dT%H:%M:%S}.0Z", "curveType": "measured",
            "duration": f"{times[-1]:g}", "offset": "0", "xValues": "0", "yValues": "0",
            "tValues": " ".join(f"{t:g}" for t in times), "xLabel": NOT_SAID, "yLabel": NOT_SAID, "tLabel": "time",
            "vLabel": label, "xUnit": NOT_SAID, "yUnit": NOT_SAID, "vUnit": unit, "tUnit": "s",
            "detectionWindow": NOT_SAID, "filter": NOT_SAID, "comment": NOT_SAID, "state": "finished",
            "parentID": NOT_SAID,
        })  # fmt: skip
        curve.text = " ".join(values)


MODEL = FileModel("xlum", "TLD reader that exports XLUM", ASSUMED, OPTIONS, Xlum)
