"""The Keithley 6514 system electrometer: volts, amps, ohms and coulombs, readings as plain numbers.

From its manual (ranges, data elements, status word) and captured lines (identity, readings, the empty line in zero
check).
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.keithley import numeric_commands, reading_numeric, sense_commands, system_commands
from simulators.keithley.conversion import Function, decades
from simulators.keithley.electrometer import Electrometer, ElectrometerOptions, Kind
from simulators.scpi.table import Table

MOST_CHARGE_C = 2.1e-5


@dataclass(frozen=True)
class Options6514(ElectrometerOptions):
    """Set-up of a 6514. ``zero_check_reply``: what it answers when a reading is asked for in zero check, an empty
    line as captured (``empty``) or the reading of the shorted input (``value``).
    """

    zero_check_reply: str = "empty"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.zero_check_reply not in ("empty", "value"):
            raise ValueError(f"zero_check_reply {self.zero_check_reply!r} is not allowed; it is empty or value")


def silent(options: ElectrometerOptions) -> bool:
    """Whether zero check leaves nothing but an empty line."""
    return isinstance(options, Options6514) and options.zero_check_reply == "empty"


def enter(table: Table, unit: Electrometer) -> None:
    """What a 6514 has beside its sisters."""
    sense_commands.functions(table, unit)
    sense_commands.discharge(table, unit, MOST_CHARGE_C)
    sense_commands.switches(table, unit, "DAMPing", "CURR")
    sense_commands.switches(table, unit, "GUARd", "VOLT", "RES")
    system_commands.zero(table, unit)
    system_commands.formats(table, unit)


KIND = Kind(
    model="keithley-6514",
    title="Keithley 6514 electrometer",
    identity=("MODEL 6514", "4691930", "A13   Aug 30 2011 15:09:19/B01  /H"),
    functions={
        "VOLT": Function("VOLTage[:DC]", "VOLT:DC", "V", decades(0, 2)),
        "CURR": Function("CURRent[:DC]", "CURR:DC", "A", decades(-11, -2)),
        "RES": Function("RESistance", "RES", "OHM", decades(3, 11)),
        "CHAR": Function("CHARge", "CHAR", "C", decades(-8, -5)),
    },
    function="VOLT",
    elements=("READing", "TIME", "STATus"),
    default_elements=frozenset({"READ", "TIME", "STAT"}),
    show=reading_numeric.fields(
        {
            "READ": reading_numeric.measured,
            "TIME": reading_numeric.seconds,
            "STAT": reading_numeric.status_word(reading_numeric.STATUS_BITS),
        }
    ),
    sentinels=reading_numeric.sentinels,
    tables=(numeric_commands.enter, enter),
    math=numeric_commands.MATH,
    zero_check_silent=silent,
    null_takes_first=True,
    options=Options6514,
    assumed=(
        "one conversion takes 1 ms plus 3.5 power line cycles per PLC, after rates of the 6485",
        "after power-on it is idle, in zero check, with one reading a trigger",
        "FETCh? and READ? give all readings of the last cycle",
        "null switched on without an offset takes the next reading, after the coulomb recipe of the manual",
        "zero correction takes off the input bias current; the size of bias, hop and noise",
        "filters belong to all functions together; which word the limit bits 5 and 6 follow",
        "guard, damping, display, autozero and the trigger link are only remembered",
    ),
)
MODEL = KIND.wire_model()
