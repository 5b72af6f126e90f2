"""Numbers and moments that come from outside (files, messages, the command line), in ASCII and in no other form.

int(), float() and datetime.fromisoformat() take more than anybody means: underscores, digits of other scripts, "nan", a
date without a time, any sign between the two. The drivers have functions of their own, since they know nothing of the
daemon.
"""

from __future__ import annotations

import math
import re
from datetime import datetime

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?")
_CLOCK = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
_MOMENT = re.compile(_CLOCK + r"(?:Z|[+-][0-9]{2}:[0-9]{2})")
_ANY_CLOCK = re.compile(_CLOCK + r"(?:Z|[+-][0-9]{2}:[0-9]{2})?")
FIRST_YEAR, LAST_YEAR = 1900, 2199  # further out, arithmetic with time zones leaves what a datetime can hold


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


def moment(text: str) -> datetime:
    """A moment of ISO 8601 with its offset from UTC: 2027-02-05T10:31:00+01:00. Raises ValueError."""
    return _read(_MOMENT, text, "a moment with its offset, such as 2027-02-05T10:31:00+01:00")


def clock(text: str) -> datetime:
    """A time of ISO 8601, with its offset or, of a reader's clock, without one. Raises ValueError."""
    return _read(_ANY_CLOCK, text, "a time such as 2027-02-05T10:31:00")


def _read(pattern: re.Pattern[str], text: str, what: str) -> datetime:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text[:40]!a} is not {what}")
    found = datetime.fromisoformat(text)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"the year {found.year} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return found
