"""Moments as people state them: with the offset of the clock they were read from."""

from __future__ import annotations

from acquire import strict_numbers
from acquire.errors import Refused


def needs_offset(moment: str) -> None:
    """Raises Refused for what is no moment of ISO 8601 with its offset from UTC."""
    try:
        strict_numbers.moment(moment)
    except ValueError as error:
        raise Refused(f"'{moment}' is no moment with an offset; write it as 2027-02-05T10:31:00+01:00.") from error
