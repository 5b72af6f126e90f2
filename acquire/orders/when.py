"""Moments as orders state them: with an offset, or by the site's clock where the configuration names its time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from acquire import strict_numbers
from acquire.strict_numbers import LAST_YEAR

_V2 = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\.\d{1,4})?([+-]\d{4})?")
_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")
NO_ZONE = "it has no offset, and the configuration names no time zone ([orders] time_zone)"


class NoMoment(ValueError):
    """A text that is no moment that can be held against others; why, as the end of a sentence."""


def moment(text: str, zone: tzinfo | None) -> datetime:
    """A FHIR dateTime with a time of day. Raises NoMoment.

    Of an hour that the clock shows twice the later one counts: a late order stays late.
    """
    if _PARTIAL.fullmatch(text):
        raise NoMoment("it has no time of day with zone; write for example 2026-02-02T16:05:00-05:00")
    try:
        return placed(strict_numbers.clock(text), zone)
    except NoMoment:
        raise
    except ValueError as error:
        why = "it lies in the future" if text[:4].isdecimal() and int(text[:4]) > LAST_YEAR else "it is no moment"
        raise NoMoment(f"{why}; write for example 2026-02-02T16:05:00-05:00") from error


def v2_moment(text: str, zone: tzinfo | None) -> datetime:
    """A time stamp of HL7 v2, YYYYMMDDHHMM at least, as 20260302081000-0500. Raises NoMoment."""
    found = _V2.fullmatch(text.strip())
    if found is None or found[5] is None:
        raise NoMoment("it has no time of day; it is written as 20260302081000-0500")
    seconds, fraction = found[6] or "00", (found[7] or ".0")
    offset = f"{found[8][:3]}:{found[8][3:]}" if found[8] else ""
    written = f"{found[1]}-{found[2]}-{found[3]}T{found[4]}:{found[5]}:{seconds}{fraction}{offset}"
    return moment(written, zone)


def v2_zone(text: str) -> tzinfo | None:
    """The offset that a time stamp of HL7 v2 ends with; None where it states none, or one that no place has."""
    found = _V2.fullmatch(text.strip())
    try:
        return datetime.strptime(found[8], "%z").tzinfo if found is not None and found[8] else None
    except ValueError:
        return None


def placed(clock: datetime, zone: tzinfo | None) -> datetime:
    """A time with its offset, or that of the site's clock. Raises NoMoment where neither is known."""
    if clock.tzinfo is not None:
        return clock
    if zone is None:
        raise NoMoment(NO_ZONE)
    later = max(clock.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return datetime.fromisoformat(later.astimezone(zone).isoformat())


def span(text: str, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """The first and the last moment that a FHIR dateTime may mean: a year, a month or a day, wherever it is that day.

    Raises NoMoment.
    """
    found = _PARTIAL.fullmatch(text)
    if found is None:
        return (at := moment(text, zone)), at
    year, month, day = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    try:
        first = datetime(year, month or 1, day or 1, tzinfo=UTC)
    except ValueError as error:
        raise NoMoment("there is no such day") from error
    if day:
        after = first + timedelta(days=1)
    elif month:
        after = (first + timedelta(days=31)).replace(day=1)
    else:
        after = first.replace(year=year + 1)
    return first - timedelta(hours=14), after + timedelta(hours=12)
