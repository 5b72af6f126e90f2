"""A simulated lexsyg reader: it writes XSYG files with thermoluminescence of TLD-100 chips.

Nesting, attributes and curve texts follow published XSYG files. The glow curve is the sum of first-order
peaks (Randall and Wilkins, linear heating, rational approximation of the exponential integral) of LiF:Mg,Ti,
with Poisson counts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from simulators.clock import Clock
from simulators.files.curve_faults import NO_FAULTS, CurveFaults, faults_of
from simulators.files.reader_clock import ReaderClock
from simulators.model import FileModel

ASSUMED = (
    "a chip is heated from 20 °C at 5 K/s to 350 °C and held for 5 s",
    "relative heights and widths of the TLD-100 peaks; 20 dark counts per channel",
    "the heater lags its profile by 0.2 s and reads within 0.3 K",
    "the file is written under another name and renamed when complete",
)
OPTIONS = ("start", "counts", "background", "user", "rate_k_per_s", "top_c", "tray")
BOLTZMANN_EV = 8.617333e-5
KELVIN = 273.15
CHANNEL_S = 0.1


@dataclass(frozen=True, slots=True)
class Peak:
    """A first-order peak: temperature of its maximum in K, activation energy in eV, height relative to peak 5."""

    t_max_k: float
    energy_ev: float
    height: float


TLD_100 = (
    Peak(413.0, 1.35, 0.12), Peak(452.0, 1.45, 0.30), Peak(481.0, 1.55, 0.45), Peak(508.0, 2.10, 1.0),
)  # fmt: skip


def exponential_part(x: float) -> float:
    """Stands for the exponential integral in a first-order peak (a rational approximation); `x` is E/kT, a ratio."""
    top = x**4 + 8.5733287401 * x**3 + 18.0590169730 * x**2 + 8.6347608925 * x + 0.2677737343
    bottom = x**4 + 9.5733223454 * x**3 + 25.6329561486 * x**2 + 21.0996530827 * x + 3.9584969228
    return 1.0 - top / bottom


def first_order(t_k: float, peak: Peak) -> float:
    """Intensity of `peak` at `t_k` kelvin; the maximum is the peak's height."""
    x, x_m = peak.energy_ev / (BOLTZMANN_EV * t_k), peak.energy_ev / (BOLTZMANN_EV * peak.t_max_k)
    rise = math.exp(x_m - x)
    fall = x_m * (exponential_part(x_m) - t_k / peak.t_max_k * rise * exponential_part(x))
    return peak.height * rise * math.exp(fall)


class Xsyg:
    """The reader. Options: start (ISO date and time), counts (of the highest channel at dose_scale 1), background
    (dark counts per channel), user, rate_k_per_s, top_c, tray (chips that are read at once when it starts).
    """

    def __init__(self, folder: Path, clock: Clock, seed: int, options: Mapping[str, Any]) -> None:
        self.folder = folder
        self.clock = clock
        self.emitted = 0
        self._rng = random.Random(f"{seed}:xsyg")
        self._shown = ReaderClock(clock, options)
        self._at = self._shown.now()
        self._counts = float(options.get("counts", 4000.0))
        self._background = float(options.get("background", 20.0))
        self._user = str(options.get("user", "physicist"))
        self._rate = float(options.get("rate_k_per_s", 5.0))
        self._top_c = float(options.get("top_c", 350.0))

    def read_out(self, sample_name: str, position: int, dose_scale: float, faults: CurveFaults = NO_FAULTS) -> Path:
        """Read one chip out into one complete file and give its path; `dose_scale` 0 leaves the dark counts alone.

        Raises ValueError for a name that cannot be a file's.
        """
        if not sample_name or any(char in sample_name for char in "/\\\0"):
            raise ValueError(f"{sample_name!r} cannot name a file; give the sample a name without slashes.")
        times = [round(CHANNEL_S * (i + 1), 1) for i in range(round(self._duration_s / CHANNEL_S))]
        self._at = max(self._at, self._shown.now())
        root = self._document(sample_name, position, times, dose_scale, faults)
        path = self.folder / f"{sample_name}_{self._at:%Y%m%d%H%M%S}_{position}.xsyg"
        unfinished = path.with_suffix(".part")
        ElementTree.indent(root)
        unfinished.write_bytes(b"\xef\xbb\xbf" + ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True))
        unfinished.rename(path)
        self._at += timedelta(seconds=self._duration_s + 60)
        self.emitted += 1
        return path

    def read_out_request(self, request: Mapping[str, Any]) -> Path:
        """`read_out` from the back door: `{"sample_name": .., "position": .., "dose_scale": ..}`, and `"faults": {..}`
        of curve_faults. Raises ValueError.
        """
        of_chip = str(request["sample_name"]), int(request["position"]), float(request["dose_scale"])
        return self.read_out(*of_chip, faults_of(request))

    def read_tray(self, chips: int) -> None:
        """So many chips that were irradiated alike, within 3 %: a file each."""
        for position in range(1, chips + 1):
            self.read_out("tray", position, self._rng.gauss(1.0, 0.03))

    def state(self) -> Mapping[str, Any]:
        """A JSON-ready picture for the back door."""
        return {"emitted": self.emitted}

    @property
    def _ramp_s(self) -> float:
        return (self._top_c - 20.0) / self._rate

    @property
    def _duration_s(self) -> float:
        return self._ramp_s + 5.0

    def _profile_c(self, t_s: float, short_k: float = 0.0) -> float:
        return min(20.0 + self._rate * max(0.0, t_s), self._top_c - short_k)

    def _document(
        self, name: str, position: int, times: list[float], dose_scale: float, faults: CurveFaults
    ) -> ElementTree.Element:
        stamp = f"{self._at:%Y%m%d%H%M%S}"
        end = f"{self._at + timedelta(seconds=self._duration_s):%Y%m%d%H%M%S}"
        sample = ElementTree.Element("Sample", {
            "state": "finished", "parentID": "0", "name": name, "user": self._user, "startDate": stamp,
            "sampleCarrier": "disc", "lexsygID": "00-00-0000", "lexStudioVersion": "simulated",
            "firmwareVersion": "simulated",
            "os": "", "comment": "", "savePath": "",
        })  # fmt: skip
        sequence = ElementTree.SubElement(sample, "Sequence", {
            "state": "finished", "parentID": name, "name": "readout", "position": str(position), "comment": "",
            "startDate": stamp, "protocol": "TLD", "mineral": "LiF:Mg,Ti",
        })  # fmt: skip
        record = ElementTree.SubElement(sequence, "Record", {
            "state": "finished", "parentID": "readout", "name": "TL", "startDate": stamp, "recordType": "TL",
            "sequenceStepNumber": "2", "comment": "", "metaIrrType": "", "metaIrrDuration": "", "sampleCondition": "",
            "filterCombination": "", "detectionWindow": "", "endDate": end,
        })  # fmt: skip
        profile = f"0,20;{self._ramp_s:g},{self._top_c:g};{self._duration_s:g},{self._top_c:g}"
        self._curve(
            record, stamp, "measured", {"detector": "UVVIS"}, "cts [1/ch]", self._counts_text(times, dose_scale, faults)
        )
        self._curve(record, stamp, "predefined", {"stimulator": "heating element"}, "T [°C]", profile)
        heater = self._heater_text(times, faults.short_k)
        self._curve(record, stamp, "measured", {"stimulator": "heating element"}, "T [°C]", heater)
        return sample

    def _curve(
        self, record: ElementTree.Element, stamp: str, kind: str, source: dict[str, str], axis: str, text: str
    ) -> None:
        interval = f"{CHANNEL_S:g}" if kind == "measured" else "0"
        curve = ElementTree.SubElement(record, "Curve", {
            "state": "finished", "parentID": "TL", "startDate": stamp, "curveType": kind, **source,
            "curveDescripter": f"t [s]; {axis}", "offset": "0", "interval": interval,
            "duration": f"{self._duration_s:g}",
        })  # fmt: skip
        curve.text = text

    def _counts_text(self, times: list[float], dose_scale: float, faults: CurveFaults) -> str:
        counts = faults.on_counts([self._drawn_counts(t, dose_scale, faults) for t in times])
        return ";".join(f"{t:g},{count}" for t, count in zip(times, counts, strict=True))

    def _drawn_counts(self, t_s: float, dose_scale: float, faults: CurveFaults) -> int:
        t_k = self._profile_c(t_s - 0.2, faults.short_k) + KELVIN - faults.shift_k
        glow = sum(first_order(t_k, peak) for peak in TLD_100) if t_s <= self._ramp_s else 0.0
        return poisson(self._background + faults.light_leak + self._counts * dose_scale * glow, self._rng)

    def _heater_text(self, times: list[float], short_k: float) -> str:
        readings = (self._profile_c(t - 0.2, short_k) + self._rng.gauss(0.0, 0.1) for t in times)
        return ";".join(f"{t:g},{temperature:.2f}" for t, temperature in zip(times, readings, strict=True))


def poisson(mean: float, rng: random.Random) -> int:
    """A Poisson number: exact below a mean of 50, rounded normal above."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-max(mean, 0.0)), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


MODEL = FileModel("xsyg", "Freiberg Instruments lexsyg TLD/OSL reader, XSYG files", ASSUMED, OPTIONS, Xsyg)
