"""The last words on an instrument's wire, for its state: a person sees what was asked and what came before a fault.

They are looked at only when a state is told, so that a reading costs nothing.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from acquire.bus.messages import LONGEST_WORDS, Crossed
from acquire.canonical import utc
from drivers import Crossing, Instrument


class LastWords:
    """Outlives the connection: what was said before a port was lost is told until something else is said."""

    def __init__(self) -> None:
        self.request: Crossed | None = None
        self.reply: Crossed | None = None

    def hear(self, device: Instrument) -> None:
        """Take what crossed the device's wire last; what has not crossed yet leaves the earlier words."""
        request, reply = device.last_words()
        self.request = crossed(request) if request else self.request
        self.reply = crossed(reply) if reply else self.reply


def crossed(each: Crossing) -> Crossed:
    """As text that has no control characters and 120 characters at most, its end where it is longer."""
    ago = timedelta(seconds=time.monotonic() - each.monotonic_s)
    return Crossed(text=as_text(each.data), at=utc(datetime.now(UTC) - ago))


def as_text(data: bytes) -> str:
    """Bytes with \\r, \\n, \\t, \\\\ and \\x06 for what does not print; no escape is cut in two."""
    text = ""
    for each in reversed(data[-LONGEST_WORDS:]):
        character = chr(each).encode("unicode_escape").decode()
        if len(character) + len(text) > LONGEST_WORDS:
            break
        text = character + text
    return text
