"""A simulated PTW UNIDOS of the T10001 family on its serial line: keys and display, as far as they are known.

Source: a public Python class for it. What it leaves open, which is much, is named in `ASSUMED`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulators.clock import Clock
from simulators.instrument import State
from simulators.model import WireModel
from simulators.ptw_serial.line import Integral, LineInstrument, Refused, Said

ASSUMED = (
    "how V, ?R, ?C and SER are written; names, full scales and prefixes of the ranges",
    "every known key is echoed; what is unknown or not possible now is answered with a question mark",
    "G begins a measurement without end, I one of the time that is set; the states RES, MES and HLD",
    "E opens the voltage page, U and D step through it by 50 V, E takes the voltage and closes it, C closes it",
    "the calibration factor; every reply takes 5 ms",
)
NULL_S = 70.0
RANGES = {"R0": ("LOW", 20.0, "n"), "R1": ("MEDIUM", 2000.0, "n"), "R2": ("HIGH", 200.0, "u")}
DOSE_RANGES = {"R0": ("LOW", 1000.0, "m"), "R1": ("MEDIUM", 0.1, "k"), "R2": ("HIGH", 10.0, "k")}
POWERS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3}
LARGEST = 99999.0
CLOSED, VOLTAGE_PAGE = "00", "0003"
RADIOLOGICAL = 4


class UnidosClassic(LineInstrument):
    """The instrument behind the line."""

    model = "ptw-unidos-classic"

    def __init__(
        self, clock: Clock, seed: int = 0, *, serial: str = "10234", leakage_a: float = 0.0,
        calibration_gy_per_c: float = 5e7, radiological: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(clock, seed)
        self.name, self.serial, self.calibration = "UNIDOS 2.20", serial, calibration_gy_per_c
        self._radiological_at_first = radiological
        self.detector.leakage_a = leakage_a
        self.power_cycle()

    def power_cycle(self) -> None:
        self.range_, self.radiological, self.menu = "R0", self._radiological_at_first, CLOSED
        self.voltage, self.chosen_v, self.integration_s = 300, 300, 60
        self.state_word = "RES"
        self.literal = None
        self.integral = Integral(self.detector, self.clock.now())

    async def reply(self, request: str) -> Said:
        now = self.clock.now()
        if self.integral.ended(now):
            self.state_word = "HLD"
        if request == "V":
            return self._display(now)
        told = self._told()
        if request in told:
            return Said(told[request])
        if request == "N":
            return Said(await self._null(now))
        if request in ("E", "D", "U", "C"):
            self._menu_key(request)
        else:
            self._key(request, now)
        return Said(request)

    @property
    def _scale(self) -> tuple[str, float, str]:
        return (DOSE_RANGES if self.radiological else RANGES)[self.range_]

    def _told(self) -> dict[str, str]:
        name, most, prefix = self._scale
        return {
            "PTW": f"{self.name} T10001", "SER": self.serial, "?F": str(RADIOLOGICAL * self.radiological),
            "?W": self.menu, "?S": self.state_word, "?U": "Gy" if self.radiological else "C", "?C": "1.000 1013 20.0",
            "?R": f"{name} 1 {most:.1f} {prefix}",
        }  # fmt: skip

    async def _null(self, now: float) -> str:
        self._at_top()
        self.state_word = "NUL"
        await self.clock.sleep_until(now + NULL_S)
        self.integral.offset_a = self.detector.mean_current(now, now + NULL_S)
        self.integral.reset(self.clock.now())
        self.state_word = "RES"
        return "N"

    def _at_top(self) -> None:
        if self.menu != CLOSED:
            raise Refused("?")

    def _key(self, key: str, now: float) -> None:
        if key not in ("G", "I", "M0", "T1", *RANGES):
            raise Refused("?")
        self._at_top()
        if key in RANGES:
            self.range_ = key
        elif key == "G":
            self.integral.start(now)
            self.state_word = "MES"
        elif key == "I":
            self.integral.start(now, float(self.integration_s))
            self.state_word = "INT"

    def _menu_key(self, key: str) -> None:
        if key == "E":
            if self.menu == VOLTAGE_PAGE:
                self.voltage = self.chosen_v
            self.menu = CLOSED if self.menu == VOLTAGE_PAGE else VOLTAGE_PAGE
        elif key == "C":
            self.menu, self.chosen_v = CLOSED, self.voltage
        elif self.menu == VOLTAGE_PAGE:
            self.chosen_v = min(400, max(0, self.chosen_v + (50 if key == "U" else -50)))

    def _display(self, now: float) -> Said:
        if self.menu == VOLTAGE_PAGE:
            return Said(f"{self.chosen_v:3d} V")
        value = self.integral.charge_c(now) * (self.calibration if self.radiological else 1.0)
        shown = min(LARGEST, value / POWERS[self._scale[2]])
        text = f"{self.integral.time_s(now):6.1f} {shown:9.4f}"
        return Said(self.instead(text), reading=True)

    # --- what the faults need to know -----------------------------------------------------------------------------

    def become(self, other: str) -> None:
        if other == "device":
            self.name = "UNIDOS2;1.00"
        else:
            self.serial = str(int(self.serial) + 1)

    def front_panel(self, what: str | None = None) -> None:
        """Somebody switches between charge and dose, or to the next range."""
        if self.knob(what, "units", "range") == "units":
            self.radiological = not self.radiological
        else:
            self.range_ = f"R{(int(self.range_[1]) + 1) % len(RANGES)}"

    def busy(self) -> bytes:
        return b"?\r\n"

    def stray_line(self) -> bytes:
        return f"{self.state_word}\r\n".encode()

    def sentinels(self, reply: bytes) -> list[bytes]:
        """More than the range shows, the voltage page, a decimal comma, minus zero."""
        time = reply.split()[0]
        values = (b"99999.0", b"-0.0000", b"NaN", b"0,0001")
        return [b"300 V\r\n", *(time + b" " + each + b"\r\n" for each in values)]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "menu": lambda value: setattr(self, "menu", str(value)),
            "state": lambda value: setattr(self, "state_word", str(value)),
        } | dict(super().back_doors())

    def state(self) -> State:
        now = self.clock.now()
        return {
            "model": self.model, "serial": self.serial, "emitted": self.emitted, "state": self.state_word,
            "function": "dose" if self.radiological else "charge", "range": self.range_,
            "charge_c": self.detector.charge(now), "time_s": now,
        }  # fmt: skip


MODEL = WireModel(
    UnidosClassic.model, "PTW UNIDOS (T10001) dosemeter, known subset", ASSUMED,
    ("serial", "leakage_a", "calibration_gy_per_c", "radiological"),
    lambda clock, seed, options: UnidosClassic(clock, seed, **options),
)  # fmt: skip
