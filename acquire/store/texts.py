"""What of an entry's texts would break or mislead those who read the store: times that are none, ids nobody sees whole.

Held before an entry is stored, so that whoever reads one may rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from acquire.printable import hidden_in
from acquire.strict_numbers import clock, moment

IDS = ("element", "channel", "session", "step")


def flaw_of_reading(time: str, read_at: str | None, element: str | None, channel: str | None) -> str | None:
    """Of a reading's time, the reader's clock, its element and channel: what is wrong with one, or None."""
    if read_at is None and element is None and channel is None and _is_ours(time):
        return None
    said = {"time": time, "clock": read_at, "element": element, "channel": channel}
    return flaw({key: text for key, text in said.items() if text is not None})


def flaw(entry: Mapping[str, Any]) -> str | None:
    """Of an entry of any kind: what is wrong with a time or an id of it, or None."""
    for key, read in (("time", moment), ("clock", clock)):
        text = entry.get(key)
        if isinstance(text, str):
            try:
                read(text)
            except ValueError as error:
                return f"{key}: {error}"
    for key in IDS:
        text = entry.get(key)
        if isinstance(text, str) and (found := hidden_in(text)) is not None:
            return f"{key}: it holds {found}, which nobody sees"
    return None


def _is_ours(time: str) -> bool:
    """As our own hosts write it: 2026-11-24T14:36:55.100000Z. Quicker than the whole rule."""
    parts = len(time) == 27 and time[19] == "." and time[26] == "Z" and time[20:26].isdecimal() and time.isascii()
    return parts and _is_second(time[:19])


@lru_cache(maxsize=4096)
def _is_second(time: str) -> bool:
    """Readings come many to a second."""
    if time[7] != "-" or time[10] != "T":
        return False
    try:
        return 1900 <= datetime.fromisoformat(time).year <= 2199
    except ValueError:
        return False
