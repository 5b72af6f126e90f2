"""Reading strings of the 6514, 6485, 6487 and 6430, pure: numbers in a fixed order, the last of them a status word.

Sources: 6514, 6485 and 6487 instruction manuals (data format; status word); captured replies of a real 6514, 6485 and
6487; 6430 manual (data elements). The 6430's status bits are those of the 2400 class, to which it belongs (assumed).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drivers.errors import Garbled
from drivers.keithley.parsed import SENTINEL, Parsed
from drivers.reading import Flag
from drivers.strict_numbers import decimal

_PLAIN = re.compile(r"[+-]\d\.\d{6}E[+-]\d{2}")
_SENTINEL = re.compile(r"[+-]9\.9(1?)0*E\+?37")  # 9.9E37 overflow, 9.91E37 not a number
_SOURCE = re.compile(r"[+-]\d{4}\.\d{3}|[+-]\d{1,9}\.\d{4}")
UNITS = {
    "A": ("current", "A"), "V": ("voltage", "V"), "C": ("charge", "C"), "OHM": ("resistance", "Ohm"),
    "OHMS": ("resistance", "Ohm"),  # of the 6487 (its manual, p. 13-7)
}  # fmt: skip
FUNCTIONS = {"current": "CURR", "voltage": "VOLT", "resistance": "RES"}  # elements of their own on the 6430
IN_COMPLIANCE = -9.9e36  # ohms of a 6487 while its voltage source was in compliance (6487 manual, p. 13-7)
MOST_STATUS = 2**24
NOTHING: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class StatusBits:
    """What the bits of a status word mean: flags, and those that say nothing of a doubt."""

    flags: Mapping[int, Flag]
    plain: frozenset[int]

    def read(self, word: int) -> tuple[Flag, ...]:
        """The flags of a word; a bit that no document explains is a doubt by itself."""
        bits = [bit for bit in range(24) if word >> bit & 1]
        found = [self.flags[bit] for bit in bits if bit in self.flags]
        if any(bit not in self.flags and bit not in self.plain for bit in bits):
            found.append(Flag.UNKNOWN_STATUS)
        return tuple(dict.fromkeys(found))


# 0 overflow, 1 filter, 2 math, 3 REL, 4 limits on, 5 and 6 their results, 7 overvoltage, 9 zero check, 10 zero correct
PICOAMMETER = StatusBits(
    {0: Flag.OVERLOAD, 2: Flag.CHANGED_BY_HAND, 3: Flag.RELATIVE, 7: Flag.OVERLOAD, 9: Flag.ZERO_CHECK},
    frozenset({1, 4, 5, 6, 10}),
)
# 0 overflow, 1 filter, 3 compliance, 5 math, 6 REL, 16 range compliance; the others say how it is set
SOURCE_METER = StatusBits(
    {0: Flag.OVERLOAD, 3: Flag.OUT_OF_LIMIT, 5: Flag.CHANGED_BY_HAND, 6: Flag.RELATIVE, 16: Flag.OUT_OF_LIMIT},
    frozenset({1, 2, 4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23}),
)


def parse_numbers(
    line: bytes, elements: Sequence[str], quantity: str, bits: StatusBits, largest: Mapping[str, float] = NOTHING
) -> Parsed:
    """One reading: `elements` as :FORM:ELEM has them (READ, UNIT, CURR, VOLT, RES, CHAR, TIME, STAT, VSO), in order.

    UNIT stands in the text of READ, directly behind the number. `largest`: what the model's largest range reaches, by
    quantity; twice as much where a reference is taken off. Raises Garbled for anything else.
    """
    try:
        fields = line.decode("ascii").split(",")
    except UnicodeDecodeError as error:
        raise Garbled("A reading is not ASCII text.", line) from error
    names = [each for each in elements if each != "UNIT"]
    if len(fields) != len(names):
        raise Garbled(f"{len(fields)} elements came where {len(names)} were asked for ({', '.join(names)}).", line)
    by_name = dict(zip(names, (each.strip() for each in fields), strict=True))
    stated, unit = None, None
    if "UNIT" in elements:
        by_name["READ"], (stated, unit) = _without_unit(by_name["READ"], line)
    flags = bits.read(_status(by_name["STAT"], line))
    for each in FUNCTIONS.values():
        if each in by_name:
            _value(by_name[each], (), line)  # one that is not of its form spoils the others too
    text = by_name["READ" if "READ" in by_name else FUNCTIONS[quantity]]
    value, own = _value(text, flags, line)
    most = largest.get(stated or quantity, math.inf) * (2 if Flag.RELATIVE in own else 1)
    if value is not None and abs(value) > most * (1 + 1e-9):
        raise Garbled(f"'{text}' is beyond every range of {stated or quantity}.", line)
    return Parsed(
        value,
        stated,
        unit,
        own,
        elapsed_s=_number(by_name["TIME"], line),
        source_v=_source(by_name, line),
    )


def _without_unit(text: str, line: bytes) -> tuple[str, tuple[str, str]]:
    for unit, said in UNITS.items():  # none is the end of another
        if text.endswith(unit):
            return text.removesuffix(unit), said
    raise Garbled(f"The reading '{text}' has no unit that is known; known are {', '.join(UNITS)}.", line)


def _value(text: str, flags: tuple[Flag, ...], line: bytes) -> tuple[float | None, tuple[Flag, ...]]:
    if found := _SENTINEL.fullmatch(text):
        return None, tuple(dict.fromkeys((*flags, Flag.NOT_A_NUMBER if found[1] else Flag.OVERLOAD)))
    number = _number(text, line)
    if number == IN_COMPLIANCE:
        return None, tuple(dict.fromkeys((*flags, Flag.HV_FAULT)))
    if abs(number) >= SENTINEL:
        raise Garbled(f"'{text}' is beyond every range.", line)
    if {Flag.OVERLOAD, Flag.ZERO_CHECK, Flag.OUT_OF_LIMIT}.intersection(flags):
        return None, flags
    return number or 0.0, flags  # minus zero is zero


def _status(text: str, line: bytes) -> int:
    number = _number(text, line)
    if not (number.is_integer() and 0 <= number < MOST_STATUS):
        raise Garbled(f"The status '{text}' is no word of 24 bits.", line)
    return int(number)


def _source(by_name: Mapping[str, str], line: bytes) -> float | None:
    text = by_name.get("VSO")
    if text is None:
        return None
    if not _SOURCE.fullmatch(text):
        raise Garbled(f"The source voltage '{text[:40]}' is not of its form.", line)
    return decimal(text)


def _number(text: str, line: bytes) -> float:
    if not _PLAIN.fullmatch(text):
        raise Garbled(f"'{text}' is not a sign, one digit, six decimals and an exponent.", line)
    return decimal(text)
