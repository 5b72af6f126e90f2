"""The Keithley 6485 picoammeter: current only. Readings, ranges and status word from its manual and captured lines."""

from __future__ import annotations

from simulators.keithley import numeric_commands, reading_numeric, sense_commands, system_commands
from simulators.keithley.conversion import Function, decades
from simulators.keithley.electrometer import Electrometer, Kind
from simulators.scpi.parameters import boolean, show_bool
from simulators.scpi.table import Table

CURRENT = Function("CURRent[:DC]", "CURR:DC", "A", decades(-9, -2))
NPLC = (60.0, 6.0)
FIELDS = {
    "READ": reading_numeric.measured,
    "TIME": reading_numeric.seconds,
    "STAT": reading_numeric.status_word(reading_numeric.STATUS_BITS),
}
ASSUMED = (
    "one conversion takes 1 ms plus 3.5 power line cycles per PLC (READ? takes 3 to 4 in the field); 6 PLC after *RST",
    "after power-on it is idle, in zero check, with one reading a trigger",
    "FETCh? and READ? give all readings of the last cycle",
    "in zero check the reading is the offset current, with its bit in the status word (captured)",
    "zero correction takes off the input bias current acquired in zero check; the size of bias and noise",
    "NPLCycles without a function's name is that of the function in force (asked so by a public client)",
    "display, autozero, digital outputs and the trigger link are only remembered",
)


def enter(table: Table, unit: Electrometer) -> None:
    """What both picoammeters have beside their sisters."""
    sense_commands.functions(table, unit)
    sense_commands.integration_by_itself(table, unit)
    table.stored("[:SENSe[1]]:DAMPing", True, boolean, show_bool)
    system_commands.zero(table, unit)
    system_commands.formats(table, unit)


KIND = Kind(
    model="keithley-6485",
    title="Keithley 6485 picoammeter",
    identity=("MODEL 6485", "4126216", "C01   Jun 23 2010 12:22:00/A02  /J"),
    functions={"CURR": CURRENT},
    function="CURR",
    elements=("READing", "UNITs", "TIME", "STATus"),
    default_elements=frozenset({"READ", "UNIT", "TIME", "STAT"}),
    show=reading_numeric.fields(FIELDS, unit=True),
    sentinels=reading_numeric.sentinels,
    tables=(numeric_commands.enter, enter),
    math=numeric_commands.MATH,
    nplc=NPLC,
    corrects_at_once=False,
    collective_elements=True,
    assumed=ASSUMED,
)
MODEL = KIND.wire_model()
