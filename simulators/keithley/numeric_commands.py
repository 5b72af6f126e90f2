"""The commands that the 6514, 6485, 6487 and 6430 have in common, after a program that drives a real 6487 and the
manuals' summaries.
"""

from __future__ import annotations

from simulators.keithley import calculate_commands, reading_commands, sense_commands, system_commands, trigger_commands
from simulators.keithley.electrometer import Electrometer
from simulators.scpi import common
from simulators.scpi.table import Table

MATH_FORMS = ("MXB", "RECiprocal", "LOG10")
MATH = ("MXB", {"MMF": 1.0, "MBF": 0.0})
MOST_READINGS = 2500
ARM_SOURCES = ("IMMediate", "TIMer", "BUS", "TLINk", "MANual", "STESt", "PSTest", "NSTest", "BSTest")


def enter(table: Table, unit: Electrometer) -> None:
    """Enter all headers of this module."""
    common.enter(table, unit)
    sense_commands.ranges(table, unit)
    sense_commands.integration(table, unit)
    sense_commands.shared_filters(table, unit)
    reading_commands.readings(table, unit)
    reading_commands.buffer(table, unit)
    system_commands.system(table, unit)
    system_commands.time(table, unit)
    system_commands.line(table, unit)
    triggers(table, unit)
    calculations(table, unit)


def triggers(table: Table, unit: Electrometer) -> None:
    """One arm layer and the trigger layer."""
    trigger_commands.initiation(table, unit)
    arm, trigger = unit.trigger.layers
    arm_header, header = ":ARM[:SEQuence[1]][:LAYer[1]]", ":TRIGger[:SEQuence[1]]"
    trigger_commands.source(table, unit, arm_header, arm, ARM_SOURCES)
    trigger_commands.count(table, unit, arm_header, arm, MOST_READINGS)
    trigger_commands.timer(table, arm_header, arm, 99999.999)
    trigger_commands.link(table, unit, arm_header, arm)
    trigger_commands.source(table, unit, header, trigger, ("IMMediate", "TLINk"))
    trigger_commands.count(table, unit, header, trigger, MOST_READINGS)
    trigger_commands.delay(table, header, trigger, 999.9999)
    trigger_commands.link(table, unit, header, trigger)
    table.act(":TRIGger:CLEar", lambda: unit.trigger.abort(unit.clock.now()))


def calculations(table: Table, unit: Electrometer) -> None:
    """Math, null, limits and statistics."""
    factors = calculate_commands.names_of(("MMFactor", "MBFactor"))
    calculate_commands.math(table, unit, MATH_FORMS, factors)
    calculate_commands.units(table)
    calculate_commands.null(table, unit)
    calculate_commands.limits(table, unit, ":CALCulate2", passes="0")
    calculate_commands.statistics(table, unit, ":CALCulate3")
