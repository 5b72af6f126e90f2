"""What only the 6517 has around its measurement: voltage source, time stamps, scanner, test sequences, macros.

After the command summaries of the 6517B reference manual, section 14, and of the 6517A getting started manual.
"""

from __future__ import annotations

from functools import partial

from simulators.clock import wall_date
from simulators.keithley.electrometer import Electrometer
from simulators.scpi.parameters import (
    Count,
    Number,
    Reader,
    Word,
    boolean,
    bracketed,
    show_bool,
    show_count,
    show_number,
)
from simulators.scpi.table import Table

VOLTS = Number(-1000, 1000, 0)
SECONDS = Number(0, 99999.9, 1)
SEQUENCES = ("DLEakage", "CLEakage", "CIResistance", "RESistivity", "SRESistivity", "VRESistivity", "SIResistance",
             "SQSWeep", "STSWeep", "RVCoefficient", "ARESistivity")  # fmt: skip
SEQUENCE_SETTINGS: dict[str, dict[str, Reader]] = {
    "STSWeep": {"STARt": VOLTS, "STOP": VOLTS, "STEP": VOLTS, "STIMe": SECONDS},
    "SQSWeep": {"HLEVel": VOLTS, "HTIMe": SECONDS, "LLEVel": VOLTS, "LTIMe": SECONDS, "COUNt": Count(1, 99999, 1)},
    "SIResistance": {"SVOLtage": VOLTS, "STIMe": SECONDS, "MVOLtage": VOLTS, "MTIMe": SECONDS},
    "VRESistivity": {"PDTime": SECONDS, "SVOLtage": VOLTS, "STIMe": SECONDS, "MVOLtage": VOLTS, "MTIMe": SECONDS,
                     "DTIMe": SECONDS},
    "SRESistivity": {"PDTime": SECONDS, "SVOLtage": VOLTS, "STIMe": SECONDS, "MVOLtage": VOLTS, "MTIMe": SECONDS,
                     "DTIMe": SECONDS},
}  # fmt: skip
STARTS = ("MANual", "IMMediate", "BUS", "EXTernal", "TLINk", "LCLosure")


def enter(table: Table, unit: Electrometer) -> None:
    """Enter all headers of this module."""
    source(table, unit)
    stamps(table, unit)
    switches(table, unit)
    scanner(table)
    sequences(table)


def source(table: Table, unit: Electrometer) -> None:
    """The V-source: level and state show in the VSO element; ranges and limits are only remembered."""
    chosen, header = unit.meter.source, ":SOURce:VOLTage"
    table.attribute(":OUTPut[1][:STATe]", chosen, "on", boolean, show_bool)
    table.attribute(f"{header}[:LEVel][:IMMediate][:AMPLitude]", chosen, "volts", VOLTS, show_number)
    limits = Number(-1000, 1000, 100)
    table.stored(f"{header}:RANGe", 100.0, lambda text: 100.0 if abs(limits(text)) <= 100 else 1000.0, show_number)
    table.stored(f"{header}:RANGe:AUTO", False, boolean, show_bool)
    table.stored(f"{header}:LIMit[:AMPLitude]", 1000.0, Number(0, 1000, 1000), show_number)
    table.stored(f"{header}:LIMit:STATe", False, boolean, show_bool)
    table.stored(f"{header}:MCONnect", False, boolean, show_bool)
    table.stored(":SOURce:CURRent:RLIMit[:STATe]", False, boolean, show_bool)
    table.query(":SOURce:CURRent:LIMit[:STATe]", lambda: "0")


def stamps(table: Table, unit: Electrometer) -> None:
    """Reading number, time stamp, clock and calendar."""
    table.act(":SYSTem:RNUMber:RESet", lambda: setattr(unit.trigger, "number", 0))
    table.act(":SYSTem:TSTamp:RELative:RESet", lambda: setattr(unit.meter, "stamp_zero_s", unit.clock.now()))
    table.take(":SYSTem:TSTamp:TYPE", lambda text: setattr(unit, "real_time_stamp", stamp_type(text) == "RTC"))
    table.query(":SYSTem:TSTamp:TYPE", lambda: "RTC" if unit.real_time_stamp else "REL")
    table.take(":SYSTem:DATE", partial(whole_numbers, unit, "date"), 3, 3)
    table.take(":SYSTem:TIME", partial(whole_numbers, unit, "time"), 3, 3)
    table.query(
        ":SYSTem:DATE", lambda: str(unit.settings.get("date", f"{wall_date(unit.clock, unit.clock.now()):%Y,%m,%d}"))
    )
    table.query(
        ":SYSTem:TIME", lambda: str(unit.settings.get("time", f"{wall_date(unit.clock, unit.clock.now()):%H,%M,%S}"))
    )


def whole_numbers(unit: Electrometer, what: str, *parts: str) -> None:
    """Remember a date or time given as three numbers; the stamps go on with the computer's clock."""
    unit.settings[what] = ",".join(f"{Count(0, 9999, 0)(part):02.0f}" for part in parts)


def stamp_type(text: str) -> str:
    """Relative time stamps (REL) or those of the clock (RTC). Raises ScpiError for another word."""
    return Word(("RELative", "RTClock"))("RTCLOCK" if text.upper() == "RTC" else text)[:3]


def switches(table: Table, unit: Electrometer) -> None:
    """Switches of the system that are only remembered, and the interlock, which is closed."""
    table.attribute(":SYSTem:TSControl", unit.meter, "temperature_on", boolean, show_bool, spoils=False)
    table.attribute(":SYSTem:HSControl", unit.meter, "humidity_on", boolean, show_bool, spoils=False)
    for node in ("LLOCkout", "LSYNc[:STATe]"):
        table.stored(f":SYSTem:{node}", False, boolean, show_bool)
    table.stored(":SYSTem:HLControl", 0, Count(0, 15, 0), show_count)
    table.stored(":SYSTem:ARSPeed", "NORM", Word(("NORMal", "FAST")), str)
    table.query(":SYSTem:INTerlock", lambda: "0")
    table.stored(":SYSTem:MACRo:TRIGger:MODE", "CONT", Word(("CONTinuous", "ONEShot")), str)
    table.stored(
        ":SYSTem:MACRo:TRIGger:SOURce", "IMM", Word(("IMMediate", "MANual", "BUS", "EXTernal", "TLINk", "TIMer")), str
    )
    table.stored(":SYSTem:MACRo:TRIGger:TIMer", 0.1, Number(0.001, 99999.999, 0.1), show_number)
    table.stored(":UNIT:TEMPerature", "C", Word(("C", "CEL", "F", "FAR", "K")), str)


def scanner(table: Table) -> None:
    """The scanner card, of which nothing is simulated but that it remembers one closed channel."""
    state = {"closed": "(@)"}
    table.take(":ROUTe:CLOSe", lambda text: state.update(closed=bracketed(text)))
    table.query(":ROUTe:CLOSe:STATe", lambda: state["closed"])
    table.take(":ROUTe:OPEN", lambda text: state.update(closed="(@)") if bracketed(text) else None)
    table.act(":ROUTe:OPEN:ALL", lambda: state.update(closed="(@)"))
    table.stored(":ROUTe:SCAN[:INTernal]", "(@1:10)", bracketed, str)
    table.stored(":ROUTe:SCAN:LSELect", "NONE", Word(("INTernal", "EXTernal", "NONE")), str)
    table.stored(":ROUTe:SCAN:STIMe", 0.0, SECONDS, show_number)
    table.stored(":ROUTe:SCAN:SMEThod", "CURR", Word(("VOLTage", "CURRent")), str)
    table.stored(":ROUTe:SCAN:VSLimit", False, boolean, show_bool)


def sequences(table: Table) -> None:
    """Test sequences are set up and remembered; arming one starts nothing."""
    header = ":TSEQuence"
    table.stored(f"{header}:TYPE", "RES", Word(SEQUENCES), str)
    table.stored(f"{header}:TSOurce", "MAN", Word(STARTS), str)
    table.stored(f"{header}:TLINe", 1, Count(1, 6, 1), show_count)
    table.ignored(f"{header}:ARM")
    table.ignored(f"{header}:ABORt")
    for sequence, settings in SEQUENCE_SETTINGS.items():
        for node, limits in settings.items():
            table.stored(f"{header}:{sequence}:{node}", 0, limits, show_number)
