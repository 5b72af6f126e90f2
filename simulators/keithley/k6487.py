"""The Keithley 6487: a 6485 with a voltage source and ohms. Source ranges, limits and data elements from its manual."""

from __future__ import annotations

from dataclasses import replace

from simulators.keithley import k6485, reading_numeric
from simulators.keithley.conversion import Function, decades
from simulators.keithley.electrometer import Electrometer
from simulators.scpi.parameters import Number, ScpiError, boolean, show_bool, show_number
from simulators.scpi.table import Table

SOURCE_RANGES_V = (10.0, 50.0, 500.0)
LEVEL = Number(-505, 505, 0)
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


def source(table: Table, unit: Electrometer) -> None:
    """Level, range, current limit and state of the voltage source; -222 for a level above the range (assumed)."""
    header, meter = ":SOURce[1]:VOLTage", unit.meter
    chosen = {"range": SOURCE_RANGES_V[0], "limit": 2.5e-2}

    def level(text: str) -> None:
        if abs(LEVEL(text)) > chosen["range"] * 1.01:
            raise ScpiError(-222)
        meter.source.volts = LEVEL(text)

    span = Number(0, 500, 10)

    def pick(text: str) -> None:
        chosen["range"] = next(r for r in SOURCE_RANGES_V if span(text) <= r)

    limits = Number(2.5e-5, 2.5e-2, 2.5e-2)
    table.take(f"{header}[:LEVel][:IMMediate][:AMPLitude]", level)
    table.asked(f"{header}[:LEVel][:IMMediate][:AMPLitude]", lambda: meter.source.volts, LEVEL, show_number)
    table.take(f"{header}:RANGe", pick)
    table.asked(f"{header}:RANGe", lambda: chosen["range"], span, show_number)
    table.take(f"{header}:ILIMit", lambda text: chosen.update(limit=limits(text)))
    table.asked(f"{header}:ILIMit", lambda: chosen["limit"], limits, show_number)
    table.attribute(f"{header}:STATe", meter.source, "on", boolean, show_bool)
    table.stored(f"{header}:INTerlock", False, boolean, show_bool)
    table.query(f"{header}:INTerlock:FAIL", lambda: "0")


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
    assumed=(
        *k6485.ASSUMED,
        "the voltage source drives nothing: the current is that of the detector, ohms are its resistance",
        "a source level above the range is refused with -222; the interlock is closed; a sweep never runs",
    ),
)
MODEL = KIND.wire_model()
