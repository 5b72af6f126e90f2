"""When a reader read an element: its own clock, in the zone the inventory names, or what two people state instead.

A file may be imported days after the readout: its arrival says nothing of fading. The clock is held between the
element's removal and the arrival of its reading.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from acquire import strict_numbers
from acquire.dosimetry import days_between
from acquire.procedure.documents.inventory import OwnedInstrument
from acquire.procedure.methods.collected_charge import Body, Invalid

CLOCKS_DIFFER = timedelta(minutes=15)  # a reader's clock and the host's are set by hand and by network
FARTHEST_ZONE = timedelta(hours=14)  # a clock without a zone may be that far from UTC
WAY_OUT = "where the clock is wrong or missing, two people state the time (acquire session read-at)"


def read_at(name: str, body: Body, reader: OwnedInstrument, stated: str | None) -> datetime:
    """The moment of a readout. Raises Invalid without a clock, or without the zone of one that names none."""
    if stated is not None:
        return datetime.fromisoformat(stated)
    clock = body.get("clock")
    if clock is None:
        raise Invalid(f"The reader states no time for its reading of {name}, and fading needs it; {WAY_OUT}.")
    try:
        at = strict_numbers.clock(clock)
    except ValueError as error:
        raise Invalid(f"The reader's clock says {error} for {name}; {WAY_OUT}.") from error
    if at.tzinfo is not None:
        return at
    if reader.clock_zone is None:
        raise Invalid(f"The inventory names no clock_zone of {reader.id}; without it its times say nothing of fading.")
    return at.replace(tzinfo=ZoneInfo(reader.clock_zone))


def days_since_removal(name: str, body: Body, removed: str, reader: OwnedInstrument, stated: str | None) -> float:
    """Days from an element's removal to its readout. Raises Invalid where the readout lies outside what can be."""
    at, gone, came = (
        read_at(name, body, reader, stated), datetime.fromisoformat(removed), datetime.fromisoformat(body["time"])
    )  # fmt: skip
    if at < gone:
        raise Invalid(
            f"{name} was read on {at:%Y-%m-%d %H:%M}, before it was removed on {gone:%Y-%m-%d %H:%M} UTC: an older"
            f" readout, or a wrong clock; {WAY_OUT}."
        )
    if at > came + CLOCKS_DIFFER:
        raise Invalid(
            f"{name} was read on {at:%Y-%m-%d %H:%M}, after its reading came in on {came:%Y-%m-%d %H:%M} UTC;"
            f" {WAY_OUT}."
        )
    return days_between(gone, at)


def looks_older(name: str, body: Body, removed: str, reader: OwnedInstrument) -> str | None:
    """A remark where the reader's clock puts the readout before the removal, whatever zone it may show."""
    clock = body.get("clock")
    if clock is None:
        return None
    try:
        at, gone = strict_numbers.clock(clock), datetime.fromisoformat(removed)
    except ValueError as error:
        return f"The clock of {reader.id} cannot be read ({error})."
    earliest = at.replace(tzinfo=gone.tzinfo) if at.tzinfo is None else at
    slack = FARTHEST_ZONE if at.tzinfo is None else CLOCKS_DIFFER
    if earliest + slack >= gone:
        return None
    return (
        f"The clock of {reader.id} says that {name} was read on {at:%Y-%m-%d %H:%M}, before it was removed: an older"
        " readout, or a wrong clock."
    )
