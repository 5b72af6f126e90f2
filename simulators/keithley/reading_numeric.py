"""Readings as plain numbers, the way the 6514, 6485, 6487 and 6430 print them: ``%+.6E``, comma separated.

From captured lines and the pages on FORMat:ELEMents of their manuals; the status bits of the 6485, 6487 and 6514 are
those of the family.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from simulators.keithley.conversion import Conversion

OVERFLOW = "+9.9E37"
OHMS_IN_COMPLIANCE, IN_COMPLIANCE_V = -9.9e36, -999.0
STAMP_WRAPS_S = 99999.99
STATUS_BITS = {
    "overflow": 0, "filter": 1, "math": 2, "null": 3, "limits": 4, "low1": 5, "high1": 5, "low2": 6, "high2": 6,
    "zero check": 9, "zero correct": 10,
}  # fmt: skip
Show = Callable[[Conversion, frozenset[str], bool], str]
Field = Callable[[Conversion], str]


def number(value: float) -> str:
    """A value in the function's SI unit as ``+1.234567E-09``."""
    return f"{value:+.6E}"


def measured(conversion: Conversion) -> str:
    """The reading, the overflow value, or what ohms read while the source was in compliance (6487 manual, p. 13-7)."""
    if conversion.function == "RES" and "compliance" in conversion.marks:
        return number(OHMS_IN_COMPLIANCE)
    return OVERFLOW if conversion.status == "O" else number(conversion.shown)


def seconds(conversion: Conversion) -> str:
    """The time stamp, which begins again at 0 behind 99999.99 s."""
    return number(conversion.time_s % STAMP_WRAPS_S)


def status_word(bits: Mapping[str, int]) -> Field:
    """The status word: an integer printed as a number, with the bit of every mark that is set."""

    def word(conversion: Conversion) -> str:
        return number(sum(1 << bit for bit in {bits[mark] for mark in conversion.marks if mark in bits}))

    return word


def volts(conversion: Conversion) -> str:
    """The voltage source of a 6487, with four decimals as its manual prints it; -999 in compliance (p. 13-7)."""
    return f"{IN_COMPLIANCE_V:+.4f}" if "compliance" in conversion.marks else f"{conversion.source:+.4f}"


def fields(parts: Mapping[str, Field], *, unit: bool = False) -> Show:
    """Prints the chosen elements in the order of ``parts``; with ``unit`` the unit follows the reading without a
    comma.
    """

    def show(conversion: Conversion, elements: frozenset[str], _real_time: bool) -> str:
        texts = [part(conversion) for name, part in parts.items() if name in elements]
        if unit and "UNIT" in elements:
            texts[:1] = [texts[0] + conversion.unit] if "READ" in elements else [conversion.unit, *texts[:1]]
        return ",".join(texts)

    return show


def sentinels(reply: bytes) -> list[bytes]:
    """Overflow, NaN as both manuals have it, the word NAN, minus zero, decimal comma; the rest stays as it was."""
    found = re.match(rb"[+-][\d.]+E[+-]\d+", reply)
    end = found.end() if found else 0
    first, rest = reply[:end], reply[end:]
    return [
        b"+9.9E37" + rest,
        b"+9.91E37" + rest,
        b"NAN" + rest,
        b"-0.000000E+00" + rest,
        first.replace(b".", b",") + rest,
    ]
