"""``:SENSe`` of the simulated electrometers: function, range, integration time, filters, REL, auto-discharge.

Each kind names the parts it has; headers are those of the 6517B reference manual, section 14, and of a program that
drives a real 6487.
"""

from __future__ import annotations

from functools import partial

from simulators.keithley.conversion import OVERRANGE
from simulators.keithley.electrometer import Electrometer
from simulators.keithley.filters import Filters
from simulators.scpi.parameters import (
    Count,
    Number,
    ScpiError,
    Word,
    boolean,
    quoted,
    same_word,
    show_bool,
    show_count,
    show_number,
)
from simulators.scpi.table import Table

SENSE = "[:SENSe[1]]"


def functions(table: Table, unit: Electrometer) -> None:
    """``:FUNCtion`` with the name in quotes, short or long, with or without ``:DC``."""
    known = {name: each.header.replace("[:DC]", "") for name, each in unit.kind.named_functions.items()}
    words = Word(tuple(known.values()))

    def select(text: str) -> None:
        unit.meter.select(words(quoted(text).upper().removesuffix(":DC")))
        unit.spoil()

    table.take(f"{SENSE}:FUNCtion", select)
    table.query(f"{SENSE}:FUNCtion", lambda: f'"{unit.kind.functions[unit.meter.function].answer}"')  # captured style


def ranges(table: Table, unit: Electrometer) -> None:
    """Range, autorange and its limits of every function."""
    for name, function in unit.kind.named_functions.items():
        one_range(table, unit, name, f"{SENSE}:{function.header}:RANGe")
        for word, chosen in function.auto_groups and [("LGRoup", unit.meter.settings[name])]:
            groups = Word(tuple(group for group, _ in function.auto_groups))
            table.attribute(f"{SENSE}:{function.header}:RANGe:AUTO:{word}", chosen, "group", groups, str)


def one_range(table: Table, unit: Electrometer, name: str, header: str) -> None:
    """A query answers the range's upper end (2.1 times a decade), as siblings of the 6517 were captured to do."""
    function, settings = unit.kind.functions[name], unit.meter.settings[name]
    top = function.top
    limits = Number(0.0 if name == "RES" else -top, top, top)

    def put(text: str) -> None:
        unit.meter.set_range(name, limits(text))
        unit.spoil()

    table.take(f"{header}[:UPPer]", put)
    table.asked(f"{header}[:UPPer]", lambda: settings.full_scale * OVERRANGE, limits, show_number)
    table.take(f"{header}:AUTO", partial(autorange, unit, name))
    table.asked(f"{header}:AUTO", lambda: settings.auto, boolean, show_bool)
    settings.lower, settings.upper = function.ranges[0] * OVERRANGE, top
    table.attribute(f"{header}:AUTO:ULIMit", settings, "upper", limits, show_number)
    table.attribute(f"{header}:AUTO:LLIMit", settings, "lower", limits, show_number)


def autorange(unit: Electrometer, name: str, text: str) -> None:
    """ON, OFF or ONCE. Raises ScpiError -221 for ONCE on a function not in use (6517B manual, page 14-67)."""
    if not same_word(text, "ONCE"):
        unit.meter.settings[name].auto = boolean(text)
    elif unit.meter.function != name:
        raise ScpiError(-221)
    else:
        unit.meter.settle_range(name)
    unit.spoil()


def integration(table: Table, unit: Electrometer) -> None:
    """``:NPLCycles`` of every function, in power-line cycles."""
    most, default = unit.kind.nplc
    for name, function in unit.kind.named_functions.items():
        limits = Number(0.01, most, default)
        table.attribute(f"{SENSE}:{function.header}:NPLCycles", unit.meter.settings[name], "nplc", limits, show_number)


def integration_by_itself(table: Table, unit: Electrometer) -> None:
    """``:NPLCycles`` without the name of a function: two public clients of a 6485 and a 6430 ask and set it so.

    Assumed: it is that of the function in force.
    """
    most, default = unit.kind.nplc
    limits = Number(0.01, most, default)

    def put(text: str) -> None:
        unit.meter.now_set.nplc = limits(text)
        unit.spoil()

    table.take(f"{SENSE}:NPLCycles", put)
    table.asked(f"{SENSE}:NPLCycles", lambda: unit.meter.now_set.nplc, limits, show_number)


def aperture(table: Table, unit: Electrometer) -> None:
    """``:APERture`` in seconds, another face of NPLC; automatic choice of either is only remembered."""
    hertz, most = unit.options.line_hz, unit.kind.nplc[0]
    seconds = Number(0.01 / hertz, most / hertz, 1 / hertz)
    for name, function in unit.kind.named_functions.items():
        header, settings = f"{SENSE}:{function.header}", unit.meter.settings[name]

        def put(text: str, name: str = name) -> None:
            unit.meter.settings[name].nplc = seconds(text) * hertz
            unit.spoil()

        table.take(f"{header}:APERture", put)
        table.asked(f"{header}:APERture", partial(lambda s: s.nplc / hertz, settings), seconds, show_number)
        for node in ("APERture", "NPLCycles", "DIGits"):
            table.stored(f"{header}:{node}:AUTO", node == "DIGits", once_or_boolean, show_bool)
        table.attribute(f"{header}:DIGits", settings, "digits", Count(4, 7, 6), show_count)


def once_or_boolean(text: str) -> bool:
    """ONCE turns an automatic choice on and off again."""
    return False if same_word(text, "ONCE") else boolean(text)


def own_filters(table: Table, unit: Electrometer) -> None:
    """Filters that each function has for itself."""
    for name, function in unit.kind.named_functions.items():
        filters(table, f"{SENSE}:{function.header}", unit.meter.settings[name].filters, 1)
        header = f"{SENSE}:{function.header}:AVERage:TYPE"
        kinds = Word(("SCALar", "ADVanced", "NONE"))
        table.attribute(header, unit.meter.settings[name].filters, "kind", kinds, str)


def shared_filters(table: Table, unit: Electrometer) -> None:
    """One pair of filters for all functions."""
    shared = unit.meter.now_set.filters
    filters(table, SENSE, shared, 2)
    table.attribute(f"{SENSE}:AVERage:ADVanced[:STATe]", shared, "advanced", boolean, show_bool)


def filters(table: Table, header: str, chosen: Filters, least: int) -> None:
    """Averaging and median; switching one on or off empties its memory (assumed)."""

    def switch(name: str, text: str) -> None:
        setattr(chosen, name, boolean(text))
        chosen.forget()

    table.take(f"{header}:AVERage[:STATe]", partial(switch, "on"))
    table.asked(f"{header}:AVERage[:STATe]", lambda: chosen.on, boolean, show_bool)
    table.take(f"{header}:MEDian[:STATe]", partial(switch, "median_on"))
    table.asked(f"{header}:MEDian[:STATe]", lambda: chosen.median_on, boolean, show_bool)
    table.attribute(f"{header}:AVERage:COUNt", chosen, "count", Count(least, 100, 10), show_count)
    table.attribute(f"{header}:AVERage:TCONtrol", chosen, "mode", Word(("REPeat", "MOVing")), str)
    tolerance = Number(0, 105, 0)
    table.attribute(f"{header}:AVERage:ADVanced:NTOLerance", chosen, "noise_percent", tolerance, show_number)
    table.attribute(f"{header}:MEDian:RANK", chosen, "rank", Count(1, 5, 1), show_count)


def references(table: Table, unit: Electrometer) -> None:
    """``:REFerence`` (REL) of every function."""
    for name, function in unit.kind.named_functions.items():
        header, settings = f"{SENSE}:{function.header}:REFerence", unit.meter.settings[name]
        level = Number(-1e19, 1e19, 0)
        table.attribute(f"{header}[:LEVel]", settings, "reference", level, show_number)
        table.attribute(f"{header}:STATe", settings, "reference_on", boolean, show_bool)
        table.act(f"{header}:ACQuire", partial(acquire_reference, unit, name))


def acquire_reference(unit: Electrometer, name: str) -> None:
    """Take the present reading of the function as its reference; 0 for a function that is not measured now."""
    now = unit.clock.now()
    present = unit.meter.truth(now - unit.conversion_s(), now) if unit.meter.function == name else 0.0
    unit.meter.settings[name].reference = present


def discharge(table: Table, unit: Electrometer, most_c: float) -> None:
    """Auto-discharge of the charge function, by its level (C)."""
    header, meter = f"{SENSE}:CHARge:ADIScharge", unit.meter
    table.attribute(f"{header}[:STATe]", meter, "discharge_on", boolean, show_bool)
    table.attribute(f"{header}:LEVel", meter, "discharge_level_c", Number(-most_c, most_c, 2e-6), show_number)


def switches(table: Table, unit: Electrometer, node: str, *names: str) -> None:
    """A switch of some functions that is only remembered, as damping and guard are."""
    for name in names:
        table.stored(f"{SENSE}:{unit.kind.functions[name].header}:{node}", False, boolean, show_bool)
