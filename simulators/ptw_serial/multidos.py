"""A simulated PTW MULTIDOS: applications of two and of many channels, constancy and LA48 as far as they are documented.

Source: manual D177.131.2/0 (2003-07), chapter RS232. What it leaves open is named in `ASSUMED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from simulators.clock import Clock
from simulators.instrument import State
from simulators.model import WireModel
from simulators.ptw_serial.line import Integral, LineInstrument, Refused, Said
from simulators.ptw_serial.multidos_text import KINDS, checked, ratio_text, time_text, value_text

ASSUMED = (
    "the block check is the sum of the bytes modulo 65536: a placeholder, the true algorithm is not published",
    "the letters of the applications, and that A without a letter reads the one that runs",
    "while an application is changed (5 s) everything but PTW, SER and A is refused with E03",
    "FL as a decimal number; bit 0 of O, L and M is channel 1; channel n gets a tenth of channel n-1",
    "the telegram of many channels: two digits for the first and the last, masks of four hexadecimal digits",
    "full scales, resolutions and the calibration factor; that the ratio is channel 2 in percent of channel 1",
    "LA48 and constancy: contents of what they answer; every reply takes 5 ms",
)
ZERO_S, CHANGE_S = 28.0, 5.0
FULL_SCALE_A = {"L": 1e-9, "H": 1e-7}
DUAL_ONLY, MULTI_ONLY = ("DU", "DM", "DR", "R"), ("KP", "KT", "KK", "KD")
SETTINGS = {
    "I": (r"\d{4}", lambda v: 6 <= int(v) <= 9999), "M": (r"[01]", None), "U": (r"[SMHA]", None),
    "SET": (r"[1-9]", lambda v: v in "12345"), "R": (r"[LH-]{2}", None), "K": (r"[01]", None), "L": (r"[ED]", None),
    "KP": (r"\d{4}\.\d", lambda v: 500 <= float(v) <= 1300), "KT": (r"\d\d\.\d", lambda v: 10 <= float(v) <= 40),
    "KK": (r"\d\.\d{3}", lambda v: 0.5 <= float(v) <= 2),
}  # fmt: skip
OF_UNIT = {"S": ("Gy/s", 1.0), "M": ("Gy/min", 60.0), "H": ("Gy/h", 3600.0)}
LA48_CHARACTERS = 642


class Multidos(LineInstrument):
    """The instrument behind the line; channel 1 looks at the detector."""

    model = "ptw-multidos"

    def __init__(
        self, clock: Clock, seed: int = 0, *, serial: str = "001234", calibration_gy_per_c: float = 5e7,
        block_check: str = "byte-sum", leakage_a: float = 0.0, application: str = "D",
    ) -> None:  # fmt: skip
        super().__init__(clock, seed)
        if block_check not in KINDS:
            raise ValueError(f"There is no block check {block_check!r}; there are {', '.join(KINDS)}.")
        if application not in "ACDML" or len(application) != 1:
            raise ValueError(f"There is no application {application!r}; there are A, C, D, M and L.")
        self.name, self.serial, self.check = "MULTIDOS", serial, block_check
        self.calibration, self._first_application = calibration_gy_per_c, application
        self.detector.leakage_a = leakage_a
        self.power_cycle()

    def power_cycle(self) -> None:
        self.settings = {"I": "0060", "M": "0", "U": "M", "SET": "1", "R": "LL", "K": "1", "L": "E"}
        self.settings |= {"KP": "1013.2", "KT": "20.0", "KK": "1.000"}
        self.application, self._changed_s = self._first_application, -CHANGE_S
        self.state_word, self.extra_flags, self.error_bits, self.device_bits = "RES", 0, 0, 0
        self.literal = None
        self.integral = Integral(self.detector, self.clock.now())

    async def reply(self, request: str) -> Said:
        now = self.clock.now()
        if self.integral.ended(now):
            self.state_word = "HLD"
        if request == "PTW":
            return Said(f"{self.name} 1.30E")
        if request == "SER":
            return Said(f"SER{self.serial}")
        if re.fullmatch(r"A(quit|[ACDML])?", request):
            return Said(self._application(request, now))
        if now < self._changed_s + CHANGE_S:
            raise Refused("E03")
        if request == "NUL":
            return Said(await self._zero(now))
        if request in ("STA", "INT", "RES", "HLD"):
            return Said(self._act(request, now))
        return self._data(request, now) or Said(self._told(request) or self._setting(request))

    def _application(self, request: str, now: float) -> str:
        if request == "A":
            return f"A{self.application}"
        if request != "Aquit" and request[1] != self.application:
            self.application, self._changed_s = request[1], now
            self.integral.reset(now)
            self.state_word = "RES"
        return request

    async def _zero(self, now: float) -> str:
        self.state_word = "NUL"
        await self.clock.sleep_until(now + ZERO_S)
        self.integral.offset_a = self.detector.mean_current(now, now + ZERO_S)
        self.integral.reset(self.clock.now())
        self.state_word = "RES"
        return "NUL"

    def _act(self, request: str, now: float) -> str:
        if request == "STA":
            self.integral.start(now)
        elif request == "INT":
            self.integral.start(now, float(self.settings["I"]))
        elif request == "RES":
            self.integral.reset(now)
        else:
            self.integral.stop(now)
        self.state_word = request
        return request

    def _told(self, request: str) -> str | None:
        limit = FULL_SCALE_A[(self.settings["R"] + "L")[int(request[2]) - 1]] if request in DUAL_CHANNELS else 0.0
        told: dict[str, Callable[[], str]] = {
            "S": lambda: f"S{self.state_word}",
            "SC": lambda: "SC0",
            "SD": lambda: f"SD{self.device_bits:05d}",
            "SE": lambda: f"SE{self.error_bits if self.state_word == 'ERR' else 0:05d}",
            "DU": lambda: f"DU{self.unit}",
            "KD": lambda: f"KD{1013.2 / float(self.settings['KP']) * (273.2 + float(self.settings['KT'])) / 293.2:.3f}",
            "ERR": lambda: f"ERR;{self.error_bits:05d}",
            "DM1": lambda: f"DM1 {limit * self._factor():.2E}",
            "DM2": lambda: f"DM2 {limit * self._factor():.2E}",
            "DR1": lambda: f"DR1 {limit * self._factor() / 1e4:.3E}",
            "DR2": lambda: f"DR2 {limit * self._factor() / 1e4:.3E}",
        }
        if request not in told:
            return None
        self._needs(request)
        return told[request]()

    def _needs(self, request: str) -> None:
        """Raise E02 for what belongs to another application."""
        word = request[:2] if request[:2] in (*DUAL_ONLY, *MULTI_ONLY) else request[:1]
        wrong = (
            (word in ("DM", "DR", "R") and self.application != "D")
            or (word == "DU" and self.application not in "DL")
            or (word in MULTI_ONLY and self.application != "M")
            or (request == "ERR" and self.application != "C")
        )
        if wrong:
            raise Refused("E02")

    def _setting(self, request: str) -> str:
        word = next((w for w in sorted(SETTINGS, key=len, reverse=True) if request.startswith(w)), None)
        if word is None:
            raise Refused("E01")
        form, allowed = SETTINGS[word]
        value = request[len(word) :]
        if value and not re.fullmatch(form, value):
            raise Refused("E01")
        self._needs(word)
        if value and allowed is not None and not allowed(value):
            raise Refused("E10")
        if value:
            self.settings[word] = value
        return word + self.settings[word]

    # --- data telegrams -----------------------------------------------------------------------------------------------

    @property
    def unit(self) -> str:
        """As DU names it."""
        electrical, rate = self.settings["U"] == "A", self.settings["M"] == "1"
        if electrical:
            return "A" if rate else "C"
        return OF_UNIT[self.settings["U"]][0] if rate else "Gy"

    def _factor(self) -> float:
        """Of a current or a charge, in the unit that is set."""
        if self.settings["U"] == "A":
            return 1.0
        return self.calibration * (OF_UNIT[self.settings["U"]][1] if self.settings["M"] == "1" else 1.0)

    def _value(self, n: int, now: float) -> float:
        measured = self.integral.current_a(now) if self.settings["M"] == "1" else self.integral.charge_c(now)
        return measured * self._factor() / 10.0**n

    def _data(self, request: str, now: float) -> Said | None:
        if self.application == "L" and re.fullmatch(r"D(A|\d\d)", request):
            length = LA48_CHARACTERS if request == "DA" else 10
            return Said((f"{request};" + " 1.000E-03;" * 60)[:length])
        many = re.fullmatch(r"D(\d\d)(\d\d)", request)
        if request != "D" and not many:
            return None
        if self.application != ("M" if many else "D"):
            raise Refused("E02")
        text = checked(self._many(int(many[1]), int(many[2]), now) if many else self._two(now), self.check)
        return Said(self.instead(text), reading=True)

    def _common(self, now: float) -> str:
        over = any(self._over(n, now) for n in range(2)) if self.application == "D" else self._over(0, now)
        flags = self.extra_flags | int(over)
        return f"{time_text(self.integral.time_s(now))};{self.state_word};{flags:02d}"

    def _over(self, n: int, now: float) -> bool:
        range_ = self.settings["R"][n] if n < 2 else "L"
        return abs(self.integral.current_a(now)) / 10.0**n > FULL_SCALE_A.get(range_, 1e9)

    def _two(self, now: float) -> str:
        first, second = self._value(0, now), self._value(1, now)
        over = sum(self._over(n, now) << n for n in range(2))
        fields = f"{over};0;0;{value_text(first)};4;{value_text(second)};3;{ratio_text(first, second)}"
        return f"D{self.settings['M']};{self._common(now)};{fields};"

    def _many(self, first: int, last: int, now: float) -> str:
        if not 1 <= first <= last <= 16:
            raise Refused("E10")
        values = "".join(f"{value_text(self._value(n - 1, now))};" for n in range(first, last + 1))
        over = sum(self._over(n - 1, now) << (n - first) for n in range(first, last + 1))
        head = f"D{first:02d}{last:02d};{self.settings['M']};{self._common(now)}"
        return f"{head};L;{self.settings['U']};4;{over:04X};0000;0000;{values}"

    # --- what the faults need to know -----------------------------------------------------------------------------

    def become(self, other: str) -> None:
        if other == "device":
            self.name = "UNIDOS"
        else:
            self.serial = f"{int(self.serial) + 1:06d}"

    def front_panel(self, what: str | None = None) -> None:
        """Somebody switches from dose to charge or back, or the ranges."""
        if self.knob(what, "units", "range") == "units":
            self.settings["U"] = "M" if self.settings["U"] == "A" else "A"
        else:
            self.settings["R"] = "HH" if self.settings["R"] == "LL" else "LL"

    def busy(self) -> bytes:
        return b"E03\r\n"

    def stray_line(self) -> bytes:
        return f"S{self.state_word}\r\n".encode()

    def sentinels(self, reply: bytes) -> list[bytes]:
        """Overload as letters and as flags, minus zero, a decimal comma: each with a block check that is right."""
        fields = reply.decode().strip().split(";")[:-1]
        at = 7 if self.application == "D" else 11

        def with_field(n: int, text: str) -> bytes:
            return checked(";".join([*fields[:n], text, *fields[n + 1 :]]) + ";", self.check).encode() + self.terminator

        flags_at = 3 if self.application == "D" else 4
        return [
            with_field(at, "+0L   "), with_field(flags_at, "01"), with_field(flags_at, "08"),
            with_field(at, "-0.000E+00"), with_field(at, fields[at].replace(".", ",")),
        ]  # fmt: skip

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "flags": lambda value: setattr(self, "extra_flags", int(str(value), 0)),
            "state": lambda value: setattr(self, "state_word", str(value)),
            "error_bits": lambda value: setattr(self, "error_bits", int(str(value))),
            "device_bits": lambda value: setattr(self, "device_bits", int(str(value))),
        } | dict(super().back_doors())

    def state(self) -> State:
        now = self.clock.now()
        return {
            "model": self.model, "serial": self.serial, "emitted": self.emitted, "state": self.state_word,
            "application": self.application, "function": self.unit, "range": self.settings["R"],
            "charge_c": self.detector.charge(now), "time_s": now,
        }  # fmt: skip


DUAL_CHANNELS = ("DM1", "DM2", "DR1", "DR2")
MODEL = WireModel(
    Multidos.model, "PTW MULTIDOS multi-channel dosemeter", ASSUMED,
    ("serial", "calibration_gy_per_c", "block_check", "leakage_a", "application"),
    lambda clock, seed, options: Multidos(clock, seed, **options),
)  # fmt: skip
