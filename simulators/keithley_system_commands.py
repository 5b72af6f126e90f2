"""Common commands, status, system, format, display and voltage source of the simulated 6517."""

from __future__ import annotations

from functools import partial

from simulators.keithley_commands import ANY, Table
from simulators.keithley_reading import ELEMENTS
from simulators.scpi_parameters import (
    Count,
    Number,
    ScpiError,
    Word,
    boolean,
    short_form,
    show_bool,
    show_count,
    show_number,
)
from simulators.scpi_status import EVERY_BIT, Register

BYTE = Count(0, 255, 0)
BITS = Count(0, 65535, 0)


def enter(table: Table) -> None:
    """Enter all headers of this module."""
    common(table)
    status(table)
    system(table)
    formats(table)
    source(table)


def common(table: Table) -> None:
    unit = table.unit
    table.query("*IDN", lambda: unit.idn)
    table.query("*OPT", lambda: "0")  # captured
    table.query("*TST", lambda: "0")
    table.query("*STB", lambda: str(unit.status.byte))
    table.query("*ESR", lambda: str(unit.status.take_esr()))
    table.attribute("*ESE", unit.status, "ese", BYTE, show_count)
    table.attribute("*SRE", unit.status, "sre", BYTE, show_count)
    table.act("*RST", unit.reset)
    table.act("*CLS", unit.status.clear)
    table.take("*SAV", Count(0, 9, 0))
    table.take("*RCL", Count(0, 9, 0))


def status(table: Table) -> None:
    unit = table.unit
    table.act(":STATus:PRESet", unit.status.preset)
    table.query(":STATus:QUEue[:NEXT]", unit.status.next_error)
    table.query(":SYSTem:ERRor[:NEXT]", unit.status.next_error)
    table.act(":STATus:QUEue:CLEar", unit.status.queue.clear)
    for name, register in (
        ("MEASurement", unit.status.measurement),
        ("QUEStionable", unit.status.questionable),
        ("OPERation", unit.status.operation),
    ):
        one_register(table, f":STATus:{name}", register)


def one_register(table: Table, header: str, register: Register) -> None:
    table.query(f"{header}[:EVENt]", lambda: str(register.take()))
    table.query(f"{header}:CONDition", lambda: str(register.condition))
    for node, attribute in (("ENABle", "enable"), ("PTRansition", "positive"), ("NTRansition", "negative")):
        table.attribute(f"{header}:{node}", register, attribute, lambda text: int(BITS(text)) & EVERY_BIT, show_count)


def system(table: Table) -> None:
    unit = table.unit
    table.query(":SYSTem:VERSion", lambda: "1994.0")  # captured
    table.act(":SYSTem:PRESet", partial(preset, table))
    table.act(":SYSTem:LOCal", lambda: None)
    table.act(":SYSTem:REMote", lambda: None)
    table.stored(":SYSTem:LLOCkout", False, boolean, show_bool)
    table.stored(":SYSTem:LSYNc[:STATe]", False, boolean, show_bool)
    table.stored(":SYSTem:TSControl", False, boolean, show_bool)
    table.stored(":SYSTem:HSControl", False, boolean, show_bool)
    table.stored(":DISPlay:ENABle", True, boolean, show_bool)
    table.act(":SYSTem:RNUMber:RESet", lambda: setattr(unit.trigger, "number", 0))
    table.act(":SYSTem:TSTamp:RELative:RESet", lambda: setattr(unit.meter, "stamp_zero_s", unit.clock.now()))
    table.take(":SYSTem:TSTamp:TYPE", lambda text: setattr(unit, "real_time_stamp", stamp_type(text) == "RTC"))
    table.query(":SYSTem:TSTamp:TYPE", lambda: "RTC" if unit.real_time_stamp else "REL")
    table.take(":SYSTem:ZCHeck[:STATe]", lambda text: zero_check(table, text))
    table.query(":SYSTem:ZCHeck[:STATe]", lambda: show_bool(unit.meter.zero_check))
    table.attribute(":SYSTem:ZCORrect[:STATe]", unit.meter, "zero_correct", boolean, show_bool)
    table.act(":SYSTem:ZCORrect:ACQuire", lambda: None)


def stamp_type(text: str) -> str:
    return Word(("RELative", "RTClock"))("RTCLOCK" if text.upper() == "RTC" else text)[:3]


def zero_check(table: Table, text: str) -> None:
    table.unit.meter.set_zero_check(boolean(text))
    table.unit.trigger.restart(table.unit.clock.now())


def preset(table: Table) -> None:
    """``:SYSTem:PRESet``: as ``*RST``, but free-running."""
    unit = table.unit
    unit.reset()
    unit.trigger.continuous, unit.trigger.count = True, float("inf")
    unit.trigger.initiate(unit.clock.now())


def formats(table: Table) -> None:
    unit = table.unit
    table.take(":FORMat[:DATA]", ascii_only, 1, 2)
    table.query(":FORMat[:DATA]", lambda: "ASC")
    table.take(":FORMat:ELEMents", lambda *names: setattr(unit, "elements", elements(names)), 1, ANY)
    table.query(":FORMat:ELEMents", lambda: ",".join(short_form(e) for e in ELEMENTS if short_form(e) in unit.elements))
    table.stored(":FORMat:BORDer", "SWAP", Word(("NORMal", "SWAPped")), str)


def ascii_only(kind: str, *_length: str) -> None:
    """RS-232 knows ASCII only: other types are an error and change nothing (6517B reference manual)."""
    if Word(("ASCii", "REAL", "SREal", "DREal"))(kind) != "ASC":
        raise ScpiError(-224)


def elements(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(Word(ELEMENTS)("UNITS" if name.upper() == "UNIT" else name) for name in names)


def source(table: Table) -> None:
    meter = table.unit.meter
    table.attribute(":OUTPut[1][:STATe]", meter, "source_on", boolean, show_bool)
    table.attribute(
        ":SOURce:VOLTage[:LEVel][:IMMediate][:AMPLitude]", meter, "source_v", Number(-1000, 1000, 0), show_number
    )
    limits = Number(-1000, 1000, 100)
    table.stored(
        ":SOURce:VOLTage:RANGe", 100.0, lambda text: 100.0 if abs(limits(text)) <= 100 else 1000.0, show_number
    )
    table.stored(":SOURce:VOLTage:RANGe:AUTO", False, boolean, show_bool)
    table.stored(":SOURce:VOLTage:LIMit[:AMPLitude]", 1000.0, Number(0, 1000, 1000), show_number)
    table.stored(":SOURce:VOLTage:LIMit:STATe", False, boolean, show_bool)
    table.stored(":SOURce:VOLTage:MCONnect", False, boolean, show_bool)
    table.stored(":SOURce:CURRent:RLIMit[:STATe]", False, boolean, show_bool)
