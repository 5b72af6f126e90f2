"""The Keithley 6487: a 6485 with a voltage source and ohms. Source ranges, limits and data elements from its manual."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulators.keithley import k6485, reading_numeric
from simulators.keithley.conversion import Function, decades
from simulators.keithley.electrometer import MEASUREMENT_BITS, Electrometer
from simulators.keithley.meter import Source
from simulators.scpi.parameters import Number, ScpiError, boolean, show_bool, show_number
from simulators.scpi.table import Table

SOURCE_RANGES_V = (10.0, 50.0, 500.0)
LEVEL = Number(-505, 505, 0)
SPAN = Number(0, 500, 10)
LIMITS_A = (2.5e-5, 2.5e-4, 2.5e-3, 2.5e-2)
LIMIT = Number(LIMITS_A[0], LIMITS_A[-1], LIMITS_A[-1])
SWEEP = {"STARt": 0.0, "STOP": 10.0, "STEP": 1.0, "CENTer": 5.0, "SPAN": 10.0}
WAIT = Number(0, 999.9999, 1)


def enter(table: Table, unit: Electrometer) -> None:
    """What a 6487 has beside a 6485."""
    source(table, unit)
    sweep(table)
    table.take("[:SENSe[1]]:OHMS[:STATe]", lambda text: ohms(unit, boolean(text)))
    table.query("[:SENSe[1]]:OHMS[:STATe]", lambda: show_bool(unit.meter.function == "RES"))


def ohms(unit: Electrometer, on: bool) -> None:
    """Show the resistance that the source and the current give, or the current."""
    unit.meter.select("RES" if on else "CURR")
    unit.spoil()


@dataclass
class VoltageSource:
    """The source's commands. Level in V, limits in A; after the notes of the command summary (manual, page 14-10)."""

    unit: Electrometer
    range_v: float = SOURCE_RANGES_V[0]
    interlock: bool = False

    def __post_init__(self) -> None:
        self.source.compliance_a = LIMITS_A[-1]

    @property
    def source(self) -> Source:
        """Level and state."""
        return self.unit.meter.source

    def level(self, text: str) -> None:
        """Raises ScpiError -222 for a level above the range (the number is assumed)."""
        if abs(LEVEL(text)) > self.range_v * 1.01:
            raise ScpiError(-222)
        self.source.volts = LEVEL(text)
        self.unit.spoil()

    def pick(self, text: str) -> None:
        """Assumed: a level that the new range does not hold becomes 0, a limit that it does not have its largest."""
        self.range_v = next(r for r in SOURCE_RANGES_V if SPAN(text) <= r)
        if abs(self.source.volts) > self.range_v:
            self.source.volts = 0.0
        self.source.compliance_a = min(self.source.compliance_a, self.most_a)

    @property
    def most_a(self) -> float:
        """The largest limit of the range."""
        return LIMITS_A[-1] if self.range_v == SOURCE_RANGES_V[0] else LIMITS_A[-2]

    def limit(self, text: str) -> None:
        """The one that is closest to what was programmed."""
        wanted = min(LIMIT(text), self.most_a)
        self.source.compliance_a = min(LIMITS_A, key=lambda each: abs(each - wanted))

    def switch(self, text: str) -> None:
        """Raises ScpiError -221 where the interlock is asserted and counts (the number is assumed)."""
        if boolean(text) and self.source.locked and self.guarded:
            raise ScpiError(-221)
        self.source.on = boolean(text)
        self.unit.spoil()

    @property
    def guarded(self) -> bool:
        """Whether the interlock counts; on the ranges above 10 V it always does."""
        return self.interlock or self.range_v > SOURCE_RANGES_V[0]

    def guard(self, text: str) -> None:
        """Raises ScpiError -221 where it cannot be switched off."""
        if not boolean(text) and self.range_v > SOURCE_RANGES_V[0]:
            raise ScpiError(-221)
        self.interlock = boolean(text)


def source(table: Table, unit: Electrometer) -> None:
    """Level, range, current limit, state and interlock of the voltage source."""
    header, it = ":SOURce[1]:VOLTage", VoltageSource(unit)
    table.take(f"{header}[:LEVel][:IMMediate][:AMPLitude]", it.level)
    table.asked(f"{header}[:LEVel][:IMMediate][:AMPLitude]", lambda: it.source.volts, LEVEL, show_number)
    table.take(f"{header}:RANGe", it.pick)
    table.asked(f"{header}:RANGe", lambda: it.range_v, SPAN, show_number)
    table.take(f"{header}:ILIMit", it.limit)
    table.asked(f"{header}:ILIMit", lambda: it.source.compliance_a, LIMIT, show_number)
    table.take(f"{header}:STATe", it.switch)
    table.query(f"{header}:STATe", lambda: show_bool(it.source.on))
    table.take(f"{header}:INTerlock[:STATe]", it.guard)
    table.query(f"{header}:INTerlock[:STATe]", lambda: show_bool(it.guarded))
    table.query(f"{header}:INTerlock:FAIL", lambda: show_bool(it.source.locked))


def sweep(table: Table) -> None:
    """The sweep, which is only remembered."""
    header = ":SOURce[1]:VOLTage:SWEep"
    for node, default in SWEEP.items():
        table.stored(f"{header}:{node}", default, LEVEL, show_number)
    table.stored(f"{header}:DELay", 1.0, WAIT, show_number)
    table.ignored(f"{header}:INITiate")
    table.ignored(f"{header}:ABORt")
    table.query(f"{header}:STATe", lambda: "0")


KIND = replace(
    k6485.KIND,
    model="keithley-6487",
    title="Keithley 6487 picoammeter and voltage source",
    identity=("MODEL 6487", "1111167", "A06   Jun 20 2006 15:08:40/A02  /C/E"),
    functions={
        "CURR": k6485.CURRENT,
        "RES": Function("", "RES", "OHMS", decades(3, 13)),
    },
    elements=("READing", "UNITs", "TIME", "STATus", "VSOurce"),
    show=reading_numeric.fields({**k6485.FIELDS, "VSO": reading_numeric.volts}, unit=True),
    tables=(*k6485.KIND.tables, enter),
    buffer_size=3000,
    measurement_bits={**MEASUREMENT_BITS, "interlock": 1 << 11, "compliance": 1 << 14},
    assumed=(
        *k6485.ASSUMED,
        "the voltage source drives nothing else: the current is that of the detector, ohms are its resistance",
        "a source level above the range is refused with -222, one that the interlock blocks with -221",
        "compliance is the source's voltage over the detector's resistance above the limit; a sweep never runs",
    ),
)
MODEL = KIND.wire_model()
