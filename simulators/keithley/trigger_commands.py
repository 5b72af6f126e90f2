"""The trigger model of the simulated electrometers: initiate, abort, arm and trigger layers.

Headers are those of the manuals' command summaries (for the 6517: reference manual, section 14).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from simulators.keithley.electrometer import Electrometer
from simulators.keithley.trigger import Layer
from simulators.scpi.parameters import Count, Number, ScpiError, Word, boolean, show_bool, show_count, show_number
from simulators.scpi.table import Table


def initiation(table: Table, unit: Electrometer) -> None:
    """``:INITiate``, ``:ABORt`` and the bus trigger."""
    table.act(":INITiate[:IMMediate]", partial(initiate, unit))
    table.act(":ABORt", lambda: unit.trigger.abort(unit.clock.now()))
    table.act("*TRG", partial(bus_trigger, unit))


def continuity(table: Table, unit: Electrometer) -> None:
    """``:INITiate:CONTinuous`` and what ``*OPC`` makes of a measurement that goes on (6517B manual, page 231).

    Assumed: the flag is INCLude after ``*RST``, and nothing is pending before the first INIT.
    """
    table.take(":INITiate:CONTinuous", partial(continuous, unit))
    table.query(":INITiate:CONTinuous", lambda: show_bool(unit.trigger.continuous))
    unit.poflag_includes = True
    words = Word(("INCLude", "EXCLude"))
    table.take(":INITiate:POFLag", lambda text: setattr(unit, "poflag_includes", words(text) == "INCL"))
    table.query(":INITiate:POFLag", lambda: "INCL" if unit.poflag_includes else "EXCL")


def initiate(unit: Electrometer) -> None:
    """Leave idle. Raises ScpiError -213 when it already runs, as SCPI-1999 volume 2 asks of INITiate."""
    if not unit.trigger.idle:
        raise ScpiError(-213)
    unit.check_output()
    unit.trigger.initiate(unit.clock.now())
    unit.begin_operation()


def continuous(unit: Electrometer, text: str) -> None:
    """ON leaves idle and comes back to it for ever; OFF lets the conversion under way end."""
    if not boolean(text):
        if unit.trigger.continuous:
            unit.trigger.stop_after_this()
        return
    unit.trigger.continuous = True
    if unit.trigger.idle:
        unit.trigger.initiate(unit.clock.now())
    unit.begin_operation()


def bus_trigger(unit: Electrometer) -> None:
    """``*TRG``. Raises ScpiError -211 unless an initiated instrument waits for it."""
    unit.trigger.event("BUS", unit.clock.now())
    unit.begin_operation()


def source(table: Table, unit: Electrometer, header: str, layer: Layer, words: Sequence[str]) -> None:
    """What a layer waits for. IMMediate and TIMer come by themselves, the others by the back door ``trigger``."""

    def put(text: str) -> None:
        layer.source = Word(words)(text)
        begin_anew(unit)

    table.take(f"{header}:SOURce", put)
    table.query(f"{header}:SOURce", lambda: layer.source)


def count(table: Table, unit: Electrometer, header: str, layer: Layer, most: int) -> None:
    """How often a layer is passed."""
    passes = Count(1, most, 1, infinite=True)

    def put(text: str) -> None:
        layer.count = passes(text)
        begin_anew(unit)

    table.take(f"{header}:COUNt", put)
    table.asked(f"{header}:COUNt", lambda: layer.count, passes, show_count)


def begin_anew(unit: Electrometer) -> None:
    """A running trigger model enters its layers again after a change of them (assumed)."""
    if not unit.trigger.idle:
        unit.trigger.initiate(unit.clock.now())


def delay(table: Table, header: str, layer: Layer, most_s: float) -> None:
    """How long a layer waits after its event (s); the automatic delay is only remembered."""
    table.attribute(f"{header}:DELay", layer, "delay_s", Number(0, most_s, 0), show_number)
    table.stored(f"{header}:DELay:AUTO", False, boolean, show_bool)


def timer(table: Table, header: str, layer: Layer, most_s: float) -> None:
    """The interval of a layer's timer (s)."""
    table.attribute(f"{header}:TIMer", layer, "timer_s", Number(0.001, most_s, 0.1), show_number)


def link(
    table: Table, unit: Electrometer, header: str, layer: Layer, lines: Sequence[str] = ("ILINe", "OLINe")
) -> None:
    """The trigger link, which is only remembered, and ``:SIGNal``, which passes the layer that waits."""
    table.stored(f"{header}:TCONfigure:DIRection", "ACC", Word(("SOURce", "ACCeptor")), str)
    table.stored(f"{header}:TCONfigure:PROTocol", "ASYN", Word(("ASYNchronous", "SSYNchronous")), str)
    for line in lines:
        table.stored(f"{header}:TCONfigure[:ASYNchronous]:{line}", 1, Count(1, 6, 1), show_count)

    def signal() -> None:
        if unit.trigger.idle or unit.trigger.awaited != layer.source:
            raise ScpiError(-211)
        unit.trigger.event(layer.source, unit.clock.now())

    table.act(f"{header}:SIGNal", signal)
