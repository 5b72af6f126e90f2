"""The measuring side of a simulated 6517: functions, ranges, zero check, integrator, REL, and what a conversion
makes of the detector.

Ranges and limits are those of the 6517B reference manual; noise and hop are invented, the resistance ranges are
assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.clock import wall_date
from simulators.keithley_reading import Conversion
from simulators.world import Detector, Imperfection, gauss

OVERRANGE = 1.05


@dataclass(frozen=True)
class Function:
    """A measuring function: its SCPI name, the text it answers to FUNC?, the unit it prints, its nominal ranges."""

    header: str
    answer: str
    unit: str
    ranges: tuple[float, ...]


def decades(first: int, last: int) -> tuple[float, ...]:
    return tuple(float(f"2e{n}") for n in range(first, last + 1))


FUNCTIONS = {
    "VOLT": Function("VOLTage[:DC]", "VOLTage:DC", "VDC", decades(0, 2)),
    "CURR": Function("CURRent[:DC]", "CURRent:DC", "ADC", decades(-11, -2)),
    "RES": Function("RESistance", "RESistance", "OHM", decades(6, 18)),
    "CHAR": Function("CHARge", "CHARge", "COUL", decades(-9, -6)),
}


@dataclass
class FunctionSettings:
    """What each function remembers for itself."""

    full_scale: float
    auto: bool = True
    group: str = "HIGH"
    nplc: float = 1.0
    digits: int = 7
    filter_on: bool = False
    filter_count: int = 10
    filter_mode: str = "REP"
    reference: float = 0.0
    reference_on: bool = False


@dataclass
class Meter:
    """Turns detector and settings into conversions. ``force`` (a status letter) is the back door to any special
    value.
    """

    detector: Detector
    seed: int
    flaws: Imperfection
    function: str = "VOLT"
    zero_check: bool = True
    zero_correct: bool = False
    discharge_on: bool = False
    discharge_level_c: float = 2e-6
    source_v: float = 0.0
    source_on: bool = False
    force: str | None = None
    settings: dict[str, FunctionSettings] = field(default_factory=dict)
    stamp_zero_s: float = 0.0
    _charge_at_release: float = 0.0
    _released_s: float = 0.0
    _hop_c: float = 0.0

    def __post_init__(self) -> None:
        self.settings = {name: FunctionSettings(f.ranges[-1]) for name, f in FUNCTIONS.items()}
        self.restart_integrator(hop=False)

    @property
    def now_set(self) -> FunctionSettings:
        return self.settings[self.function]

    def restart_integrator(self, *, hop: bool) -> None:
        """Discharge the feedback capacitor now; releasing zero check leaves a hop behind."""
        self._released_s = self.detector.clock.now()
        self._charge_at_release = self.detector.charge(self._released_s)
        self._hop_c = self.flaws.hop_c if hop else 0.0

    def set_zero_check(self, on: bool) -> None:
        if self.zero_check and not on:
            self.restart_integrator(hop=True)
        self.zero_check = on

    def select(self, function: str) -> None:
        """Change the function; the charge integrator starts anew when it is entered."""
        if function == "CHAR" and self.function != "CHAR":
            self.restart_integrator(hop=False)
        self.function = function

    def set_range(self, function: str, value: float) -> None:
        """The lowest range that can measure ``value``; fixed from now on."""
        chosen = self.settings[function]
        chosen.full_scale = next(r for r in FUNCTIONS[function].ranges if abs(value) <= r * OVERRANGE * (1 + 1e-9))
        chosen.auto = False

    def truth(self, start: float, end: float) -> float:
        """What the present function would read between two seconds on an ideal, endless range."""
        if self.function == "CHAR":
            drift = self.flaws.input_bias_a * (end - self._released_s)
            return self._hop_c + self.detector.charge(end) - self._charge_at_release + drift
        if self.function == "CURR":
            offset = 0.0 if self.zero_correct else self.flaws.input_bias_a
            return self.detector.mean_current(start, end) + offset
        return self.detector.voltage_v if self.function == "VOLT" else self.detector.resistance_ohm

    def pick_range(self, value: float) -> float:
        """The range in use for ``value``; autorange looks for the lowest that holds it, in charge within its group."""
        s = self.now_set
        if s.auto:
            ranges = FUNCTIONS[self.function].ranges
            if self.function == "CHAR":
                ranges = ranges[2:] if s.group == "HIGH" else ranges[:2]
            s.full_scale = next((r for r in ranges if abs(value) <= r * OVERRANGE), ranges[-1])
        return s.full_scale

    def convert(self, number: int, start: float, end: float) -> Conversion:
        """The conversion that integrates from ``start`` to ``end`` (simulated seconds) and gets reading number
        ``number``.
        """
        s, value = self.now_set, self.truth(start, end)
        full_scale = self.pick_range(value)
        averaged = s.filter_count if s.filter_on else 1
        value += gauss(self.seed, self.function, number, self.flaws.noise * full_scale / averaged**0.5)
        status = self._status(value, full_scale)
        if s.reference_on:
            value -= s.reference
        if self.discharge_on and self.function == "CHAR" and abs(value) >= self.discharge_level_c:
            self.restart_integrator(hop=False)
        return Conversion(
            number=number,
            value=value,
            status=status,
            unit=FUNCTIONS[self.function].unit,
            full_scale=full_scale,
            digits=s.digits,
            time_s=end - self.stamp_zero_s,
            date=wall_date(self.detector.clock, end),
            source_v=self.source_v if self.source_on else 0.0,
        )

    def _status(self, value: float, full_scale: float) -> str:
        if self.force:
            return self.force
        if self.zero_check:
            return "Z"
        if abs(value) > full_scale * OVERRANGE:
            return "O"
        return "R" if self.now_set.reference_on else "N"
