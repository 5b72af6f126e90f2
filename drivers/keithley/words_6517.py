"""The 6517A/B's reading string, pure: reply bytes in, facts out.

Sources: 6517B reference manual (6517B-901-01 Rev C) for commands, status letters and special values; captured lines of
real instruments for the shape of a reading. The element order of a reply is fixed whatever order was asked for.

A reply has no check sum. What it says twice is held against itself: its exponent and the place of its point tell the
range, a range reaches 105 % of its full scale (specification of the 6517B), and beyond that it says overflow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from drivers.errors import Garbled
from drivers.keithley.parsed import SENTINEL, SENTINEL_NAN, Parsed
from drivers.reading import Flag
from drivers.strict_numbers import clock, decimal, whole

# Suffix after the number: VDC, ADC and COUL from captures; OHM by analogy (not captured).
UNITS: dict[str, tuple[str, str]] = {
    "COUL": ("charge", "C"),
    "ADC": ("current", "A"),
    "VDC": ("voltage", "V"),
    "OHM": ("resistance", "Ohm"),
}
# Status letters, reference manual section 13.
STATUS = {
    "N": (),
    "O": (Flag.OVERLOAD,),
    "U": (Flag.UNDERLOAD,),
    "Z": (Flag.ZERO_CHECK,),
    "R": (Flag.RELATIVE,),
    "L": (Flag.OUT_OF_LIMIT,),
}
VALUELESS = {"O", "U", "Z", "L"}
ELEMENTS = "READ,TST,STAT,UNIT,RNUM"
# Exponents of a function's ranges: 2 nC to 2 uC, 20 pA to 20 mA, 2 to 200 V (6517B specification).
EXPONENTS = {"C": (-9, -6), "A": (-12, -9, -6, -3), "V": (0,)}
LARGEST = {"C": 2e-6, "A": 2e-2, "V": 200.0}  # full scale of the largest of them
OVER = 1.05  # of the full scale, 2 in the range's first digit

_NUMBER = r"[+-]?(?:\d{1,40}\.\d{0,40}|\.?\d{1,40})(?:[eE][+-]?\d{1,2})?"
# A sign and seven digits in every captured reading: one digit lost on the line is noticed by it.
_SEVEN = re.compile(r"[+-](?=[\d.]{8}E)\d+\.\d+E[+-]\d{2}")
_READING = re.compile(rf"({_NUMBER})(?:([A-Z])(VDC|ADC|OHM|COUL))?")
_RELATIVE = re.compile(r"([+-]\d{7}\.\d{6})secs")
_RTC_TIME = re.compile(r"\d{2}:\d{2}:\d{2}\.\d{2}")
_RTC_DATE = re.compile(r"\d{2}-[A-Z][a-z]{2}-\d{4}")
_RNUM = re.compile(r"([+-]\d{5,9})RDNG#")
_AMBIENT = re.compile(r"([+-]?\d{1,4}\.\d{1,3})\D{0,12}")
# what it reads without a sensor, and what the sensor reaches (6517B specification: -25 to 150 degrees, 0 to 100 %)
AMBIENT = {"temperature": (9999.99, -25.0, 150.0), "humidity": (999.99, 0.0, 100.0)}
_VSRC = re.compile(r"([+-]\d{4}\.\d{3})Vsrc")


def parse_reading(line: bytes, ambient: Sequence[str] = ()) -> Parsed:
    """One reading with its elements. ambient: "temperature" and "humidity", where they were asked for, in that order.

    Raises Garbled for anything that is not exactly of the captured shapes.
    """
    try:
        first, *rest = line.decode("ascii").split(",")
    except UnicodeDecodeError as error:
        raise Garbled("A reading is not ASCII text.", line) from error
    found = _READING.fullmatch(first.strip())
    if found is None:
        raise Garbled("A reading does not begin with a number and its unit.", line)
    quantity, unit = UNITS[found[3]] if found[3] else (None, None)
    value, flags = _value(found[1], found[2] or "N", line)
    full_scale = None if value is None else _full_scale(found[1], found[2] or "N", unit, line)
    elements = _elements(rest, line, list(ambient))
    return Parsed(value, quantity, unit, flags, full_scale=full_scale, **elements)  # type: ignore[arg-type]  # its fields


def require_elements(parsed: Parsed, line: bytes) -> None:
    """All elements of ELEMENTS must be there: what was asked for and did not come was cut off. Raises Garbled."""
    stamped = parsed.elapsed_s is not None or parsed.clock is not None
    if parsed.quantity is None or not stamped or parsed.reading_number is None:
        raise Garbled("An element of the reading is missing.", line)


def _value(text: str, status: str, line: bytes) -> tuple[float | None, tuple[Flag, ...]]:
    if status not in STATUS:
        raise Garbled(f"The status letter {status!r} is not known; known are {', '.join(STATUS)}.", line)
    flags, number = STATUS[status], _number(text, line)
    if status in VALUELESS:
        return None, flags
    if abs(number) >= SENTINEL:
        zero_check = math.isclose(abs(number), SENTINEL_NAN, rel_tol=1e-4)
        return None, (*flags, Flag.ZERO_CHECK if zero_check else Flag.OVERLOAD)
    if not _SEVEN.fullmatch(text):
        raise Garbled(f"'{text}' is not a sign and seven digits.", line)
    return number or 0.0, flags  # minus zero is zero


def _number(text: str, line: bytes) -> float:
    try:
        return decimal(text)
    except ValueError as error:
        raise Garbled(f"'{text[:40]}' is no number of this instrument.", line) from error


def _full_scale(text: str, status: str, unit: str | None, line: bytes) -> float:
    """Full scale of the range that a number's form tells. Raises Garbled where no range is written so, or reaches it.

    Three digits before the point and E-09 are the 200 nC range. With fewer digits set than 6 1/2 zeros are put before
    the number, and the range looks larger than it is. With a reference taken off (R) a number may be twice as large.
    """
    mantissa, _, exponent = text.partition("E")
    power, places = whole(exponent), mantissa.index(".") - 1
    if power % 3 or power not in EXPONENTS.get(unit or "", (power,)):
        raise Garbled(f"'{text}' has an exponent that no range of the instrument has.", line)
    most = OVER * (2 if status == "R" else 1)  # of a full scale
    if unit in EXPONENTS and abs(decimal(mantissa)) > 2 * 10.0 ** (places - 1) * most:
        raise Garbled(f"'{text}' is over 105 % of its range: no such reading can be.", line)
    if abs(decimal(text)) > LARGEST.get(unit or "", math.inf) * most * (1 + 1e-9):
        raise Garbled(f"'{text}' is beyond every range of the instrument.", line)
    return 2 * 10.0 ** (power + places - 1)


def _elements(fields: list[str], line: bytes, ambient: list[str]) -> dict[str, object]:
    """Time stamp, reading number and source after the reading, each once; what is not known is kept as text.

    Temperature and humidity are known by their place, for no document prints what stands behind their numbers.
    """
    found: list[tuple[str, object]] = []
    others, beside = [], []
    waiting = [each.strip() for each in fields]
    while waiting:
        text = waiting.pop(0)
        if m := _RELATIVE.fullmatch(text):
            found.append(("elapsed_s", decimal(m[1])))
        elif _RTC_TIME.fullmatch(text) and waiting and _RTC_DATE.fullmatch(waiting[0]):
            found.append(("clock", _clock(f"{waiting.pop(0)} {text}", line)))
        elif m := _RNUM.fullmatch(text):
            found.append(("reading_number", whole(m[1])))
        elif m := _VSRC.fullmatch(text):
            found.append(("source_v", decimal(m[1])))
        elif ambient and (m := _AMBIENT.fullmatch(text)):
            beside.append((name := ambient.pop(0), _ambient(name, decimal(m[1]), line)))
        elif _READING.fullmatch(text):
            raise Garbled("Two readings in one reply.", line)
        else:
            others.append(text)
    if len(dict(found)) < len(found):
        raise Garbled("An element of the reading stands twice.", line)
    if ambient:
        raise Garbled(f"The {ambient[0]} is missing from the reading.", line)
    return dict(found) | {"others": tuple(others), "ambient": tuple(beside)}


def _ambient(name: str, value: float, line: bytes) -> float | None:
    """None where the sensor is switched off or absent (6517B manual, FORMat:ELEMents). Raises Garbled beyond it."""
    absent, low, high = AMBIENT[name]
    if value == absent:
        return None
    if not low <= value <= high:
        raise Garbled(f"A {name} of {value:g} is none that the instrument's sensor can tell.", line)
    return value


def _clock(text: str, line: bytes) -> str:
    try:
        return clock(text, "%d-%b-%Y %H:%M:%S.%f")
    except ValueError as error:
        raise Garbled(f"'{text}' is no date and time.", line) from error
