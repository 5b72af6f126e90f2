"""The Keithley 6430 sub-femtoamp SourceMeter: it sources volts or amps and measures the other, on the same base.

Data elements, priorities and NaN from its manual, pages 17-46 and 17-47; ranges and compliance from a public driver;
the bits of the status word are those of the 2400 family and agree with the one captured line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.keithley import numeric_commands, reading_numeric, sense_commands, system_commands
from simulators.keithley.conversion import Conversion, Function, decades
from simulators.keithley.electrometer import Electrometer, Kind
from simulators.scpi.parameters import (
    Count,
    Number,
    ScpiError,
    Word,
    boolean,
    quoted,
    show_bool,
    show_count,
    show_number,
)
from simulators.scpi.table import ANY, Table

NAN = "+9.91E37"
OUTPUT_BLOCKED = 802
FUNCTIONS = {
    "VOLT": Function("VOLTage[:DC]", "VOLT:DC", "V", decades(-1, 2), most=210.0),
    "CURR": Function("CURRent[:DC]", "CURR:DC", "A", decades(-12, -1, 1), most=0.105),
    "RES": Function("RESistance", "RES", "OHM", decades(0, 13), most=2.1e13),
}
LEVELS = {"VOLTage": ("volts", Number(-210, 210, 0)), "CURRent": ("amperes", Number(-0.105, 0.105, 0))}
COMPLIANCE = {
    "CURRent[:DC]": ("compliance_a", Number(1e-9, 0.105, 1e-4)),
    "VOLTage[:DC]": ("compliance_v", Number(2e-4, 210, 21)),
}
STATUS_BITS = {
    "overflow": 0, "filter": 1, "compliance": 3, "math": 5, "null": 6, "limits": 7, "low1": 8, "high1": 8, "low2": 9,
    "high2": 9, "measures VOLT": 11, "measures CURR": 12, "measures RES": 13, "source VOLT": 14, "source CURR": 15,
}  # fmt: skip

# p. 14-3, figure 14-1: L1, LL2F and HL2F are the bits 0 to 2
MEASUREMENT_BITS = {
    "low1": 1 << 0, "high1": 1 << 0, "low2": 1 << 1, "high2": 1 << 2, "passed": 1 << 5, "reading": 1 << 6,
    "overflow": 1 << 7, "available": 1 << 8, "full": 1 << 9, "interlock": 1 << 11, "compliance": 1 << 14,
}  # fmt: skip


def element(name: str) -> reading_numeric.Field:
    """A quantity as the manual orders it: measured before sourced, NaN when it is neither."""

    def show(conversion: Conversion) -> str:
        if conversion.function == name:
            return reading_numeric.measured(conversion)
        if f"source {name}" in conversion.marks:
            return reading_numeric.number(conversion.source)
        return NAN

    return show


def enter(table: Table, unit: Electrometer) -> None:
    """What a 6430 has beside its sisters."""
    functions(table, unit)
    source(table, unit)
    system_commands.formats(table, unit, ":ELEMents[:SENSe[1]]")
    table.stored(":SYSTem:RSENse", False, boolean, show_bool)
    table.stored(":SENSe[1]:RESistance:OCOMpensated", False, boolean, show_bool)
    table.stored(":SENSe[1]:RESistance:MODE", "AUTO", Word(("MANual", "AUTO")), str)
    table.stored("[:SENSe[1]]:AVERage:AUTO", True, boolean, show_bool)
    table.stored("[:SENSe[1]]:AVERage:REPeat[:STATe]", False, boolean, show_bool)
    table.stored("[:SENSe[1]]:AVERage:REPeat:COUNt", 10, Count(1, 100, 10), show_count)
    sense_commands.integration_by_itself(table, unit)


@dataclass
class Functions:
    """Which functions are switched on. ``several``: whether another one may stay on beside them."""

    unit: Electrometer
    several: bool = True
    on: list[str] = field(default_factory=lambda: ["CURR"])
    words = Word(("VOLTage", "CURRent", "RESistance"))

    def switch_on(self, *names: str) -> None:
        """Assumed: of those that are on at once the last is measured, the others read as not measured."""
        chosen = [self._named(each) for each in names]
        kept = [each for each in self.on if each not in chosen] if self.several else []
        self.on = [*kept, *chosen] if self.several else chosen[-1:]
        self.unit.meter.select(chosen[-1])
        self.unit.spoil()

    def switch_off(self, *names: str) -> None:
        """Assumed: with all of them off the last goes on being measured, which a real one may do otherwise."""
        gone = {self._named(each) for each in names}
        self.on = [each for each in self.on if each not in gone]
        if self.on and self.unit.meter.function in gone:
            self.unit.meter.select(self.on[-1])
            self.unit.spoil()

    def allow_several(self, text: str) -> None:
        """Without it, the last stays on."""
        self.several = boolean(text)
        if not self.several:
            self.on = self.on[-1:]

    def answer(self) -> str:
        """All that are on, in their order; an empty text when none is."""
        return ",".join(f'"{FUNCTIONS[each].answer}"' for each in self.on) or '""'

    def _named(self, text: str) -> str:
        return self.words(quoted(text).upper().removesuffix(":DC"))


def functions(table: Table, unit: Electrometer) -> None:
    """Functions are switched on and off by name; the last one switched on is the one that is simulated."""
    header, chosen = "[:SENSe[1]]:FUNCtion", Functions(unit)
    table.take(f"{header}[:ON]", chosen.switch_on, 1, ANY)
    table.query(f"{header}[:ON]", chosen.answer)
    table.take(f"{header}:OFF", chosen.switch_off, 1, ANY)
    table.act(f"{header}:OFF:ALL", lambda: chosen.switch_off(*map(repr, FUNCTIONS)))
    table.take(f"{header}:CONCurrent", chosen.allow_several)
    table.query(f"{header}:CONCurrent", lambda: show_bool(chosen.several))
    for node, (name, limits) in COMPLIANCE.items():
        table.attribute(f"[:SENSe[1]]:{node}:PROTection[:LEVel]", unit.meter.source, name, limits, show_number)
        table.query(f"[:SENSe[1]]:{node}:PROTection:TRIPped", lambda: show_bool(unit.meter.in_compliance))


def source(table: Table, unit: Electrometer) -> None:
    """Source function, level and output. Delay and range of the source are only remembered."""
    chosen = unit.meter.source
    table.attribute(":SOURce[1]:FUNCtion[:MODE]", chosen, "function", Word(("VOLTage", "CURRent")), str)
    for node, (name, limits) in LEVELS.items():
        header = f":SOURce[1]:{node}"
        table.attribute(f"{header}[:LEVel][:IMMediate][:AMPLitude]", chosen, name, limits, show_number)
        table.stored(f"{header}:RANGe", limits.high, limits, show_number)
        table.stored(f"{header}:RANGe:AUTO", True, boolean, show_bool)
        table.stored(f"{header}:MODE", "FIX", Word(("FIXed", "SWEep", "LIST")), str)
    table.stored(":SOURce[1]:DELay", 0.0, Number(0, 9999.998, 0), show_number)
    table.stored(":SOURce[1]:DELay:AUTO", True, boolean, show_bool)
    table.stored(":SOURce[1]:CLEar:AUTO", False, boolean, show_bool)
    table.act(":SOURce[1]:CLEar[:IMMediate]", lambda: setattr(chosen, "on", False))
    table.take(":OUTPut[1][:STATe]", lambda text: output(unit, boolean(text)))
    table.query(":OUTPut[1][:STATe]", lambda: show_bool(chosen.on))
    table.stored(":OUTPut[1]:INTerlock:STATe", False, boolean, show_bool)
    table.query(":OUTPut[1]:INTerlock:TRIPped", lambda: show_bool(not chosen.locked))
    table.stored(":OUTPut[1]:SMODe", "NORM", Word(("NORMal", "ZERO", "GUARd")), str)


def output(unit: Electrometer, on: bool) -> None:
    """Raises ScpiError 802 (output blocked) where the interlock does not let it be switched on.

    ``:OUTPut:INTerlock:TRIPped?`` answers 1 where it can be (manual, page 17-53).
    """
    if on and unit.meter.source.locked:
        raise ScpiError(OUTPUT_BLOCKED)
    unit.meter.source.on = on
    unit.spoil()


KIND = Kind(
    model="keithley-6430",
    title="Keithley 6430 SourceMeter",
    identity=("MODEL 6430", "0883245", "C27   Feb  4 2003 14:58:04/A02  /D/B"),
    functions=FUNCTIONS,
    function="CURR",
    elements=("VOLTage", "CURRent", "RESistance", "TIME", "STATus"),
    default_elements=frozenset({"VOLT", "CURR", "RES", "TIME", "STAT"}),
    show=reading_numeric.fields(
        {
            **{name: element(name) for name in ("VOLT", "CURR", "RES")},
            "TIME": reading_numeric.seconds,
            "STAT": reading_numeric.status_word(STATUS_BITS),
        }
    ),
    sentinels=reading_numeric.sentinels,
    tables=(numeric_commands.enter, enter),
    math=numeric_commands.MATH,
    zero_check=False,
    drives_detector=True,
    needs_output=True,
    input_bias_a=4e-16,
    measurement_bits=MEASUREMENT_BITS,
    assumed=(
        "serial number and firmware of the identity, in the style of its sisters",
        "one conversion takes 1 ms plus 3.5 power line cycles per PLC, after rates of the 6485",
        "one function is measured at a time, the last that was switched on, current after power-on; others may be on"
        " beside it unless CONCurrent is off, which is on after *RST as in the 2400 family",
        "the current is that of the detector plus source voltage over its resistance",
        "the bits of the status word (2400 family), which carry no front-terminal bit here",
        "READ? with the output off gives no reading and queues 803, as in the 2400 family",
        "a source that its interlock blocks is refused with 802 (2400 family); ohms mode is only remembered",
        "FUNC:OFF:ALL, AVER:REP and its count, and NPLCycles without a function's name, as a public client sends them",
        "autozero, remote sense, source ranges, source delay, automatic and repeat filters are only remembered",
    ),
)
MODEL = KIND.wire_model()
