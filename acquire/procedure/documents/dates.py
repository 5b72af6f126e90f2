"""Moving the dates of example files, so that a demonstration of 2026 can be run on any day."""

from __future__ import annotations

import re
from datetime import date

_DAY = re.compile(rb"\b(20\d\d-[01]\d-[0-3]\d)(?=\b|T)")


def shifted(body: bytes, from_day: date, to_day: date) -> bytes:
    """The same text with every ISO date moved by as many days as lie between the two given days."""
    delta = to_day - from_day

    def moved(match: re.Match[bytes]) -> bytes:
        return (date.fromisoformat(match[1].decode()) + delta).isoformat().encode()

    return _DAY.sub(moved, body)
