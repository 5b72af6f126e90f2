"""Getting readings out of the simulated 6517: trigger model, READ?, FETCh?, MEASure?, fresh and latest data, buffer."""

from __future__ import annotations

from functools import partial

from simulators.keithley_commands import ANY, Table
from simulators.keithley_meter import FUNCTIONS
from simulators.keithley_reading import EXTRA_ELEMENTS
from simulators.scpi_parameters import Count, Number, ScpiError, Word, boolean, show_bool, show_count, show_number

BUFFER_SIZE = 50000
FEED = Word(("SENSe", "SENSe1", "CALCulate1", "CALCulate", "NONE"))


def enter(table: Table) -> None:
    """Enter all headers of this module."""
    triggers(table)
    readings(table)
    buffer(table)


def triggers(table: Table) -> None:
    unit, trigger = table.unit, table.unit.trigger
    table.act(":INITiate[:IMMediate]", partial(initiate, table))
    table.take(":INITiate:CONTinuous", partial(continuous, table))
    table.query(":INITiate:CONTinuous", lambda: show_bool(trigger.continuous))
    table.act(":ABORt", lambda: trigger.abort(unit.clock.now()))
    table.act("*TRG", lambda: trigger.bus_trigger(unit.clock.now()))
    table.take(":TRIGger:SOURce", partial(source, table))
    table.query(":TRIGger:SOURce", lambda: trigger.source)
    table.attribute(":TRIGger:COUNt", trigger, "count", Count(1, 99999, 1, infinite=True), show_count)
    table.attribute(":TRIGger:DELay", trigger, "delay_s", Number(0, 999999.999, 0), show_number)
    table.stored(":TRIGger:DELay:AUTO", False, boolean, show_bool)
    table.stored(":TRIGger:TIMer", 0.1, Number(0.001, 999999.999, 0.1), show_number)
    sources = Word(("IMMediate", "HOLD", "MANual", "BUS", "TLINk", "EXTernal", "TIMer"))
    for layer in (":ARM[:SEQuence[1]][:LAYer[1]]", ":ARM[:SEQuence[1]]:LAYer2"):
        table.stored(f"{layer}:SOURce", "IMM", sources, str)
        table.stored(f"{layer}:COUNt", 1, Count(1, 99999, 1, infinite=True), show_count)
    table.waiting_query("*OPC", partial(operation_complete, table), measurement=False)
    table.act("*OPC", lambda: setattr(unit.status, "esr", unit.status.esr | 1))
    table.act("*WAI", lambda: None)


def initiate(table: Table) -> None:
    """-213 when it already runs, as SCPI-1999 volume 2 asks of INITiate."""
    trigger = table.unit.trigger
    if not trigger.idle:
        raise ScpiError(-213)
    trigger.initiate(table.unit.clock.now())


def continuous(table: Table, text: str) -> None:
    trigger, now = table.unit.trigger, table.unit.clock.now()
    trigger.continuous = boolean(text)
    if trigger.continuous:
        trigger.initiate(now)
    elif trigger.end is not None:
        trigger.left = 1  # the conversion under way is finished, then it rests


def source(table: Table, text: str) -> None:
    """IMMediate and BUS are simulated; the other sources are accepted and wait for an event that never comes."""
    trigger, now = table.unit.trigger, table.unit.clock.now()
    words = ("IMMediate", "HOLD", "MANual", "BUS", "TLINk", "EXTernal", "TIMer")
    trigger.source = Word(words)(text)
    if not trigger.idle:
        trigger.initiate(now)


async def operation_complete(table: Table) -> str:
    """``*OPC?`` answers 1, after the end of a counted series that runs by itself."""
    trigger, clock = table.unit.trigger, table.unit.clock
    while trigger.end is not None and trigger.left != float("inf"):
        await clock.sleep_until(trigger.end)
        trigger.catch_up(clock.now())
    return "1"


def readings(table: Table) -> None:
    table.waiting_query(":READ", partial(read, table))
    table.waiting_query(":FETCh", partial(fetch, table))
    table.waiting_query("[:SENSe[1]]:DATA[:LATest]", partial(latest, table))
    table.waiting_query("[:SENSe[1]]:DATA:FRESh", partial(fresh, table))
    table.waiting_query(":MEASure", partial(measure, table, None))
    for name, function in FUNCTIONS.items():
        table.act(f":CONFigure:{function.header}", partial(configure, table, name))
        table.waiting_query(f":MEASure:{function.header}", partial(measure, table, name))
    table.query(":CONFigure", lambda: f'"{FUNCTIONS[table.unit.meter.function].answer}"')


def configure(table: Table, name: str | None) -> None:
    """One reading on an immediate trigger, autorange, no filter, no REL; the collected charge stays, as chart
    programs rely on.
    """
    meter, trigger = table.unit.meter, table.unit.trigger
    if name is not None and name != meter.function:
        meter.select(name)
    s = meter.now_set
    s.auto, s.filter_on, s.reference_on = True, False, False
    trigger.continuous, trigger.count, trigger.source, trigger.delay_s = False, 1, "IMM", 0.0
    trigger.abort(table.unit.clock.now())


async def measure(table: Table, name: str | None) -> str:
    configure(table, name)
    return await read(table)


async def read(table: Table) -> str:
    """ABORt, INITiate, FETCh?: one conversion from now on. -214 when the trigger source would never let it begin."""
    trigger, now = table.unit.trigger, table.unit.clock.now()
    if trigger.source != "IMM":
        raise ScpiError(-214)
    trigger.left, trigger.end, trigger.latest = 0, None, None
    trigger.initiate(now)
    return await fetch(table)


async def fetch(table: Table) -> str:
    """The newest reading; waits for the first one, and for a conversion that ``*TRG`` has begun."""
    trigger, clock = table.unit.trigger, table.unit.clock
    while trigger.end is not None and (trigger.latest is None or trigger.source == "BUS"):
        await clock.sleep_until(trigger.end)
        trigger.catch_up(clock.now())
    return await latest(table)


async def latest(table: Table) -> str:
    """The last reading, as often as asked; -230 when there is none."""
    trigger = table.unit.trigger
    if trigger.latest is None:
        raise ScpiError(-230)
    trigger.fresh = False
    return table.unit.show(trigger.latest)


async def fresh(table: Table) -> str:
    """A reading that was not given out before: at once if one is there, else the next; -230 when none will come."""
    trigger, clock = table.unit.trigger, table.unit.clock
    while not trigger.fresh:
        if trigger.end is None:
            raise ScpiError(-230)
        await clock.sleep_until(trigger.end)
        trigger.catch_up(clock.now())
    return await latest(table)


def buffer(table: Table) -> None:
    trace = table.unit.buffer
    table.attribute(":TRACe:POINts", trace, "points", Count(1, BUFFER_SIZE, 100), show_count)
    table.query(":TRACe:POINts:ACTual", lambda: str(len(trace.stored)))
    table.act(":TRACe:CLEar", lambda: clear(table))
    table.take(":TRACe:ELEMents", lambda *names: setattr(trace, "elements", kept(names)), 1, ANY)
    table.query(":TRACe:ELEMents", lambda: ",".join(sorted(trace.elements)) or "NONE")
    table.take(":TRACe:FEED", lambda text: setattr(trace, "feed", FEED(text)))
    table.query(":TRACe:FEED", lambda: trace.feed)
    table.take(":TRACe:FEED:CONTrol", partial(control, table))
    table.query(":TRACe:FEED:CONTrol", lambda: trace.control)
    table.stored(":TRACe:FEED:PRETrigger:AMOunt:READings", 50, Count(0, BUFFER_SIZE, 50), show_count)
    table.stored(":TRACe:FEED:PRETrigger:AMOunt:PERCent", 50.0, Number(0, 100, 50), show_number)
    table.stored(":TRACe:FEED:PRETrigger:SOURce", "MAN", Word(("TLINk", "BUS", "MANual")), str)
    table.take(
        ":TRACe:TSTamp:FORMat", lambda text: setattr(trace, "delta", Word(("ABSolute", "DELTa"))(text) == "DELT")
    )
    table.query(":TRACe:TSTamp:FORMat", lambda: "DELT" if trace.delta else "ABS")
    table.query(":TRACe:DATA", partial(data, table), measurement=True)


def kept(names: tuple[str, ...]) -> frozenset[str]:
    words = ("TSTamp", "HUMidity", "CHANnel", "ETEMperature", "VSOurce", "NONE")
    return frozenset(Word(words)(name) for name in names) - {"NONE"}


def clear(table: Table) -> None:
    table.unit.buffer.stored.clear()
    table.unit.status.measurement.hold(0x380, False)


def control(table: Table, text: str) -> None:
    """NEXT and PRETrigger begin with an empty buffer; storing before a trigger event is not simulated."""
    trace = table.unit.buffer
    trace.control = Word(("NEVer", "NEXT", "ALWays", "PRETrigger"))(text)
    if trace.control in ("NEXT", "PRET"):
        clear(table)


def data(table: Table) -> str:
    """All stored readings. +313 unless the extra elements of format and buffer are the same; -230 when nothing
    is stored.
    """
    unit = table.unit
    if unit.elements & EXTRA_ELEMENTS != unit.buffer.elements:
        raise ScpiError(313)
    if not unit.buffer.stored:
        raise ScpiError(-230)
    return unit.listing()
