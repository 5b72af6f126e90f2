"""Getting readings out of the simulated electrometers: READ?, FETCh?, MEASure?, fresh and latest data, the buffer.

Headers are those of the manuals' command summaries (for the 6517: reference manual, section 14).
"""

from __future__ import annotations

from functools import partial

from simulators.keithley.electrometer import BUFFER_BITS, NEVER_BY_ITSELF, Electrometer
from simulators.scpi.parameters import Count, Number, ScpiError, Word, boolean, show_bool, show_count, show_number
from simulators.scpi.table import ANY, Table


def readings(table: Table, unit: Electrometer) -> None:
    """The queries that every model has."""
    table.waiting_query(":READ", partial(read, unit))
    table.waiting_query(":FETCh", partial(fetch, unit))
    table.waiting_query("[:SENSe[1]]:DATA[:LATest]", partial(latest, unit))
    table.waiting_query(":MEASure", partial(measure, unit, None))
    for name, function in unit.kind.named_functions.items():
        table.act(f":CONFigure:{function.header}", partial(configure, unit, name))
        table.waiting_query(f":MEASure:{function.header}", partial(measure, unit, name))
    table.query(":CONFigure", lambda: f'"{unit.kind.functions[unit.meter.function].answer}"')


def fresh_reading(table: Table, unit: Electrometer) -> None:
    """``:DATA:FRESh?`` of the 6517."""
    table.waiting_query("[:SENSe[1]]:DATA:FRESh", partial(fresh, unit))


def configure(unit: Electrometer, name: str | None) -> None:
    """One reading on an immediate trigger, autorange, no filter, no REL; the collected charge stays, as chart
    programs rely on.
    """
    meter, trigger = unit.meter, unit.trigger
    if name is not None and name != meter.function:
        meter.select(name)
    s = meter.now_set
    s.auto, s.filters.on, s.filters.median_on, s.reference_on = True, False, False, False
    meter.calculations.null.on = False
    trigger.continuous = False
    for layer in trigger.layers:
        layer.source, layer.count, layer.delay_s = "IMM", 1, 0.0
    trigger.abort(unit.clock.now())


async def measure(unit: Electrometer, name: str | None) -> str:
    """CONFigure, then READ?. Raises ScpiError as those do."""
    configure(unit, name)
    unit.make_ready()
    return await read(unit)


async def read(unit: Electrometer) -> str:
    """ABORt, INITiate, FETCh?. Raises ScpiError -214 when a trigger source would never let a conversion begin."""
    trigger = unit.trigger
    if any(layer.source in NEVER_BY_ITSELF for layer in trigger.layers):
        raise ScpiError(-214)
    unit.check_output()
    trigger.latest = None
    trigger.initiate(unit.clock.now())
    if unit.kind.fetches_all:
        while not trigger.idle:
            await unit.next_event()
    return await fetch(unit)


async def fetch(unit: Electrometer) -> str:
    """The newest reading, or all of the last cycle; waits for the first one, and for a conversion that a bus trigger
    has begun. Raises ScpiError -230 when there is none and none will come by itself.
    """
    trigger, number = unit.trigger, unit.trigger.number
    by_bus = any(layer.source == "BUS" for layer in trigger.layers)
    while trigger.number == number and not trigger.idle and (trigger.latest is None or (by_bus and trigger.end)):
        await step(unit)
    if trigger.latest is None:
        raise ScpiError(-230)
    trigger.fresh = False
    given = trigger.cycle if unit.kind.fetches_all and trigger.cycle else [trigger.latest]
    return ",".join(unit.show(each) for each in given)


async def latest(unit: Electrometer) -> str:
    """The last reading as ``:SENSe`` has it, as often as asked. Raises ScpiError -230 when there is none."""
    conversion = unit.trigger.latest
    if conversion is None:
        raise ScpiError(-230)
    unit.trigger.fresh = False
    return unit.show_sensed(conversion)


async def fresh(unit: Electrometer) -> str:
    """A reading that was not given out before, however old: at once if one is there, else the next.

    Raises ScpiError -230 when none will come by itself.
    """
    while not unit.trigger.fresh:
        await step(unit)
    return await latest(unit)


async def step(unit: Electrometer) -> None:
    """The next event. Raises ScpiError -230 when idle or when only a bus trigger, which cannot come, would go on."""
    if unit.trigger.idle or unit.trigger.awaited in NEVER_BY_ITSELF:
        raise ScpiError(-230)
    await unit.next_event()


def buffer(table: Table, unit: Electrometer) -> None:
    """``:TRACe`` as every model has it."""
    trace, size = unit.buffer, unit.kind.buffer_size
    table.attribute(":TRACe:POINts", trace, "points", Count(1, size, 100), show_count, spoils=False)
    table.query(":TRACe:POINts:ACTual", lambda: str(len(trace.stored)))
    table.query(":TRACe:FREE", lambda: free(unit))
    table.act(":TRACe:CLEar", partial(clear, unit))
    controls = Word(("NEVer", "NEXT", "ALWays", "PRETrigger") if not unit.kind.fetches_all else ("NEVer", "NEXT"))
    table.take(":TRACe:FEED:CONTrol", lambda text: control(unit, controls(text)))
    table.query(":TRACe:FEED:CONTrol", lambda: trace.control)
    feeds = Word(("SENSe", "SENSe1", "CALCulate1", "CALCulate", "CALCulate2", "NONE"))
    table.take(":TRACe:FEED", lambda text: setattr(trace, "feed", feeds(text)))
    table.query(":TRACe:FEED", lambda: trace.feed)
    formats = Word(("ABSolute", "DELTa"))
    table.take(":TRACe:TSTamp:FORMat", lambda text: setattr(trace, "delta", formats(text) == "DELT"))
    table.query(":TRACe:TSTamp:FORMat", lambda: "DELT" if trace.delta else "ABS")
    table.query(":TRACe:DATA", partial(data, unit), measurement=True)


def free(unit: Electrometer) -> str:
    """Bytes free and bytes reserved for readings; how many a reading takes is assumed."""
    bytes_each, reserved = 20, int(unit.buffer.points)
    return f"{(unit.kind.buffer_size - reserved) * bytes_each},{reserved * bytes_each}"


def extra_elements(table: Table, unit: Electrometer) -> None:
    """What a 6517 can store beside a reading, and storing before a trigger, which is only remembered."""
    trace = unit.buffer
    words = Word(("TSTamp", "HUMidity", "CHANnel", "ETEMperature", "VSOurce", "NONE"))

    def keep(*names: str) -> None:
        trace.elements = frozenset(words(name) for name in names) - {"NONE"}

    table.take(":TRACe:ELEMents", keep, 1, ANY)
    table.query(":TRACe:ELEMents", lambda: ",".join(sorted(trace.elements)) or "NONE")
    table.stored(":TRACe:POINts:AUTO", False, boolean, show_bool)
    pre, size = ":TRACe:FEED:PRETrigger", unit.kind.buffer_size
    table.stored(f"{pre}:AMOunt[:PERCent]", 50.0, Number(0, 100, 50), show_number)
    table.stored(f"{pre}:AMOunt:READings", 50, Count(0, size, 50), show_count)
    table.stored(f"{pre}:SOURce", "MAN", Word(("TLINk", "BUS", "MANual", "EXTernal")), str)


def clear(unit: Electrometer) -> None:
    """Empty the buffer and its status bits."""
    unit.buffer.stored.clear()
    for name in BUFFER_BITS:
        unit.status.measurement.hold(unit.kind.measurement_bits.get(name, 0), False)


def control(unit: Electrometer, word: str) -> None:
    """NEXT and PRETrigger begin with an empty buffer; storing before a trigger event is not simulated."""
    unit.buffer.control = word
    if word in ("NEXT", "PRET"):
        clear(unit)


def data(unit: Electrometer) -> str:
    """All stored readings. Raises ScpiError +313 unless the extra elements of format and buffer are the same (6517),
    -230 when nothing is stored.
    """
    extra = unit.elements & unit.kind.stored_elements
    if unit.kind.stored_elements and extra != unit.buffer.elements:
        raise ScpiError(313)
    if not unit.buffer.stored:
        raise ScpiError(-230)
    return unit.listing()
