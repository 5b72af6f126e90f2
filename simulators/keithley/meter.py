"""The measuring side of a simulated Keithley electrometer: functions, ranges, zero check and correction, integrator,
REL, filters, and what a conversion makes of the detector.

Ranges and limits are those of the manuals; noise and hop are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simulators.beam import Detector, Imperfection, gauss
from simulators.clock import wall_date
from simulators.keithley.calculate import Calculations
from simulators.keithley.conversion import OVERRANGE, Conversion, Function
from simulators.keithley.filters import Filters


@dataclass
class Source:
    """The voltage (V) or current (A) source, where there is one; ``compliance`` bounds the other quantity;
    ``locked``: the interlock does not let it be switched on."""

    function: str = "VOLT"
    volts: float = 0.0
    amperes: float = 0.0
    on: bool = False
    compliance_a: float = 0.1
    compliance_v: float = 21.0
    locked: bool = False

    @property
    def level(self) -> float:
        """The sourced level in V or A, 0 in standby."""
        if not self.on:
            return 0.0
        return self.volts if self.function == "VOLT" else self.amperes


@dataclass
class FunctionSettings:
    """What each function remembers for itself."""

    full_scale: float
    auto: bool = True
    group: str = ""
    upper: float = float("inf")
    lower: float = 0.0
    nplc: float = 1.0
    digits: int = 7
    reference: float = 0.0
    reference_on: bool = False
    filters: Filters = field(default_factory=Filters)


@dataclass
class Meter:
    """Turns detector and settings into conversions. ``force`` (a status letter) is the back door to any special
    value. ``zero_check_blinds``: in zero check there is a marker instead of a number.
    """

    detector: Detector
    seed: int
    flaws: Imperfection
    functions: Mapping[str, Function]
    function: str
    zero_check_blinds: bool
    calculations: Calculations
    nplc: float = 1.0
    zero_check: bool = True
    zero_correct: bool = False
    zero_a: float = 0.0
    discharge_on: bool = False
    discharge_level_c: float = 2e-6
    source: Source = field(default_factory=Source)
    shared_filters: bool = False
    drives_detector: bool = False
    temperature_c: float = 21.5
    humidity_percent: float = 45.0
    temperature_on: bool = False
    humidity_on: bool = False
    force: str | None = None
    settings: dict[str, FunctionSettings] = field(default_factory=dict)
    stamp_zero_s: float = 0.0
    _charge_at_release: float = 0.0
    _released_s: float = 0.0
    _hop_c: float = 0.0

    def __post_init__(self) -> None:
        self.settings = {
            name: FunctionSettings(f.ranges[-1], nplc=self.nplc, group=f.auto_groups[0][0] if f.auto_groups else "")
            for name, f in self.functions.items()
        }
        if self.shared_filters:
            filters = Filters()
            for each in self.settings.values():
                each.filters = filters
        self.restart_integrator(hop=False)

    @property
    def now_set(self) -> FunctionSettings:
        """The settings of the present function."""
        return self.settings[self.function]

    def restart_integrator(self, *, hop: bool, at_s: float | None = None) -> None:
        """Discharge the feedback capacitor, now unless a second is given; releasing zero check leaves a hop behind."""
        self._released_s = self.detector.clock.now() if at_s is None else at_s
        self._charge_at_release = self.detector.charge(self._released_s)
        self._hop_c = self.flaws.hop_c if hop else 0.0

    def set_zero_check(self, on: bool) -> None:
        """Short the input, or release it and begin to integrate."""
        if self.zero_check and not on:
            self.restart_integrator(hop=True)
        self.zero_check = on

    def acquire_zero(self) -> None:
        """Keep the present offset current for zero correction."""
        self.zero_a = self.flaws.input_bias_a

    def select(self, function: str) -> None:
        """Change the function; the charge integrator starts anew when it is entered."""
        if function == "CHAR" and self.function != "CHAR":
            self.restart_integrator(hop=False)
        if function != self.function:
            self.settings[function].filters.forget()
        self.function = function

    def set_range(self, function: str, value: float) -> None:
        """The lowest range that can measure ``value`` (the function's SI unit); fixed from now on."""
        chosen = self.settings[function]
        chosen.full_scale = self.functions[function].fit(value)
        chosen.auto = False
        chosen.filters.forget()

    def settle_range(self, function: str) -> None:
        """Look for the best range once and stay in it."""
        now = self.detector.clock.now()
        self.now_set.auto = True
        self.pick_range(self.truth(now - 1e-3, now))
        self.settings[function].auto = False

    def truth(self, start: float, end: float) -> float:
        """What the present function would read between two seconds on an ideal, endless range."""
        if self.function == "CHAR":
            drift = self.flaws.input_bias_a * (end - self._released_s)
            return self._hop_c + self.detector.charge(end) - self._charge_at_release + drift
        if self.function == "CURR":
            offset = self.flaws.input_bias_a - (self.zero_a if self.zero_correct else 0.0)
            return offset if self.zero_check else self.detector.mean_current(start, end) + offset + self._driven_a
        if self.function == "VOLT":
            return self._driven_v if self.drives_detector else self.detector.voltage_v
        return self.detector.resistance_ohm

    @property
    def in_compliance(self) -> bool:
        """Whether the source would have to give more than its limit: its level through the detector's resistance."""
        if self.source.function == "VOLT":
            return abs(self.source.level) > self.source.compliance_a * self.detector.resistance_ohm
        return abs(self.source.level) * self.detector.resistance_ohm > self.source.compliance_v

    @property
    def _driven_a(self) -> float:
        if not self.drives_detector or self.source.function != "VOLT":
            return 0.0
        bound = self.source.compliance_a
        return max(-bound, min(bound, self.source.level / self.detector.resistance_ohm))

    @property
    def _driven_v(self) -> float:
        if self.source.function == "VOLT":
            return self.source.level
        bound = self.source.compliance_v
        return max(-bound, min(bound, self.source.level * self.detector.resistance_ohm))

    def pick_range(self, value: float) -> float:
        """The range in use for ``value``; autorange looks for the lowest of its group and limits that holds it.

        Both are in the function's SI unit.
        """
        s = self.now_set
        if s.auto:
            function = self.functions[self.function]
            group = dict(function.auto_groups).get(s.group, function.ranges)
            allowed = [r for r in group if s.lower <= r * OVERRANGE <= s.upper * OVERRANGE * (1 + 1e-9)] or group[-1:]
            chosen = next((r for r in allowed if abs(value) <= r * OVERRANGE), allowed[-1])
            if chosen != s.full_scale:
                s.filters.forget()
            s.full_scale = chosen
        return s.full_scale

    def convert(self, number: int, start: float, end: float) -> Conversion:
        """The reading that integrates from ``start`` to ``end`` (simulated seconds) and gets reading number
        ``number``; a repeating filter shares that time between its conversions.
        """
        s = self.now_set
        full_scale = self.pick_range(self.truth(start, end))
        parts = s.filters.repeats
        step = (end - start) / parts
        measured = [
            self.truth(start + n * step, start + (n + 1) * step)
            + gauss(self.seed, self.function, number * parts + n, self.flaws.noise * full_scale)
            for n in range(parts)
        ]
        self._discharge(measured[-1], end)
        value = s.filters.reading(measured, full_scale)
        over = abs(value) > full_scale * OVERRANGE
        value -= s.reference if s.reference_on else 0.0
        shown = self.calculations.shown(value)
        return Conversion(
            number=number,
            value=value,
            status=self._status(over),
            function=self.function,
            unit=self.functions[self.function].unit,
            full_scale=full_scale,
            digits=s.digits,
            time_s=end - self.stamp_zero_s,
            date=wall_date(self.detector.clock, end),
            source=self.source.level,
            shown=shown,
            temperature_c=self.temperature_c if self.temperature_on else None,
            humidity_percent=self.humidity_percent if self.humidity_on else None,
            marks=self._marks(over) | self.calculations.marks(shown),
        )

    def _discharge(self, charge_c: float, at_s: float) -> None:
        """Auto-discharge empties the integrator when its level is reached."""
        if self.discharge_on and self.function == "CHAR" and abs(charge_c) >= abs(self.discharge_level_c):
            self.restart_integrator(hop=False, at_s=at_s)

    def _marks(self, over: bool) -> frozenset[str]:
        s = self.now_set
        present: Mapping[str, Callable[[], bool]] = {
            "overflow": lambda: over or self.force == "O",
            "filter": lambda: s.filters.on or s.filters.median_on,
            "zero check": lambda: self.zero_check,
            "zero correct": lambda: self.zero_correct,
            "source on": lambda: self.source.on,
            "compliance": lambda: self.in_compliance,
            "interlock": lambda: self.source.locked,
            f"source {self.source.function}": lambda: self.source.on,
            f"measures {self.function}": lambda: True,
        }
        return frozenset(name for name, holds in present.items() if holds())

    def _status(self, over: bool) -> str:
        if self.force:
            return self.force
        if self.zero_check and self.zero_check_blinds:
            return "Z"
        if over:
            return "O"
        return "R" if self.now_set.reference_on else "N"
