"""A simulated PTW DIAMENTOR (CRS) dose area product meter with one chamber on its serial line.

Source: PyMeasure's ptwDIAMENTOR class and its tests with a real unit. What they leave open is named in `ASSUMED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from simulators.clock import Clock
from simulators.instrument import State
from simulators.model import WireModel
from simulators.ptw_serial.line import Integral, LineInstrument, Refused, Said

ASSUMED = (
    "lines end with CR LF; an empty line is the whole answer to a self test that passed",
    "the second four fields of M are of a second chamber, which is not there: zeros; the last one is the serial number",
    "product in uGy m2 is charge in C times KA times KFA times air density; the rate is per second, the time since RES",
    "over 1E-6 A M is answered with E5; every reply takes 5 ms",
)
UNITS = {"1": 1.0, "2": 0.01, "3": 1.0, "4": 1.0 / 0.00876}  # of one uGy m2: cGy cm2, Gy cm2, uGy m2, R cm2
MAX_CURRENT_A = 1e-6
LARGEST = 9999.99


class Diamentor(LineInstrument):
    """The instrument behind the line."""

    model = "ptw-diamentor"

    def __init__(
        self, clock: Clock, seed: int = 0, *, serial: str = "345678", leakage_a: float = 0.0, calibrated: bool = True,
        write_protected: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(clock, seed)
        self.name, self.serial = "CRS 2.33", serial
        self.calibrated, self.write_protected = calibrated, write_protected
        self.detector.leakage_a = leakage_a
        self.power_cycle()

    def power_cycle(self) -> None:
        self.baud, self.unit, self.pressure, self.temperature = "0", "3", 1013, 20
        self.calibration, self.factor = 1.0e9, 1.0
        self.test_error: str | None = None
        self.constancy, self.eeprom_error = "P", "0"
        self.literal = None
        self.integral = Integral(self.detector, self.clock.now())
        self.integral.start(self.clock.now())

    async def reply(self, request: str) -> Said:
        now = self.clock.now()
        if request == "M":
            return self._measured(now)
        if request == "RES":
            self.integral.start(now)
            return Said("RES")
        if request == "TST":
            return Said(self.test_error or "")
        asked = self._asked()
        if request in asked:
            return Said(asked[request]())
        return Said(self._set(request))

    def _asked(self) -> dict[str, Callable[[], str]]:
        return {
            "PTW": lambda: self.name,
            "SER": lambda: f"SER{self.serial}",
            "G": lambda: f"G{self.constancy}",
            "CRC": lambda: f"CRC{self.eeprom_error},{int(not self.calibrated)}",
            "BR": lambda: f"BR{self.baud}",
            "PRE": lambda: f"PRE{self.pressure:04d}",
            "TMPA": lambda: f"TMPA{self.temperature:02d}",
            "U": lambda: f"U{self.unit}",
            "KA": lambda: "KA" + f"{self.calibration:.4E}".replace("+", ""),
            "KFA": lambda: f"KFA{self.factor:.3f}",
        }

    def _set(self, request: str) -> str:
        found = re.fullmatch(r"(BR|PRE|TMPA|U|KFA|KA)([0-9.]+(?:E[0-9]{1,2})?)", request)
        if not found:
            raise Refused("E1")
        word, text = found[1], found[2]
        forms = {"BR": r"\d", "PRE": r"\d{4}", "TMPA": r"\d\d", "U": r"\d", "KFA": r"\d\.\d{3}", "KA": r"\d\.\d+E\d+"}
        if not re.fullmatch(forms[word], text):
            raise Refused("E1")
        limits = {
            "BR": (0, 4), "PRE": (500, 1500), "TMPA": (0, 70), "U": (1, 4), "KFA": (0, 9.999), "KA": (1e8, 9.999e12),
        }  # fmt: skip
        low, high = limits[word]
        if not low <= float(text) <= high:
            raise Refused("E9")
        if word in ("KA", "KFA") and self.write_protected:
            raise Refused("E7")
        setters: dict[str, Callable[[], None]] = {
            "BR": lambda: setattr(self, "baud", text),
            "PRE": lambda: setattr(self, "pressure", int(text)),
            "TMPA": lambda: setattr(self, "temperature", int(text)),
            "U": lambda: setattr(self, "unit", text),
            "KFA": lambda: setattr(self, "factor", float(text)),
            "KA": lambda: setattr(self, "calibration", float(text)),
        }
        setters[word]()
        return request

    def _measured(self, now: float) -> Said:
        if not self.calibrated and self.eeprom_error != "0":
            raise Refused("E24")
        if abs(self.detector.current(now)) > MAX_CURRENT_A:
            raise Refused("E5")
        air = 1013.0 / self.pressure * (273.15 + self.temperature) / 293.15
        scale = self.calibration * self.factor * air * UNITS[self.unit]
        product, rate = self.integral.charge_c(now) * scale, self.integral.current_a(now) * scale
        if product > LARGEST:
            raise Refused("E4")
        minutes, seconds = divmod(int(self.integral.time_s(now)), 60)
        text = f"M{product:07.2f},{rate:07.2f},{minutes:03d},{seconds:02d},0000.00,0000.00,000,00,{self.serial[:5]}"
        text = self.instead(text)
        return Said(text, reading=not text.startswith("E"))

    # --- what the faults need to know -----------------------------------------------------------------------------

    def become(self, other: str) -> None:
        if other == "device":
            self.name = "CURIEMENTOR 1.00"
        else:
            self.serial = str(int(self.serial) + 1)

    def front_panel(self, what: str | None = None) -> None:
        """Somebody chooses the next unit; "range" is another word for it, for a meter without ranges."""
        self.knob(what, "units", "range")
        self.unit = {"1": "2", "2": "3", "3": "1", "4": "1"}[self.unit]

    def busy(self) -> bytes:
        return b"E25\r\n"

    def stray_line(self) -> bytes:
        return b"GP\r\n"

    def sentinels(self, reply: bytes) -> list[bytes]:
        """Overloads in the place of a measurement, a decimal comma, NaN."""
        comma = reply.replace(b".", b",", 1)
        return [b"E4\r\n", b"E5\r\n", b"E6\r\n", comma, b"M    NaN" + reply[reply.index(b",") :]]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "test_error": lambda value: setattr(self, "test_error", None if value is None else str(value)),
            "constancy": lambda value: setattr(self, "constancy", str(value)),
            "calibrated": lambda value: setattr(self, "calibrated", bool(value)),
        } | dict(super().back_doors())

    def state(self) -> State:
        now = self.clock.now()
        return {
            "model": self.model, "serial": self.serial, "emitted": self.emitted, "unit": self.unit,
            "charge_c": self.detector.charge(now), "time_s": now,
        }  # fmt: skip


MODEL = WireModel(
    Diamentor.model, "PTW DIAMENTOR dose area product meter", ASSUMED,
    ("serial", "leakage_a", "calibrated", "write_protected"),
    lambda clock, seed, options: Diamentor(clock, seed, **options),
)  # fmt: skip
