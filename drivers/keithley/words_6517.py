"""The 6517A/B's reading string, pure: reply bytes in, facts out.

Sources: 6517B reference manual (6517B-901-01 Rev C) for commands, status letters and special values; captured lines of
real instruments for the shape of a reading. The element order of a reply is fixed whatever order was asked for.
"""

from __future__ import annotations

import math
import re
from datetime import datetime

from drivers.errors import Garbled
from drivers.keithley.parsed import SENTINEL, SENTINEL_NAN, Parsed
from drivers.reading import Flag

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

_NUMBER = r"[+-]?(?:\d+\.\d*|\.?\d+)(?:[eE][+-]?\d{1,2})?"
# A sign and seven digits in every captured reading: one digit lost on the line is noticed by it.
_SEVEN = re.compile(r"[+-](?=[\d.]{8}E)\d+\.\d+E[+-]\d{2}")
_READING = re.compile(rf"({_NUMBER})(?:([A-Z])(VDC|ADC|OHM|COUL))?")
_RELATIVE = re.compile(r"([+-]\d{7}\.\d{6})secs")
_RTC_TIME = re.compile(r"\d{2}:\d{2}:\d{2}\.\d{2}")
_RTC_DATE = re.compile(r"\d{2}-[A-Z][a-z]{2}-\d{4}")
_RNUM = re.compile(r"([+-]\d{5,})RDNG#")
_VSRC = re.compile(r"([+-]\d{4}\.\d{3})Vsrc")


def parse_reading(line: bytes) -> Parsed:
    """One reading with its elements. Raises Garbled for anything that is not exactly of the captured shapes."""
    try:
        first, *rest = line.decode("ascii").split(",")
    except UnicodeDecodeError as error:
        raise Garbled("A reading is not ASCII text.", line) from error
    found = _READING.fullmatch(first.strip())
    if found is None:
        raise Garbled("A reading does not begin with a number and its unit.", line)
    quantity, unit = UNITS[found[3]] if found[3] else (None, None)
    value, flags = _value(found[1], found[2] or "N", line)
    return Parsed(value, quantity, unit, flags, **_elements(rest, line))  # type: ignore[arg-type]  # keys are its fields


def require_elements(parsed: Parsed, line: bytes) -> None:
    """All elements of ELEMENTS must be there: what was asked for and did not come was cut off. Raises Garbled."""
    stamped = parsed.elapsed_s is not None or parsed.clock is not None
    if parsed.quantity is None or not stamped or parsed.reading_number is None:
        raise Garbled("An element of the reading is missing.", line)


def _value(text: str, status: str, line: bytes) -> tuple[float | None, tuple[Flag, ...]]:
    if status not in STATUS:
        raise Garbled(f"The status letter {status!r} is not known; known are {', '.join(STATUS)}.", line)
    flags, number = STATUS[status], float(text)
    if status in VALUELESS:
        return None, flags
    if abs(number) >= SENTINEL:
        zero_check = math.isclose(abs(number), SENTINEL_NAN, rel_tol=1e-4)
        return None, (*flags, Flag.ZERO_CHECK if zero_check else Flag.OVERLOAD)
    if not _SEVEN.fullmatch(text):
        raise Garbled(f"'{text}' is not a sign and seven digits.", line)
    return number or 0.0, flags  # minus zero is zero


def _elements(fields: list[str], line: bytes) -> dict[str, object]:
    """Time stamp, reading number and source after the reading; what is not known is kept as text."""
    found: dict[str, object] = {}
    others = []
    waiting = [each.strip() for each in fields]
    while waiting:
        text = waiting.pop(0)
        if m := _RELATIVE.fullmatch(text):
            found["elapsed_s"] = float(m[1])
        elif _RTC_TIME.fullmatch(text) and waiting and _RTC_DATE.fullmatch(waiting[0]):
            found["clock"] = _clock(f"{waiting.pop(0)} {text}", line)
        elif m := _RNUM.fullmatch(text):
            found["reading_number"] = int(m[1])
        elif m := _VSRC.fullmatch(text):
            found["source_v"] = float(m[1])
        elif _READING.fullmatch(text):
            raise Garbled("Two readings in one reply.", line)
        else:
            others.append(text)
    if others:
        found["others"] = tuple(others)
    return found


def _clock(text: str, line: bytes) -> str:
    try:
        return datetime.strptime(text, "%d-%b-%Y %H:%M:%S.%f").isoformat()
    except ValueError as error:
        raise Garbled(f"'{text}' is no date and time.", line) from error
