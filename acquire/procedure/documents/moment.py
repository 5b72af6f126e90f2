"""Moments as people state them: with the offset of the clock they were read from, and never in the future."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from acquire import strict_numbers
from acquire.canonical import utc_now
from acquire.errors import Refused

CLOCKS_DIFFER = timedelta(minutes=15)
FIRST_ZONE = timedelta(hours=14)  # where a day begins first


def needs_offset(moment: str) -> None:
    """Raises Refused for what is no moment of ISO 8601 with its offset from UTC."""
    try:
        strict_numbers.moment(moment)
    except ValueError as error:
        raise Refused(f"'{moment}' is no moment with an offset; write it as 2027-02-05T10:31:00+01:00.") from error


def has_happened(moment: str) -> None:
    """Raises Refused for what is no moment with an offset, and for one in the future."""
    needs_offset(moment)
    if in_future(datetime.fromisoformat(moment)):
        raise Refused(f"{moment} lies in the future; say what has happened when it has.")


def in_future(moment: datetime) -> bool:
    """Whether a moment has not come yet, by this host's clock and as far as clocks set by hand may differ."""
    return moment > datetime.fromisoformat(utc_now()) + CLOCKS_DIFFER


def day_in_future(day: date) -> bool:
    """Whether a day has begun nowhere yet."""
    return day > (datetime.fromisoformat(utc_now()) + FIRST_ZONE).date()
