"""What the reader sends beside "ready", pure: counts after a measurement, and a temperature where one can be asked for.

Assumed: counts are whole decimal numbers with single blanks between them, as many as were asked for, on one line or
several. There is no check sum; a number too few or too many is what shows a damaged line.
"""

from __future__ import annotations

import re

from drivers.errors import Garbled
from drivers.risoe.words import Command, Framing, said_of
from drivers.strict_numbers import decimal

_COUNTS = re.compile(rb"(?:0|[1-9][0-9]{0,8})(?: (?:0|[1-9][0-9]{0,8}))*")
_TEMPERATURE = re.compile(rb"-?[0-9]{1,3}(?:\.[0-9]{1,2})?")
COLDEST_C, HOTTEST_C = -20.0, 720.0  # it heats to 700 Cel


def counts_of(framing: Framing, command: Command, reply: bytes) -> tuple[int, ...]:
    """The counts of a measurement, none for a command that gives none. Raises Declined, Garbled."""
    lines = said_of(framing, command.text, reply)
    if not command.points:
        if lines:
            raise Garbled(f"{command.text} gives no data, and something came.", reply)
        return ()
    if not lines or not all(_COUNTS.fullmatch(each) for each in lines):
        raise Garbled(f"The reply to {command.text} is not of counts with single blanks between them.", reply)
    found = tuple(int(each) for each in b" ".join(lines).split(b" "))
    if len(found) != command.points:
        raise Garbled(f"{command.text} asked for {command.points} counts and {len(found)} came.", reply)
    return found


def is_late(reply: bytes) -> bool:
    """Whether counts stand where none were asked for: those of an earlier command, which nobody waits for any more."""
    return _COUNTS.fullmatch(reply.partition(b"\n")[0]) is not None


def temperature_of(framing: Framing, query: str, reply: bytes) -> float:
    """A temperature in Cel. Raises Declined, Garbled."""
    lines = said_of(framing, query, reply)
    if len(lines) != 1 or not _TEMPERATURE.fullmatch(lines[0]):
        raise Garbled(f"The reply to {query} is not one temperature.", reply)
    value = decimal(lines[0].decode("ascii"))
    if not COLDEST_C <= value <= HOTTEST_C:
        raise Garbled(f"{query} gave {value:g} Cel, which this reader cannot have.", reply)
    return value
