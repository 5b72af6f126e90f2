"""The command table of the 6517A and 6517B: the parts of the base they have, and those of their own.

After the command summaries of the 6517B reference manual, section 14.
"""

from __future__ import annotations

from simulators.keithley import (
    calculate_commands,
    k6517_extras,
    reading_commands,
    sense_commands,
    system_commands,
    trigger_commands,
)
from simulators.keithley.electrometer import Electrometer
from simulators.scpi import common
from simulators.scpi.parameters import Number, Word, boolean, show_bool, show_number
from simulators.scpi.table import Table

MATH_FORMS = ("NONE", "POLynomial", "PERCent", "RATio", "LOGarithmic", "DEViation", "PDEViation")
MATH_FACTORS = ("MA0Factor", "MA1Factor", "MA2Factor", "PERCent", "PDEViation", "DEViation", "RATio")
ARM_SOURCES = ("IMMediate", "HOLD", "MANual", "BUS", "TLINk", "EXTernal", "RTCLock")
TIMED_SOURCES = ("IMMediate", "HOLD", "MANual", "BUS", "TLINk", "EXTernal", "TIMer")
MOST_EVENTS = 99999
MOST_WAIT_S = 999999.999
MOST_CHARGE_C = 2.2e-6


def enter(table: Table, unit: Electrometer) -> None:
    """Enter all headers of a 6517."""
    common.enter(table, unit)
    sense(table, unit)
    triggers(table, unit)
    reading_commands.readings(table, unit)
    reading_commands.fresh_reading(table, unit)
    reading_commands.buffer(table, unit)
    reading_commands.extra_elements(table, unit)
    system_commands.system(table, unit)
    system_commands.zero(table, unit)
    system_commands.formats(table, unit)
    calculations(table, unit)
    k6517_extras.enter(table, unit)


def sense(table: Table, unit: Electrometer) -> None:
    """``:SENSe`` with filters and REL for each function, and the V-source of the ohms function."""
    sense_commands.functions(table, unit)
    sense_commands.ranges(table, unit)
    sense_commands.integration(table, unit)
    sense_commands.aperture(table, unit)
    sense_commands.own_filters(table, unit)
    sense_commands.references(table, unit)
    sense_commands.discharge(table, unit, MOST_CHARGE_C)
    sense_commands.switches(table, unit, "DAMPing", "CURR", "RES")
    sense_commands.switches(table, unit, "GUARd", "VOLT", "RES")
    ohms = "[:SENSe[1]]:RESistance"
    table.stored(f"{ohms}:VSControl", "MAN", Word(("MANual", "AUTO")), str)
    table.stored(f"{ohms}:MANual:VSOurce[:AMPLitude]", 0.0, Number(-1000, 1000, 0), show_number)
    table.stored(f"{ohms}:MANual:VSOurce:RANGe", 100.0, Number(0, 1000, 100), show_number)
    table.stored(f"{ohms}:MANual:VSOurce:OPERate", False, boolean, show_bool)
    table.stored(f"{ohms}:MANual:CRANge[:UPPer]", 2.1e-2, Number(0, 2.1e-2, 2.1e-2), show_number)
    table.stored(f"{ohms}:MANual:CRANge:AUTO", True, sense_commands.once_or_boolean, show_bool)
    table.stored(f"{ohms}:MSELect", "NORM", Word(("NORMal", "RESistivity")), str)


def triggers(table: Table, unit: Electrometer) -> None:
    """Two arm layers and the trigger layer, which the manual calls arm, scan and measure."""
    trigger_commands.initiation(table, unit)
    trigger_commands.continuity(table, unit)
    arm, scan, trigger = unit.trigger.layers
    one, two = ":ARM[:SEQuence[1]][:LAYer[1]]", ":ARM[:SEQuence[1]]:LAYer2"
    three = ":TRIGger[:SEQuence[1]]"
    for header, layer, sources in (
        (one, arm, ARM_SOURCES),
        (two, scan, TIMED_SOURCES),
        (three, trigger, TIMED_SOURCES),
    ):
        trigger_commands.source(table, unit, header, layer, sources)
        trigger_commands.count(table, unit, header, layer, MOST_EVENTS)
        trigger_commands.link(table, unit, header, layer)
    for header, layer in ((two, scan), (three, trigger)):
        trigger_commands.delay(table, header, layer, MOST_WAIT_S)
        trigger_commands.timer(table, header, layer, MOST_WAIT_S)


def calculations(table: Table, unit: Electrometer) -> None:
    """Math, buffer statistics and limits: channels 1, 2 and 3."""
    calculate_commands.math(table, unit, MATH_FORMS, calculate_commands.names_of(MATH_FACTORS))
    calculate_commands.fresh_math(table, unit)
    calculate_commands.units(table)
    calculate_commands.statistics(table, unit, ":CALCulate2")
    calculate_commands.limits(table, unit, ":CALCulate3", passes="1")
