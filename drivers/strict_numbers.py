"""Numbers and moments as instruments and files write them, in ASCII and in no other form.

int() and float() take more than any instrument writes: underscores, digits of other scripts, blanks, "nan", and as many
digits as there is room for. Outside text goes through these.
"""

from __future__ import annotations

import math
import re
from datetime import datetime

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
FIRST_YEAR, LAST_YEAR = 1970, 2199  # a clock that was never set stands at its epoch; none of these is older


def whole(text: str) -> int:
    """A whole number of at most 18 digits. Raises ValueError."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text[:40]!a} is no whole number")
    return int(text)


def decimal(text: str) -> float:
    """A finite number, with a decimal point and an exponent or without. Raises ValueError."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text[:40]!a} is no number")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!a} is no finite number")
    return value


def hexadecimal(text: str) -> int:
    """0x and at most eight digits. Raises ValueError."""
    if not re.fullmatch(r"0x[0-9A-Fa-f]{1,8}", text):
        raise ValueError(f"{text[:40]!a} is no hexadecimal number")
    return int(text, 16)


def clock(text: str, form: str) -> str:
    """The time of a clock without a zone, written as `form` (strptime) has it, in ISO 8601. Raises ValueError."""
    if not text.isascii():
        raise ValueError(f"{text[:40]!a} is no date and time")
    found = datetime.strptime(text, form)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"the year {found.year} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return found.isoformat()


def iso_clock(text: str) -> str | None:
    """The time of a clock that is written in ISO 8601 to the second or finer, without a zone, in a year that can be;
    else None."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?", text, re.ASCII):
        return None
    try:
        year = datetime.fromisoformat(text).year
    except ValueError:
        return None
    return text if FIRST_YEAR <= year <= LAST_YEAR else None
