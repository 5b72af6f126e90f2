"""System, format and display commands of the simulated electrometers.

Headers are those of the manuals' command summaries (for the 6517: reference manual, section 14).
"""

from __future__ import annotations

from functools import partial

from simulators.keithley.electrometer import Electrometer
from simulators.scpi.parameters import (
    Count,
    Number,
    ScpiError,
    Word,
    boolean,
    quoted,
    short_form,
    show_bool,
    show_count,
    show_number,
)
from simulators.scpi.table import ANY, Table


def system(table: Table, unit: Electrometer) -> None:
    """The system and display commands that every model has."""
    table.query(":SYSTem:VERSion", lambda: "1994.0")  # captured from a 6517A
    table.act(":SYSTem:PRESet", partial(preset, unit))
    for node in ("LOCal", "REMote"):
        table.ignored(f":SYSTem:{node}")
    table.stored(":SYSTem:KEY", 1, Count(1, 32, 1), show_count)
    setups = ("RST", "PRESet", *(f"SAV{n}" for n in range(10)))
    table.stored(":SYSTem:POSetup", "PRES", Word(setups), str)
    table.stored(":DISPlay:ENABle", True, boolean, show_bool)
    for window, length in (("[:WINDow[1]]", 20), (":WINDow2", 32)):
        text = f":DISPlay{window}:TEXT"
        table.stored(f"{text}:DATA", "", partial(message, length), lambda shown: f'"{shown}"')
        table.stored(f"{text}:STATe", False, boolean, show_bool)


def message(length: int, text: str) -> str:
    """A message of at most ``length`` characters for the display. Raises ScpiError -223 for a longer one."""
    if len(quoted(text)) > length:
        raise ScpiError(-223)
    return quoted(text)


def preset(unit: Electrometer) -> None:
    """``:SYSTem:PRESet``: as ``*RST``, but free-running."""
    unit.reset()
    unit.run_freely()


def zero(table: Table, unit: Electrometer) -> None:
    """Zero check and zero correction. Assumed: the offset it takes off is the input bias current."""

    def check(text: str) -> None:
        unit.meter.set_zero_check(boolean(text))
        unit.spoil()

    def correct(text: str) -> None:
        unit.meter.zero_correct = boolean(text)
        if unit.meter.zero_correct and unit.meter.zero_check and unit.kind.corrects_at_once:
            unit.meter.acquire_zero()
        unit.spoil()

    table.take(":SYSTem:ZCHeck[:STATe]", check)
    table.query(":SYSTem:ZCHeck[:STATe]", lambda: show_bool(unit.meter.zero_check))
    table.take(":SYSTem:ZCORrect[:STATe]", correct)
    table.query(":SYSTem:ZCORrect[:STATe]", lambda: show_bool(unit.meter.zero_correct))
    table.act(":SYSTem:ZCORrect:ACQuire", partial(acquire_zero, unit))


def acquire_zero(unit: Electrometer) -> None:
    """Take the present zero. Raises ScpiError -221 unless zero check is on (assumed)."""
    if not unit.meter.zero_check:
        raise ScpiError(-221)
    unit.meter.acquire_zero()


def time(table: Table, unit: Electrometer) -> None:
    """The relative time stamp of the numeric models."""
    table.act(":SYSTem:TIME:RESet", lambda: setattr(unit.meter, "stamp_zero_s", unit.clock.now()))


def line(table: Table, unit: Electrometer) -> None:
    """Autozero and the mains frequency of the numeric models, only remembered."""
    table.stored(":SYSTem:AZERo[:STATe]", True, boolean, show_bool)
    table.stored(":SYSTem:LFRequency", unit.options.line_hz, Number(50, 60, 60), show_number)
    table.stored(":SYSTem:LFRequency:AUTO", True, boolean, show_bool)
    table.stored(":DISPlay:DIGits", 6, Count(4, 7, 6), show_count)


def formats(table: Table, unit: Electrometer, node: str = ":ELEMents") -> None:
    """ASCII, and the data elements of a reading."""
    table.take(":FORMat[:DATA]", ascii_only, 1, 2)
    table.query(":FORMat[:DATA]", lambda: "ASC")
    table.take(f":FORMat{node}", lambda *names: setattr(unit, "elements", elements(unit, names)), 1, ANY)
    table.query(f":FORMat{node}", lambda: listed(unit))
    table.stored(":FORMat:BORDer", "SWAP", Word(("NORMal", "SWAPped")), str)


def ascii_only(kind: str, *_length: str) -> None:
    """RS-232 knows ASCII only. Raises ScpiError -224 for other types, which change nothing (6517B reference manual)."""
    if Word(("ASCii", "REAL", "SREal", "DREal"))(kind) != "ASC":
        raise ScpiError(-224)


def elements(unit: Electrometer, names: tuple[str, ...]) -> frozenset[str]:
    """The elements named; ALL and DEFault where the manual has them (6487, page 13-7)."""
    kind = unit.kind
    if len(names) == 1 and kind.collective_elements:
        collective = {"ALL": frozenset(map(short_form, kind.elements)), "DEFAULT": kind.default_elements}
        collective["DEF"] = kind.default_elements
        if names[0].upper() in collective:
            return collective[names[0].upper()]
    return frozenset(Word(kind.elements)("UNITS" if name.upper() == "UNIT" else name) for name in names)


def listed(unit: Electrometer) -> str:
    """The elements in force in the order they are sent."""
    return ",".join(short_form(e) for e in unit.kind.elements if short_form(e) in unit.elements)
