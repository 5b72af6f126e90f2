"""``:SENSe`` of the simulated 6517: function, range, integration time, filter, REL, auto-discharge."""

from __future__ import annotations

from simulators.keithley_commands import Table
from simulators.keithley_meter import FUNCTIONS, OVERRANGE, Function, FunctionSettings
from simulators.scpi_parameters import Count, Number, Word, boolean, quoted, show_bool, show_count, show_number

NPLC = Number(0.01, 10, 1)
FUNCTION_WORDS = Word(("VOLTage", "CURRent", "RESistance", "CHARge"))


def enter(table: Table) -> None:
    """Enter all headers of this module."""
    unit = table.unit
    table.take("[:SENSe[1]]:FUNCtion", lambda text: select(table, text))
    table.query("[:SENSe[1]]:FUNCtion", lambda: f'"{FUNCTIONS[unit.meter.function].answer}"')  # captured style
    for name, function in FUNCTIONS.items():
        header = f"[:SENSe[1]]:{function.header}"
        settings = unit.meter.settings[name]
        ranges(table, name, header, function, settings)
        conversion(table, header, settings)
        filters(table, header, settings)
        relative(table, name, header, settings)
    charge = "[:SENSe[1]]:CHARge"
    table.attribute(f"{charge}:ADIScharge[:STATe]", unit.meter, "discharge_on", boolean, show_bool)
    table.attribute(
        f"{charge}:ADIScharge:LEVel", unit.meter, "discharge_level_c", Number(-2.2e-6, 2.2e-6, 2e-6), show_number
    )
    table.attribute(f"{charge}:RANGe:AUTO:LGRoup", unit.meter.settings["CHAR"], "group", Word(("HIGH", "LOW")), str)


def select(table: Table, text: str) -> None:
    table.unit.meter.select(FUNCTION_WORDS(quoted(text).upper().removesuffix(":DC")))
    table.unit.trigger.restart(table.unit.clock.now())


def ranges(table: Table, name: str, header: str, function: Function, settings: FunctionSettings) -> None:
    """A query answers the range's upper end (2.1 times a decade), as siblings of this unit were captured to do;
    assumed here.
    """
    top = function.ranges[-1] * OVERRANGE
    limits = Number(0.0 if name == "RES" else -top, top, top)
    unit = table.unit

    def put(text: str) -> None:
        unit.meter.set_range(name, limits(text))
        unit.trigger.restart(unit.clock.now())

    table.take(f"{header}:RANGe[:UPPer]", put)
    table.asked(f"{header}:RANGe[:UPPer]", lambda: settings.full_scale * OVERRANGE, limits, show_number)
    table.attribute(f"{header}:RANGe:AUTO", settings, "auto", boolean, show_bool)
    table.stored(f"{header}:RANGe:AUTO:ULIMit", top, limits, show_number)
    table.stored(f"{header}:RANGe:AUTO:LLIMit", function.ranges[0] * OVERRANGE, limits, show_number)


def conversion(table: Table, header: str, settings: FunctionSettings) -> None:
    unit, hertz = table.unit, table.unit.options.line_hz
    table.attribute(f"{header}:NPLCycles", settings, "nplc", NPLC, show_number)
    table.attribute(f"{header}:DIGits", settings, "digits", Count(4, 7, 6), show_count)
    seconds = Number(0.01 / hertz, 10 / hertz, 1 / hertz)

    def put(text: str) -> None:
        settings.nplc = seconds(text) * hertz
        unit.trigger.restart(unit.clock.now())

    table.take(f"{header}:APERture", put)
    table.asked(f"{header}:APERture", lambda: settings.nplc / hertz, seconds, show_number)


def filters(table: Table, header: str, settings: FunctionSettings) -> None:
    table.attribute(f"{header}:AVERage[:STATe]", settings, "filter_on", boolean, show_bool)
    table.attribute(f"{header}:AVERage:COUNt", settings, "filter_count", Count(1, 100, 10), show_count)
    table.attribute(f"{header}:AVERage:TCONtrol", settings, "filter_mode", Word(("REPeat", "MOVing")), str)
    table.stored(f"{header}:AVERage:TYPE", "SCAL", Word(("SCALar", "ADVanced", "NONE")), str)
    table.stored(f"{header}:MEDian[:STATe]", False, boolean, show_bool)
    table.stored(f"{header}:MEDian:RANK", 1, Count(1, 5, 1), show_count)


def relative(table: Table, name: str, header: str, settings: FunctionSettings) -> None:
    unit = table.unit

    def acquire() -> None:
        now = unit.clock.now()
        settings.reference = unit.meter.truth(now - unit.conversion_s(), now) if unit.meter.function == name else 0.0

    table.attribute(f"{header}:REFerence[:LEVel]", settings, "reference", Number(-1e19, 1e19, 0), show_number)
    table.attribute(f"{header}:REFerence:STATe", settings, "reference_on", boolean, show_bool)
    table.act(f"{header}:REFerence:ACQuire", acquire)
