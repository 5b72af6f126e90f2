"""``:CALCulate`` of the simulated electrometers: math, null, limits, statistics of the buffer.

Headers are those of the manuals' command summaries (for the 6517: reference manual, section 14).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from simulators.keithley.calculate import Limit, statistic
from simulators.keithley.electrometer import NEVER_BY_ITSELF, Electrometer
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
from simulators.scpi.table import Table

FACTOR = Number(-9.99999e30, 9.99999e30, 1)
LIMIT = Number(-9.999999e35, 9.999999e35, 1)
STATISTICS = ("NONE", "MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK")


def math(table: Table, unit: Electrometer, forms: Sequence[str], factors: Mapping[str, str]) -> None:
    """``:CALCulate[1]``: what is done with a reading before ``:FETCh?`` gives it; ``factors`` maps nodes to names."""
    calculation = unit.meter.calculations.math
    header = ":CALCulate[1]"
    table.attribute(f"{header}:FORMat", calculation, "form", Word(forms), str)
    table.attribute(f"{header}:STATe", calculation, "on", boolean, show_bool)
    for node, name in factors.items():
        one_factor(table, unit, f"{header}:KMATh:{node}", name)
    table.ignored(f"{header}:IMMediate")
    table.waiting_query(f"{header}:DATA[:LATest]", partial(shown, unit))


def one_factor(table: Table, unit: Electrometer, header: str, name: str) -> None:
    """One number that the math uses."""
    factors = unit.meter.calculations.math.factors

    def put(text: str) -> None:
        factors[name] = FACTOR(text)

    table.take(header, put)
    table.asked(header, lambda: factors[name], FACTOR, show_number)


async def shown(unit: Electrometer) -> str:
    """The newest result. Raises ScpiError -230 when there is none."""
    if unit.trigger.latest is None:
        raise ScpiError(-230)
    return unit.show(unit.trigger.latest)


async def fresh_result(unit: Electrometer) -> str:
    """A result that was not given out before, else the next one.

    Raises ScpiError -230 when none will come by itself.
    """
    while not unit.trigger.fresh:
        if unit.trigger.idle or unit.trigger.awaited in NEVER_BY_ITSELF:
            raise ScpiError(-230)
        await unit.next_event()
    unit.trigger.fresh = False
    return await shown(unit)


def fresh_math(table: Table, unit: Electrometer) -> None:
    """``:CALCulate:DATA:FRESh?`` of the 6517."""
    table.waiting_query(":CALCulate[1]:DATA:FRESh", partial(fresh_result, unit))


def statistics(table: Table, unit: Electrometer, header: str) -> None:
    """One figure of the buffer, which ``:DATA?`` gives; -230 when nothing is stored."""
    settings = {"form": "NONE"}
    words = Word(STATISTICS)
    table.take(f"{header}:FORMat", lambda text: settings.update(form=words(text)))
    table.query(f"{header}:FORMat", lambda: settings["form"])

    def figure() -> str:
        if not unit.buffer.stored:
            raise ScpiError(-230)
        return show_number(statistic(settings["form"], [c.shown for c in unit.buffer.stored]))

    table.query(f"{header}:DATA", figure)
    table.ignored(f"{header}:IMMediate")
    table.stored(f"{header}:STATe", False, boolean, show_bool)


def null(table: Table, unit: Electrometer) -> None:
    """``:CALCulate2:NULL``, the REL of the numeric models: ``:ACQuire`` takes the latest reading."""
    header, chosen = ":CALCulate2:NULL", unit.meter.calculations.null

    def acquire() -> None:
        if unit.trigger.latest is None:
            raise ScpiError(-230)
        chosen.offset = unit.trigger.latest.value

    table.act(f"{header}:ACQuire", acquire)
    table.attribute(f"{header}:OFFSet", chosen, "offset", LIMIT, show_number)
    table.attribute(f"{header}:STATe", chosen, "on", boolean, show_bool)
    table.stored(":CALCulate2:FEED", "SENS", Word(("SENSe", "SENSe1", "CALCulate1", "CALCulate")), str)
    table.waiting_query(":CALCulate2:DATA[:LATest]", partial(shown, unit))


def limits(table: Table, unit: Electrometer, header: str, passes: str) -> None:
    """Two limit tests; ``passes`` is what ``:FAIL?`` answers when the test is passed."""
    fails = {"1": "0", "0": "1"}[passes]
    tests = unit.meter.calculations.limits
    for node, limit in zip(("LIMit[1]", "LIMit2"), tests, strict=True):
        one_limit(table, f"{header}:{node}", limit, passes, fails)
    table.query(f"{header}:CLIMits:FAIL", lambda: fails if any(t.failed for t in tests) else passes)
    table.ignored(f"{header}:IMMediate")


def one_limit(table: Table, header: str, limit: Limit, passes: str, fails: str) -> None:
    """Bounds and outcome of one test; digital outputs are only remembered."""
    table.attribute(f"{header}:STATe", limit, "on", boolean, show_bool)
    for node, name in (("UPPer", "upper"), ("LOWer", "lower")):
        table.attribute(f"{header}:{node}[:DATA]", limit, name, LIMIT, show_number)
        table.stored(f"{header}:{node}:SOURce", 0, Count(0, 15, 0), show_count)
    table.query(f"{header}:FAIL", lambda: fails if limit.failed else passes)
    table.act(f"{header}:CLEar[:IMMediate]", lambda: setattr(limit, "failed", False))
    table.attribute(f"{header}:CLEar:AUTO", limit, "auto_clear", boolean, show_bool)


def units(table: Table) -> None:
    """The text a math result is shown with, only remembered."""
    table.stored(":CALCulate[1]:KMATh:MUNits", "X", quoted, lambda text: f'"{text}"')


def names_of(factors: Sequence[str]) -> dict[str, str]:
    """Nodes of the manual and the short names that the math uses."""
    return {node: short_form(node) for node in factors}
