"""A PM100USB with a sensor: what it measures, when, and its wire.

Written from the PM100D manual (p. 49, 51), the PM100USB manual (p. 20, 21) and the command tree of public clients
(ThorlabsPM100, PyMeasure, InstrumentKit, comet). The detector's charge is the photocurrent's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import ClassVar

from simulators.beam import gauss
from simulators.clock import Clock
from simulators.instrument import State
from simulators.scpi.instrument import ScpiInstrument, ScpiOptions
from simulators.scpi.status import Register
from simulators.scpi.table import Table
from simulators.thorlabs.sensors import (
    CURRENT_RANGES_A,
    OTHER_PHOTODIODE,
    PHOTODIODE,
    Sensor,
    sensor_named,
    show,
)

SAMPLE_S = 0.003
ZERO_S = 2.0
OVER, NOT_A_NUMBER = "9.90000000E+37", "9.91000000E+37"
NOISE = 1e-5  # of the range
Enter = Callable[[Table, "SimulatedPm100"], None]
OVER_CURRENT, OVER_POWER = 1 << 1, 1 << 3  # of the questionable status (SCPI-1999 volume 1, 20.1)


@dataclass(frozen=True)
class Pm100Options(ScpiOptions):
    """sensor: photodiode, other photodiode, pyroelectric or none. leakage_a: a steady photocurrent in A."""

    sensor: str = "photodiode"
    leakage_a: float = 0.0


class SimulatedPm100(ScpiInstrument):
    """One meter; `enter` gives it its commands. `sensor` can be pulled out and another plugged in while it runs."""

    model = "thorlabs-pm100"
    front_panel_acts: ClassVar[Sequence[str]] = ("function", "unit", "wavelength", "range", "sensor")

    def __init__(self, clock: Clock, seed: int, options: Pm100Options, enter: Enter) -> None:
        self._enter = enter
        super().__init__(clock, seed, options, terminator="lf", no_error="No error")
        self.name, self.serial = "PM100USB", options.serial or "P2004525"
        self.detector.leakage_a = options.leakage_a
        self.sensor: Sensor | None = sensor_named(options.sensor)
        self.readings = 0
        self.power_cycle()

    def power_cycle(self) -> None:
        self.status.power_on(-350)
        self.auxiliary = Register()
        self.zero_a, self.zero_ends_s = 0.0, 0.0
        self.reset()
        if self.leftover:
            self.execute_at_once(self.leftover)

    def reset(self) -> None:
        """Default settings: power in watts, autorange, 100 samples (comet); the zero is kept. The rest is assumed."""
        self.function, self.unit, self.average, self.auto = "POW", "W", 100, True
        self.wavelength_nm, self.range_a, self.low_pass = 635.0, CURRENT_RANGES_A[-1], True
        self.attenuation_db, self.references, self.relative = 0.0, {"POW": 0.0, "CURR": 0.0}, set[str]()
        self.last = NOT_A_NUMBER
        self.begun_s: float | None = None
        self.completion_asked = False
        self.settings.clear()
        self._table = Table(self.settings, lambda: None)
        self._enter(self._table, self)

    @property
    def table(self) -> Table:
        return self._table

    @property
    def idn(self) -> str:
        return f"Thorlabs,{self.name},{self.serial},1.4.0"

    # --- measuring ----------------------------------------------------------------------------------------------

    @property
    def responsivity(self) -> float:
        """A/W at the wavelength that is set; 1 where the sensor has none."""
        return self.sensor.responsivity(self.wavelength_nm) if self.sensor else 1.0

    @property
    def zeroing(self) -> bool:
        """Whether a zero is under way."""
        return self.clock.now() < self.zero_ends_s

    def catch_up(self) -> None:
        """A zero that has ended takes the mean current of its time."""
        if self.zero_ends_s and not self.zeroing:
            self.zero_a = self.detector.mean_current(self.zero_ends_s - ZERO_S, self.zero_ends_s)
            self.zero_ends_s = 0.0

    @property
    def operation_pending(self) -> bool:
        return self.begun_s is not None and self.clock.now() < self.begun_s + self.average * SAMPLE_S

    async def operation_complete(self) -> None:
        if self.operation_pending and self.begun_s is not None:
            await self.clock.sleep_until(self.begun_s + self.average * SAMPLE_S)

    def configure(self, function: str) -> None:
        """CONFigure: what READ? gives from now on."""
        self.function, self.begun_s = function, None

    async def measure(self) -> str:
        """Average the samples of one reading."""
        self.begun_s = begun = self.clock.now()
        await self.clock.sleep_until(begun + self.average * SAMPLE_S)
        self.begun_s = None
        self.last = self._measured(self.detector.mean_current(begun, self.clock.now()))
        return self.last

    def _measured(self, current_a: float) -> str:
        self.readings += 1
        if self.sensor is None or self.sensor.kind != PHOTODIODE.kind:
            return NOT_A_NUMBER
        current_a -= self.zero_a
        if self.auto:
            self.range_a = next((r for r in CURRENT_RANGES_A if abs(current_a) <= r), CURRENT_RANGES_A[-1])
        over = abs(current_a) > self.range_a
        self.status.questionable.hold(OVER_POWER if self.function == "POW" else OVER_CURRENT, over)
        if over:
            return OVER
        current_a += gauss(self.seed, "reading", self.readings, NOISE * self.range_a)
        return show(self._shown(current_a))

    def _shown(self, current_a: float) -> float:
        """The quantity of a photocurrent, less the reference where it is subtracted."""
        value = current_a
        if self.function == "POW":
            value = current_a / self.responsivity * 10 ** (self.attenuation_db / 10)
        if self.function in self.relative:
            value -= self.references[self.function]
        return self.in_unit(value) if self.function == "POW" else value

    def in_unit(self, watts: float) -> float:
        """W, or dBm of what is above 0."""
        return watts if self.unit == "W" else 10 * log10(max(watts, 1e-15) * 1e3)

    # --- what the faults need to know -----------------------------------------------------------------------------

    @property
    def banner(self) -> bytes:
        """It prints none."""
        return b""

    def become(self, other: str) -> None:
        if other == "device":
            self.name = "PM400"
        else:
            self.serial = f"P{int(self.serial[1:]) + 1}"

    def front_panel(self, what: str | None = None) -> None:
        act = what or self.front_panel_acts[0]
        if act not in self.front_panel_acts:
            raise ValueError(f"nobody can turn {act!r} on {self.model}; there is {', '.join(self.front_panel_acts)}")
        if act == "function":
            self.configure("CURR" if self.function == "POW" else "POW")
        elif act == "unit":
            self.unit = "DBM" if self.unit == "W" else "W"
        elif act == "wavelength":
            self.wavelength_nm = 532.0 if self.wavelength_nm != 532.0 else 808.0
        elif act == "range":
            self.auto, self.range_a = False, CURRENT_RANGES_A[0]
        else:
            self.sensor = OTHER_PHOTODIODE if self.sensor == PHOTODIODE else PHOTODIODE

    def busy(self) -> bytes:
        """Assumed: it stays silent and queues an error."""
        self.status.error(-213)
        return b""

    def stray_line(self) -> bytes:
        return b"0" + self.terminator

    def sentinels(self, reply: bytes) -> list[bytes]:
        text = reply.rstrip(b"\r\n")
        special = (OVER.encode(), b"-" + OVER.encode(), NOT_A_NUMBER.encode(), b"NAN", b"INF", b"-0.00000000E+00",
                   text.replace(b".", b","))  # fmt: skip
        return [each + self.terminator for each in special]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            **super().back_doors(),
            "sensor": lambda value: setattr(self, "sensor", sensor_named(value)),
            "leakage_a": lambda value: setattr(self.detector, "leakage_a", float(str(value))),
        }

    def state(self) -> State:
        return {
            "model": self.model, "serial": self.serial, "function": self.function, "emitted": self.emitted,
            "wavelength_nm": self.wavelength_nm, "range_a": self.range_a, "unit": self.unit, "zeroing": self.zeroing,
            "sensor": self.sensor.name if self.sensor else None, "time_s": self.clock.now(),
        }  # fmt: skip
