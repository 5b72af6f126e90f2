"""Common commands, status registers and error queue, as every SCPI instrument has them (IEEE 488.2, SCPI-1999)."""

from __future__ import annotations

from simulators.scpi.instrument import ScpiInstrument
from simulators.scpi.parameters import Count, bracketed, show_count
from simulators.scpi.status import EVERY_BIT, Register
from simulators.scpi.table import Table

BYTE = Count(0, 255, 0)
BITS = Count(0, 65535, 0)


def enter(table: Table, unit: ScpiInstrument) -> None:
    """Enter all headers of this module."""
    common(table, unit)
    status(table, unit)


def common(table: Table, unit: ScpiInstrument) -> None:
    """The ``*`` commands but ``*TRG``."""
    table.query("*IDN", lambda: unit.idn)
    table.query("*OPT", lambda: "0")  # captured from a 6517A
    table.query("*TST", lambda: "0")
    table.query("*STB", lambda: str(unit.status.byte))
    table.query("*ESR", lambda: str(unit.status.take_esr()))
    table.attribute("*ESE", unit.status, "ese", BYTE, show_count, spoils=False)
    table.attribute("*SRE", unit.status, "sre", BYTE, show_count, spoils=False)
    table.act("*RST", unit.reset)
    table.act("*CLS", lambda: clear(unit))
    table.ignored("*SAV", Count(0, 9, 0))
    table.ignored("*RCL", Count(0, 9, 0))
    table.act("*OPC", unit.ask_completion)

    async def complete() -> str:
        await unit.operation_complete()
        return "1"

    table.waiting_query("*OPC", complete, measurement=False)
    table.waiting_act("*WAI", unit.operation_complete)


def clear(unit: ScpiInstrument) -> None:
    """``*CLS`` forgets events and errors, and a ``*OPC`` that still waits."""
    unit.status.clear()
    unit.completion_asked = False


def status(table: Table, unit: ScpiInstrument) -> None:
    """``:STATus`` and the error queue, which ``:SYSTem:ERRor?`` reads too."""
    table.act(":STATus:PRESet", unit.status.preset)
    table.query(":STATus:QUEue[:NEXT]", unit.status.next_error)
    table.query(":SYSTem:ERRor[:NEXT]", unit.status.next_error)
    table.act(":STATus:QUEue:CLEar", unit.status.queue.clear)
    table.act(":SYSTem:CLEar", unit.status.queue.clear)
    table.stored(":STATus:QUEue:ENABle", "(-440:+958)", bracketed, str)
    table.stored(":STATus:QUEue:DISable", "()", bracketed, str)
    for name, register in (
        ("MEASurement", unit.status.measurement),
        ("QUEStionable", unit.status.questionable),
        ("OPERation", unit.status.operation),
    ):
        one_register(table, f":STATus:{name}", register)


def one_register(table: Table, header: str, register: Register) -> None:
    """Condition, event, enable and transition filters of one register."""
    table.query(f"{header}[:EVENt]", lambda: str(register.take()))
    table.query(f"{header}:CONDition", lambda: str(register.condition))
    for node, attribute in (("ENABle", "enable"), ("PTRansition", "positive"), ("NTRansition", "negative")):
        table.attribute(f"{header}:{node}", register, attribute, some_bits, show_count, spoils=False)


def some_bits(text: str) -> int:
    """A register's bits; the highest does not exist."""
    return int(BITS(text)) & EVERY_BIT
