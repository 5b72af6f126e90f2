"""The Keithley 617 and 6512: electrometers of device-dependent commands, letter and number, executed by X.

From the 6512 instruction manual, pages 3-16 to 3-19 (status words), and the command table of the 617's quick
reference. On GPIB it answers when it is addressed to talk; the wire here is that of an adapter which does so after each
question: a status word asked for (U0, U1, U2), or X by itself, which leaves it to give its reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulators.beam import gauss
from simulators.clock import Clock
from simulators.instrument import Clear, CommandInfo, Instrument, LineFramer, Reply, Request, Session, State
from simulators.model import WireModel

CONVERSION_S = 0.33
LONGEST = 256
COMMAND = re.compile(r"([A-Z])([+-]?[0-9.]*(?:E[+-]?\d+)?)")
PREFIX = {0: "DCV", 1: "DCA", 2: "OHM", 3: "DCC", 4: "DCX", 5: "OHM"}
RANGES = {
    0: (0.2, 2.0, 20.0, 200.0),
    1: tuple(float(f"2e{n}") for n in range(-12, -1)),
    2: tuple(float(f"2e{n}") for n in range(3, 12)),
    3: (2e-10, 2e-9, 2e-8),
}
# what each letter may be followed by; A, L, V and Y are taken and not simulated
OPTIONS = {
    "F": range(6), "R": range(13), "C": range(2), "Z": range(2), "N": range(2), "T": range(8), "O": range(2),
    "B": range(5), "G": range(3), "D": range(2), "Q": range(8), "M": range(64), "K": range(4), "U": range(3),
}  # fmt: skip
SOURCE_LETTERS = "OVD"  # the 6512 has no voltage source
UNSIMULATED = "ALVY"
DEFAULTS = {"F": 0, "R": 0, "C": 1, "Z": 0, "N": 0, "T": 6, "O": 0, "B": 0, "G": 0, "D": 0, "Q": 7, "M": 0, "K": 0}
IDDC, IDDCO = 0, 1
ASSUMED = (
    "defaults after power-on (volts, autorange, zero check on, T6), and the number of digits of the status word",
    "the adapter addresses it to talk after a message that asks for a status word, or that is X alone, and never else",
    "a conversion lasts 330 ms and begins when it is addressed to talk, whatever the trigger mode",
    "in zero check it reads its own offset, which is zero; the size of the noise",
    "data store, voltage source, mask and hold-off are remembered and shown, and do nothing",
)


@dataclass(frozen=True)
class DdcOptions:
    """Set-up of a unit: ``leakage_a`` (A) of the detector, ``noise`` as a fraction of the range."""

    leakage_a: float = 0.0
    noise: float = 2e-5


class DdcElectrometer(Instrument):
    """One unit. ``set`` is what is programmed, by letter; ``errors`` the five of U1."""

    def __init__(self, number: str, clock: Clock, seed: int, options: DdcOptions) -> None:
        super().__init__(clock, seed)
        self.number = number
        self.model = f"keithley-{number}"
        self.options = options
        self.detector.leakage_a = options.leakage_a
        self.terminator = b"\r\n"
        self.power_cycle()

    def power_cycle(self) -> None:
        self.set = dict(DEFAULTS)
        self.errors = [0] * 5
        self.pending = ""
        self.word: int | None = None
        self.readings = 0
        self.name = self.number
        self._restart()

    def _restart(self) -> None:
        """Discharge the feedback capacitor."""
        self._charge_at = self.detector.charge(self.clock.now())
        self._baseline = 0.0

    def open_session(self) -> Session:
        return DdcSession(self)

    # --- commands ---------------------------------------------------------------------------------------------------

    def hear(self, message: str) -> None:
        """Commands wait in the unit until an X executes them; one that is wrong spoils none of the others."""
        for part in re.split(r"(X)", message.upper()):
            if part != "X":
                self.pending += part
                continue
            for letter, argument in COMMAND.findall(self.pending):
                self._execute(letter, argument)
            if COMMAND.sub("", self.pending).strip():
                self.errors[IDDC] = 1
            self.pending = ""

    def _execute(self, letter: str, argument: str) -> None:
        if letter in UNSIMULATED and not (letter == "V" and self.number == "6512"):
            return
        if letter not in OPTIONS or (self.number == "6512" and letter in SOURCE_LETTERS):
            self.errors[IDDC] = 1
        elif not argument.isdigit() or int(argument) not in OPTIONS[letter]:
            self.errors[IDDCO] = 1
        elif letter == "U":
            self.word = int(argument)
        else:
            self._program(letter, int(argument))

    def _program(self, letter: str, value: int) -> None:
        if letter == "R" and value == 12:  # cancel autoranging: stay where it is
            value = self._autorange(self._truth(self.clock.now()))
        if letter == "N" and value:
            self._baseline = self._truth(self.clock.now())
        released = letter == "C" and self.set["C"] and not value
        self.set[letter] = value
        if released or (letter == "F" and value == 3):
            self._restart()

    # --- what it says -----------------------------------------------------------------------------------------------

    def status_word(self) -> str:
        """U0: the model, and the digits that were programmed."""
        s = self.set
        return (
            f"{self.name}{s['F']}{s['R']:02d}{s['C']}{s['Z']}{s['N']}{s['T']}{s['O']}{s['B']}{s['G']}{s['D']}{s['Q']}"
            f"{s['M']:02d}{s['K']}=:"
        )

    def talk(self) -> str:
        """What it says when it is addressed to talk: a word that was asked for, once, or else a reading."""
        word, self.word = self.word, None
        if word == 0:
            return self.status_word()
        if word == 1:
            said = f"{self.name}{''.join(map(str, self.errors))}"
            self.errors = [0] * 5
            return said
        if word == 2:
            return f"{self.name}0{self.set['Z']}{self.set['N']}00000"
        return self.reading()

    def reading(self) -> str:
        """N or O, the function, and the number; without prefix where G1 says so."""
        self.readings += 1
        value = self._truth(self.clock.now())
        number = self.set["R"] or self._autorange(value)
        ranges = RANGES.get(self.set["F"], RANGES[0])
        full_scale = ranges[min(number, len(ranges)) - 1]
        value += gauss(self.seed, self.model, self.readings, self.options.noise * full_scale)
        over = abs(value) > full_scale
        value -= self._baseline if self.set["N"] else 0.0
        text = f"{2 * full_scale if over else value:+.5E}"
        return text if self.set["G"] == 1 else f"{'O' if over else 'N'}{PREFIX[self.set['F']]}{text}"

    def _autorange(self, value: float) -> int:
        ranges = RANGES.get(self.set["F"], RANGES[0])
        return next((n for n, each in enumerate(ranges, 1) if abs(value) <= each), len(ranges))

    def _truth(self, now: float) -> float:
        if self.set["C"]:
            return 0.0
        if self.set["F"] == 1:
            return self.detector.mean_current(now - CONVERSION_S, now)
        if self.set["F"] == 3:
            return self.detector.charge(now) - self._charge_at
        return self.detector.resistance_ohm if self.set["F"] in (2, 5) else self.detector.voltage_v

    # --- what the faults and tests need -----------------------------------------------------------------------------

    @property
    def banner(self) -> bytes:
        """Assumed: it prints nothing after a restart."""
        return b""

    def is_identification(self, request: bytes) -> bool:
        return request.strip().upper() == b"U0X"

    def become(self, other: str) -> None:
        if other == "device":
            self.name = "196"

    def front_panel(self, what: str | None = None) -> None:
        act = what or "function"
        if act == "function":
            self._program("F", 1 if self.set["F"] == 3 else 3)
        elif act == "zero_check":
            self._program("C", 1 - self.set["C"])
        elif act == "range":
            self._program("R", 1 if self.set["R"] != 1 else 2)
        else:
            raise ValueError(f"nobody can turn {act!r} on {self.model}; there is function, zero_check, range")

    def busy(self) -> bytes:
        """Assumed: it holds the bus and says nothing."""
        return b""

    def stray_line(self) -> bytes:
        return self.status_word().encode() + self.terminator

    def sentinels(self, reply: bytes) -> list[bytes]:
        number = reply.partition(b"E")[0][4:]
        return [
            b"O" + reply[1:],
            reply.replace(number, b"NAN"),
            reply.replace(number, b"-0.00000"),
            reply.replace(b".", b","),
        ]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "leakage_a": lambda v: setattr(self.detector, "leakage_a", float(str(v))),
            "voltage_v": lambda v: setattr(self.detector, "voltage_v", float(str(v))),
            "resistance_ohm": lambda v: setattr(self.detector, "resistance_ohm", float(str(v))),
        }

    def commands(self) -> Sequence[CommandInfo]:
        letters = [each for each in OPTIONS if self.number == "617" or each not in SOURCE_LETTERS]
        return [CommandInfo(each, sets=each != "U", asks=each == "U", simulated=each not in "QMK") for each in letters]

    def state(self) -> State:
        return {
            "model": self.model, "function": PREFIX[self.set["F"]], "zero_check": bool(self.set["C"]),
            "range": self.set["R"], "emitted": self.emitted, "time_s": self.clock.now(),
            "charge_c": self.detector.charge(self.clock.now()),
        }  # fmt: skip


class DdcSession(Session):
    """The adapter in front of the unit."""

    def __init__(self, unit: DdcElectrometer) -> None:
        self._unit = unit
        self._framer = LineFramer(LONGEST)

    def feed(self, data: bytes) -> list[Request | Clear]:
        return self._framer.feed(data)

    async def answer(self, request: bytes) -> Reply | None:
        unit = self._unit
        message = request.decode("latin-1").strip()
        unit.hear(message)
        if unit.word is None and message.upper() != "X":
            return None
        reading = unit.word is None
        if reading:
            await unit.clock.sleep_until(unit.clock.now() + CONVERSION_S)
        return Reply(unit.talk().encode("latin-1") + unit.terminator, measurement=reading)


def _model(number: str, title: str) -> WireModel:
    def make(clock: Clock, seed: int, options: Mapping[str, object]) -> DdcElectrometer:
        return DdcElectrometer(number, clock, seed, DdcOptions(**options))  # type: ignore[arg-type]  # told by name

    return WireModel(f"keithley-{number}", title, ASSUMED, ("leakage_a", "noise"), make)


MODEL_617 = _model("617", "Keithley 617 programmable electrometer")
MODEL_6512 = _model("6512", "Keithley 6512 programmable electrometer")
