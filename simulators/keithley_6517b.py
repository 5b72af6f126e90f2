"""Keithley 6517A and 6517B electrometers on their RS-232 side, as their manuals and captured replies describe them.

Identity, wire rules and the meeting point of the parts: ``keithley_meter`` (what is measured),
``keithley_trigger`` (when),
``keithley_reading`` (how it is printed), ``keithley_commands`` (what can be said to it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.clock import Clock
from simulators.instrument import Clear, Instrument, LineFramer, Reply, Request, Session, State
from simulators.keithley_commands import Entry, command_tree
from simulators.keithley_meter import Meter
from simulators.keithley_reading import DEFAULT_ELEMENTS, Conversion, reading_string
from simulators.keithley_trigger import Buffer, Trigger
from simulators.scpi import Tree, parse
from simulators.scpi_parameters import ScpiError
from simulators.scpi_status import Status
from simulators.world import Imperfection

INPUT_QUEUE = 2048
TERMINATORS = {"crlf": b"\r\n", "lf": b"\n", "cr": b"\r", "lfcr": b"\n\r"}
FILTER_REPEAT = "REP"
# inferred: with 6 power-line cycles per PLC this gives the captured 9.9 readings/s at 1 PLC and 60 Hz
OVERHEAD_S = 0.001
MEASUREMENT_BIT = {
    "overflow": 1 << 0,
    "reading": 1 << 5,
    "underflow": 1 << 6,
    "available": 1 << 7,
    "half": 1 << 8,
    "full": 1 << 9,
}


@dataclass(frozen=True)
class Options:
    """Set-up of a 6517. ``conversion_s`` None follows NPLC; a number fixes the time of a conversion in simulated
    seconds.

    ``terminator`` is the unit's reply terminator: crlf, lf, cr or lfcr. ``line_hz`` is the mains frequency.
    ``serial`` replaces the
    captured unit's number, ``hop_c`` (C) and ``noise`` (fraction of range) the seeded imperfections.
    """

    terminator: str = "crlf"
    conversion_s: float | None = None
    line_hz: float = 60.0
    serial: str | None = None
    leakage_a: float = 0.0
    noise: float | None = None
    hop_c: float | None = None
    input_bias_a: float | None = None

    def __post_init__(self) -> None:
        if self.terminator not in TERMINATORS:
            raise ValueError(f"terminator {self.terminator!r} is not allowed; allowed are {', '.join(TERMINATORS)}")
        if self.conversion_s is not None and not self.conversion_s > 0:
            raise ValueError(f"conversion_s {self.conversion_s!r} is not allowed; it is seconds above 0")


class Keithley6517B(Instrument):
    """The instrument behind the wire. ``trigger``, ``meter``, ``buffer`` and ``status`` are open for tests."""

    model = "keithley-6517b"
    identity = ("MODEL 6517B", "4096271", "A13/700X")
    no_error = "No error"
    front_panel_acts = ("function", "range", "zero_check", "relative")
    meter: Meter
    trigger: Trigger
    buffer: Buffer

    def __init__(self, clock: Clock, seed: int = 0, options: Options | None = None) -> None:
        super().__init__(clock, seed)
        self.options = options or Options()
        self.terminator = TERMINATORS[self.options.terminator]
        self.detector.leakage_a = self.options.leakage_a
        self.name, serial, self.firmware = self.identity
        self.serial = self.options.serial or serial
        self.lock = asyncio.Lock()
        self.power_cycle()

    def power_cycle(self) -> None:
        o, flaws = self.options, Imperfection.seeded(self.seed)
        flaws.noise = flaws.noise if o.noise is None else o.noise
        flaws.hop_c = flaws.hop_c if o.hop_c is None else o.hop_c
        flaws.input_bias_a = flaws.input_bias_a if o.input_bias_a is None else o.input_bias_a
        self.status = Status(self.no_error)
        self.reset(flaws)
        self.meter.stamp_zero_s = self.clock.now()
        self.trigger.initiate(self.clock.now())

    def reset(self, flaws: Imperfection | None = None) -> None:
        """``*RST``; the same builds the unit at power-on. Zero check on is what recipes for this family assume."""
        now = self.clock.now()
        stamp_zero = now if flaws else self.meter.stamp_zero_s
        number = 0 if flaws else self.trigger.number
        self.meter = Meter(self.detector, self.seed, flaws or self.meter.flaws, stamp_zero_s=stamp_zero)
        self.trigger = Trigger(self.meter.convert, self._done)
        self.trigger.number = number
        self.trigger.period_s = self.conversion_s
        self.trigger.must_see_all = lambda: self.buffer.filling or self.meter.discharge_on
        self.trigger.continuous = flaws is not None
        self.trigger.count = float("inf") if flaws else 1
        self.buffer = Buffer()
        self.elements = DEFAULT_ELEMENTS
        self.real_time_stamp = False
        self.settings: dict[str, object] = {}
        self.tree: Tree[Entry] = command_tree(self)

    def conversion_s(self) -> float:
        """Seconds from one conversion to the next with the present settings."""
        s = self.meter.now_set
        repeats = s.filter_count if s.filter_on and s.filter_mode == FILTER_REPEAT else 1
        one = self.options.conversion_s or OVERHEAD_S + 6 * s.nplc / self.options.line_hz
        return one * repeats

    def _done(self, conversion: Conversion) -> None:
        register, bits = self.status.measurement, MEASUREMENT_BIT
        register.hold(bits["overflow"], conversion.status == "O")
        register.hold(bits["underflow"], conversion.status == "U")
        register.pulse(bits["reading"])
        full = self.buffer.store(conversion)
        count = len(self.buffer.stored)
        register.hold(bits["available"], count >= 2)
        register.hold(bits["half"], 2 * count >= self.buffer.points)
        register.hold(bits["full"], full or count >= self.buffer.points)

    def show(self, conversion: Conversion) -> str:
        """The reading string of a conversion with the elements in force."""
        return reading_string(conversion, self.elements, real_time=self.real_time_stamp)

    def listing(self) -> str:
        return ",".join(self.show(c) for c in self.buffer.listing())

    @property
    def idn(self) -> str:
        return f"KEITHLEY INSTRUMENTS INC.,{self.name},{self.serial},{self.firmware}"

    def open_session(self) -> KeithleySession:
        return KeithleySession(self)

    @property
    def banner(self) -> bytes:
        """Assumed: no power-on text of this model is published."""
        return f"KEITHLEY {self.name}".encode() + self.terminator

    def is_identification(self, request: bytes) -> bool:
        return request.strip().upper() == b"*IDN?"

    def become(self, other: str) -> None:
        if other == "device":
            self.name, self.serial, self.firmware = "MODEL 6514", "4691930", "A13   Aug 30 2011 15:09:19/B01  /H"
        else:
            self.serial = str(int(self.serial) + 1).zfill(len(self.serial))

    def front_panel(self, what: str | None = None) -> None:
        act, meter = what or self.front_panel_acts[0], self.meter
        if act not in self.front_panel_acts:
            raise ValueError(f"nobody can turn {act!r} on {self.model}; there is {', '.join(self.front_panel_acts)}")
        self.trigger.catch_up(self.clock.now())
        if act == "function":
            meter.select("CURR" if meter.function == "CHAR" else "CHAR")
        elif act == "range":
            meter.set_range(meter.function, meter.now_set.full_scale / 10 or 1.0)
        elif act == "zero_check":
            meter.set_zero_check(not meter.zero_check)
        else:
            meter.now_set.reference_on = not meter.now_set.reference_on
        self.trigger.restart(self.clock.now())

    def busy(self) -> bytes:
        """Assumed: it stays silent and queues -230, which is how it says that there is no reading now."""
        self.status.error(-230)
        return b""

    def stray_line(self) -> bytes:
        return b"DCL" + self.terminator

    def sentinels(self, reply: bytes) -> list[bytes]:
        """Overflow, zero check, underflow, NaN, minus zero, decimal comma; the rest of the line stays as it was."""
        end = next((i for i, c in enumerate(reply) if c in b"NOUZRL,\r\n"), len(reply))
        number, rest = reply[:end], reply[end:]
        plain = rest[1:] if rest[:1] in (b"N", b"O", b"U", b"Z", b"R", b"L") else rest
        letter = (lambda s: s + plain) if plain != rest else (lambda _s: rest)
        minus_zero = bytes(c if c not in b"123456789" else ord("0") for c in number.partition(b"E")[0])
        return [
            b"+9.9E37" + letter(b"O"),
            b"+9.91E37" + letter(b"Z"),
            b"0.00E00" + letter(b"U"),
            b"NAN" + rest,
            b"-" + minus_zero.lstrip(b"+-") + b"E" + number.partition(b"E")[2] + rest,
            number.replace(b".", b",") + rest,
        ]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "zero_check": lambda v: self.meter.set_zero_check(bool(v)),
            "force": lambda v: setattr(self.meter, "force", v and str(v)),
            "function": lambda v: self.meter.select(str(v)),
            "leakage_a": lambda v: setattr(self.detector, "leakage_a", float(str(v))),
            "voltage_v": lambda v: setattr(self.detector, "voltage_v", float(str(v))),
            "resistance_ohm": lambda v: setattr(self.detector, "resistance_ohm", float(str(v))),
        }

    def state(self) -> State:
        now = self.clock.now()
        return {
            "model": self.model,
            "serial": self.serial,
            "function": self.meter.function,
            "full_scale": self.meter.now_set.full_scale,
            "zero_check": self.meter.zero_check,
            "source_v": self.meter.source_v if self.meter.source_on else 0.0,
            "charge_c": self.detector.charge(now),
            "emitted": self.emitted,
            "time_s": now,
        }


class Keithley6517A(Keithley6517B):
    """The 6517A: other identity, and the capital E that a real one prints in "No Error"."""

    model = "keithley-6517a"
    identity = ("MODEL 6517A", "0972959", "C05  /A02")
    no_error = "No Error"


class KeithleySession(Session):
    """One client on the serial line: message in, at most one reply line out."""

    def __init__(self, instrument: Keithley6517B) -> None:
        self._instrument = instrument
        self._framer = LineFramer(INPUT_QUEUE, b"\x03\x18", b"DCL\r\n")

    def feed(self, data: bytes) -> list[Request | Clear]:
        return self._framer.feed(data)

    async def answer(self, request: bytes) -> Reply | None:
        async with self._instrument.lock:
            return await self._execute(request)

    async def _execute(self, request: bytes) -> Reply | None:
        unit = self._instrument
        outputs: list[str] = []
        measurement = False
        try:
            if len(request) > INPUT_QUEUE:
                raise ScpiError(-363)  # noqa: TRY301 - queued by the handler below like every other error
            for command in parse(request.decode("latin-1")):
                unit.trigger.catch_up(unit.clock.now())
                entry = unit.tree.find(command)
                output = await entry.run(*entry.checked(command.arguments))
                if output is not None:
                    outputs.append(output)
                    measurement |= entry.measurement
        except ScpiError as error:
            unit.status.error(error.code)
        return Reply(";".join(outputs).encode("latin-1") + unit.terminator, measurement) if outputs else None
