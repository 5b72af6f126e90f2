"""The one base of all simulated Keithley electrometers: a ``Kind`` declares a model, an ``Electrometer`` is one unit
of it.

Meeting point of the parts: ``meter`` (what is measured), ``trigger`` (when), ``buffer`` (where it is kept), and the
tables of commands that the kind names. Each part and model names its sources; bits of the measurement register are
those of the manuals, the time a conversion takes is inferred from captured rates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from simulators.beam import Imperfection
from simulators.clock import Clock
from simulators.instrument import State
from simulators.keithley.buffer import Buffer
from simulators.keithley.calculate import Calculations, Math, Null
from simulators.keithley.conversion import Conversion, Function
from simulators.keithley.meter import Meter
from simulators.keithley.trigger import Trigger
from simulators.model import WireModel
from simulators.scpi.instrument import ScpiInstrument, ScpiOptions
from simulators.scpi.parameters import ScpiError
from simulators.scpi.table import Table

# inferred: with 6 power-line cycles per PLC this gives the captured 9.9 readings/s of a 6517 at 1 PLC and 60 Hz
OVERHEAD_S = 0.001
# of the 6514, 6485 and 6487 (their manuals, measurement event register); a model may have its own
MEASUREMENT_BITS = {
    "low1": 1 << 1, "high1": 1 << 2, "low2": 1 << 3, "high2": 1 << 4, "passed": 1 << 5, "reading": 1 << 6,
    "overflow": 1 << 7, "available": 1 << 8, "full": 1 << 9,
}  # fmt: skip
BUFFER_BITS = ("available", "half", "full")
IDLE = 1 << 10
IMPOSTOR = ("MODEL 6514", "4691930", "A13   Aug 30 2011 15:09:19/B01  /H")
OTHER_IMPOSTOR = ("MODEL 6485", "4126216", "C01   Jun 23 2010 12:22:00/A02  /J")
NEVER_BY_ITSELF = ("BUS", "HOLD")  # trigger sources that nothing but a command or a person can serve
OUTPUT_OFF = 803
Enter = Callable[[Table, "Electrometer"], None]


@dataclass(frozen=True)
class ElectrometerOptions(ScpiOptions):
    """Set-up of an electrometer. ``conversion_s`` None follows NPLC; a number fixes the time of a conversion in
    simulated seconds.

    ``line_hz`` is the mains frequency, ``leakage_a`` (A) that of the detector; ``hop_c`` (C), ``input_bias_a`` (A)
    and ``noise`` (fraction of range) replace the imperfections that follow from the seed.
    """

    conversion_s: float | None = None
    line_hz: float = 60.0
    leakage_a: float = 0.0
    noise: float | None = None
    hop_c: float | None = None
    input_bias_a: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.conversion_s is not None and not self.conversion_s > 0:
            raise ValueError(f"conversion_s {self.conversion_s!r} is not allowed; it is seconds above 0")


@dataclass(frozen=True)
class Kind:
    """A model of electrometer, declared: what the base does not share, and nothing else.

    ``elements`` are the data elements in the order they are sent, ``show`` prints them for a conversion (with
    real-time stamps or not), ``sentinels`` gives a reading reply with each value that is no number. ``arms`` counts
    the arm layers; ``measurement_bits`` are those of the measurement register, by what they say. ``wakes_running``: it
    measures by itself from power-on. ``keeps_trace``: ``*RST`` leaves the buffer alone. ``fetches_all``: ``FETCh?``
    gives every reading of the last cycle. ``stored_elements`` must be the same in format and buffer;
    ``collective_elements``: the words ALL and DEFault are known. ``corrects_at_once``: zero correction in zero check
    takes the zero itself. ``needs_output``: no reading while the output is off. ``shared_settings``: filters and null
    belong to all functions together, not to each. ``zero_check_silent``: in zero check a reading is asked for in vain
    and an empty line comes.
    """

    model: str
    title: str
    identity: tuple[str, str, str]
    functions: Mapping[str, Function]
    function: str
    elements: tuple[str, ...]
    default_elements: frozenset[str]
    show: Callable[[Conversion, frozenset[str], bool], str]
    sentinels: Callable[[bytes], list[bytes]]
    tables: tuple[Enter, ...]
    assumed: tuple[str, ...]
    math: tuple[str, Mapping[str, float]]
    terminator: str = "cr"
    no_error: str = "No error"
    queue_overflow: int = -350
    measurement_bits: Mapping[str, int] = field(default_factory=lambda: MEASUREMENT_BITS)
    arms: int = 1
    nplc: tuple[float, float] = (10.0, 1.0)
    cycles_per_plc: float = 3.5
    buffer_size: int = 2500
    shared_settings: bool = True
    zero_check: bool = True
    zero_check_blinds: bool = False
    zero_check_silent: Callable[[ElectrometerOptions], bool] = lambda _options: False
    wakes_running: bool = False
    keeps_trace: bool = True
    fetches_all: bool = True
    stored_elements: frozenset[str] = frozenset()
    collective_elements: bool = False
    corrects_at_once: bool = True
    null_takes_first: bool = False
    drives_detector: bool = False
    needs_output: bool = False
    input_bias_a: float = 4e-14
    options: type[ElectrometerOptions] = ElectrometerOptions

    @property
    def named_functions(self) -> dict[str, Function]:
        """The functions that have commands of their own."""
        return {name: function for name, function in self.functions.items() if function.header}

    def wire_model(self) -> WireModel:
        """The value that the entry point of this model gives."""
        names = tuple(each.name for each in fields(self.options))
        return WireModel(self.model, self.title, self.assumed, names, self.make)

    def make(self, clock: Clock, seed: int = 0, options: Mapping[str, Any] | None = None) -> Electrometer:
        """One unit of this model; raises ValueError for an option value that cannot be."""
        return Electrometer(self, clock, seed, self.options(**(options or {})))


class Electrometer(ScpiInstrument):
    """The instrument behind the wire. ``trigger``, ``meter``, ``buffer`` and ``status`` are open for tests."""

    meter: Meter
    trigger: Trigger
    buffer: Buffer

    def __init__(self, kind: Kind, clock: Clock, seed: int, options: ElectrometerOptions) -> None:
        super().__init__(clock, seed, options, terminator=kind.terminator, no_error=kind.no_error)
        self.kind, self.options = kind, options
        self.model = kind.model
        self.detector.leakage_a = options.leakage_a
        self.name, serial, self.firmware = kind.identity
        self.serial = options.serial or serial
        self.power_cycle()

    def power_cycle(self) -> None:
        o, flaws = self.options, Imperfection.seeded(self.seed)
        flaws.noise = flaws.noise if o.noise is None else o.noise
        flaws.hop_c = flaws.hop_c if o.hop_c is None else o.hop_c
        flaws.input_bias_a = self.kind.input_bias_a if o.input_bias_a is None else o.input_bias_a
        self.status.power_on(self.kind.queue_overflow)
        self.poflag_includes = True
        self.buffer = Buffer()
        self._set_up(flaws, self.clock.now(), 0)
        self.trigger.continuous = self.kind.wakes_running
        if self.kind.wakes_running:
            self.run_freely()
        if self.leftover:
            self.execute_at_once(self.leftover)

    def reset(self) -> None:
        """``*RST``: default settings, and idle. Zero check on is what recipes for this family assume."""
        self._set_up(self.meter.flaws, self.meter.stamp_zero_s, self.trigger.number)

    def _set_up(self, flaws: Imperfection, stamp_zero_s: float, number: int) -> None:
        kind = self.kind
        form, factors = kind.math
        calculations = Calculations(Math(form, dict(factors)), Null(takes_first=kind.null_takes_first))
        self.meter = Meter(
            self.detector, self.seed, flaws, kind.functions, kind.function, kind.zero_check_blinds, calculations,
            nplc=kind.nplc[1], zero_check=kind.zero_check, shared_filters=kind.shared_settings,
            drives_detector=kind.drives_detector, stamp_zero_s=stamp_zero_s,
        )  # fmt: skip
        self.trigger = Trigger(kind.arms, self.meter.convert, self._done)
        self.trigger.number = number
        self.trigger.period_s = self.conversion_s
        self.trigger.must_see_all = lambda: self.buffer.filling or self.meter.discharge_on
        self.trigger.continuous = False
        self.operation_begun = self.completion_asked = False
        if not kind.keeps_trace:
            self.buffer = Buffer()
        self.elements = kind.default_elements
        self.real_time_stamp = False
        self.settings.clear()
        self._table = Table(self.settings, self.spoil)
        for enter in kind.tables:
            enter(self._table, self)

    def run_freely(self) -> None:
        """Measure by itself from now on, as after power-on or ``:SYSTem:PRESet``."""
        self.trigger.continuous, self.trigger.last.count = True, float("inf")
        self.trigger.initiate(self.clock.now())

    @property
    def table(self) -> Table:
        return self._table

    def spoil(self) -> None:
        """A setting has changed: the conversion under way begins anew."""
        self.trigger.restart(self.clock.now())

    def catch_up(self) -> None:
        self.trigger.catch_up(self.clock.now())
        if self.trigger.idle:
            self.operation_begun = False
        self.status.operation.hold(IDLE, self.trigger.idle)

    def begin_operation(self) -> None:
        """INIT, INIT:CONT ON or ``*TRG`` has been obeyed: ``*OPC`` waits for idle unless ``:INIT:POFLag`` excludes
        it.
        """
        self.operation_begun = self.poflag_includes

    @property
    def operation_pending(self) -> bool:
        return self.operation_begun and not self.trigger.idle

    async def operation_complete(self) -> None:
        while self.operation_pending:
            await self.next_event()

    async def next_event(self) -> None:
        """Let simulated time pass until a conversion ends or a timer fires, or until somebody sends a trigger."""
        wake = self.trigger.wake
        if wake is not None:
            await self.clock.sleep_until(wake)
        else:
            self.trigger.moved.clear()
            await self.trigger.moved.wait()
        self.catch_up()

    def conversion_s(self) -> float:
        """Seconds from one conversion to the next with the present settings."""
        s = self.meter.now_set
        one = self.options.conversion_s or OVERHEAD_S + self.kind.cycles_per_plc * s.nplc / self.options.line_hz
        return one * s.filters.repeats

    def _done(self, conversion: Conversion) -> None:
        register, bits, marks = self.status.measurement, self.kind.measurement_bits, conversion.marks
        full = self.buffer.store(conversion)
        count = len(self.buffer.stored)
        failed = marks & {"low1", "high1", "low2", "high2"}
        holds = {
            **{name: name in marks for name in ("low1", "high1", "low2", "high2")},
            "passed": "limits" in marks and not failed,
            "overflow": conversion.status == "O",
            "underflow": conversion.status == "U",
            "compliance": "compliance" in marks,
            "interlock": "interlock" in marks,
            "available": count >= 2,
            "half": 2 * count >= self.buffer.points,
            "full": full or count >= self.buffer.points,
        }
        for bit in set(bits.values()):  # two results may share one
            register.hold(bit, any(holds.get(name, False) for name, its in bits.items() if its == bit))
        register.pulse(bits["reading"])

    def show(self, conversion: Conversion) -> str:
        """The reading string of a conversion with the elements in force; empty where zero check silences it."""
        if self.meter.zero_check and self.kind.zero_check_silent(self.options):
            return ""
        return self.kind.show(conversion, self.elements, self.real_time_stamp)

    def show_sensed(self, conversion: Conversion) -> str:
        """As ``show``, but before null and math."""
        return self.show(replace(conversion, shown=conversion.value))

    def check_output(self) -> None:
        """Raise error 803 where nothing is measured because the output is off."""
        if self.kind.needs_output and not self.meter.source.on:
            raise ScpiError(OUTPUT_OFF)

    def make_ready(self) -> None:
        """``:MEASure?`` switches an output on that is needed."""
        self.meter.source.on = self.meter.source.on or self.kind.needs_output

    def listing(self) -> str:
        """All stored readings, before null and math where the buffer is fed by ``:SENSe``."""
        sensed = self.buffer.feed.startswith("SENS")
        stored = [replace(c, shown=c.value) if sensed else c for c in self.buffer.listing()]
        return ",".join(self.kind.show(c, self.elements, self.real_time_stamp) for c in stored)

    @property
    def idn(self) -> str:
        return f"KEITHLEY INSTRUMENTS INC.,{self.name},{self.serial},{self.firmware}"

    @property
    def banner(self) -> bytes:
        """Assumed: no power-on text of these models is published."""
        return f"KEITHLEY {self.name}".encode() + self.terminator

    def become(self, other: str) -> None:
        if other == "device":
            imposed = IMPOSTOR if self.kind.identity[0] != IMPOSTOR[0] else OTHER_IMPOSTOR
            self.name, self.serial, self.firmware = imposed
        else:
            self.serial = str(int(self.serial) + 1).zfill(len(self.serial))

    @property
    def front_panel_acts(self) -> tuple[str, ...]:
        """What somebody can do by hand, the most harmful first."""
        function = ("function",) if len(self.meter.functions) > 1 else ()
        return (*function, "range", *(("zero_check",) if self.kind.zero_check else ()), "relative")

    def front_panel(self, what: str | None = None) -> None:
        act, meter = what or self.front_panel_acts[0], self.meter
        if act not in self.front_panel_acts:
            raise ValueError(f"nobody can turn {act!r} on {self.model}; there is {', '.join(self.front_panel_acts)}")
        self.trigger.catch_up(self.clock.now())
        if act == "function":
            others = [name for name in ("CHAR", "CURR", *meter.functions) if name in meter.functions]
            meter.select("CURR" if meter.function == "CHAR" else next(n for n in others if n != meter.function))
        elif act == "range":
            meter.set_range(meter.function, meter.now_set.full_scale / 10 or 1.0)
        elif act == "zero_check":
            meter.set_zero_check(not meter.zero_check)
        elif self.kind.shared_settings:
            meter.calculations.null.on = not meter.calculations.null.on
        else:
            meter.now_set.reference_on = not meter.now_set.reference_on
        self.spoil()

    def busy(self) -> bytes:
        """Assumed: it stays silent and queues -230, which is how it says that there is no reading now."""
        self.status.error(-230)
        return b""

    def stray_line(self) -> bytes:
        return b"DCL" + self.terminator

    def sentinels(self, reply: bytes) -> list[bytes]:
        return self.kind.sentinels(reply)

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            **super().back_doors(),
            "zero_check": lambda v: self.meter.set_zero_check(bool(v)),
            "force": lambda v: setattr(self.meter, "force", v and str(v)),
            "function": lambda v: self.meter.select(str(v)),
            "trigger": lambda v: self._trigger_by_hand(str(v)),
            "leakage_a": lambda v: setattr(self.detector, "leakage_a", float(str(v))),
            "voltage_v": lambda v: setattr(self.detector, "voltage_v", float(str(v))),
            "interlock_open": lambda v: setattr(self.meter.source, "locked", bool(v)),
            "resistance_ohm": lambda v: setattr(self.detector, "resistance_ohm", float(str(v))),
        }

    def _trigger_by_hand(self, source: str) -> None:
        self.catch_up()
        try:
            self.trigger.event(source, self.clock.now())
        except ScpiError:
            waits = self.trigger.awaited or "nothing"
            raise ValueError(f"{self.model} does not wait for {source!r} but for {waits}.") from None

    def state(self) -> State:
        now = self.clock.now()
        return {
            "model": self.model,
            "serial": self.serial,
            "function": self.meter.function,
            "full_scale": self.meter.now_set.full_scale,
            "zero_check": self.meter.zero_check,
            "source_v": self.meter.source.level if self.meter.source.function == "VOLT" else 0.0,
            "charge_c": self.detector.charge(now),
            "emitted": self.emitted,
            "time_s": now,
        }
