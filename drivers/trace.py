"""The wire trace: what went over a port in both directions, the last of it in memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

Direction = Literal["sent", "received", "stray"]


class Crossing(NamedTuple):
    """Some bytes that crossed the wire. "stray" are received bytes that answered nothing."""

    monotonic_s: float
    direction: Direction
    data: bytes


class Trace:
    """Keeps the last `keep` crossings; `listener` sees each one."""

    def __init__(self, keep: int = 200, listener: Callable[[Crossing], None] | None = None) -> None:
        self.crossings: deque[Crossing] = deque(maxlen=keep)
        self._listener = listener

    def note(self, direction: Direction, data: bytes) -> None:
        """Keeps some bytes that crossed the line, with the time (monotonic, s) and their direction."""
        if data:
            crossing = Crossing(time.monotonic(), direction, data)
            self.crossings.append(crossing)
            if self._listener is not None:
                self._listener(crossing)

    def last_request(self) -> Crossing | None:
        """What was sent last, of what is kept."""
        return next((each for each in reversed(self.crossings) if each.direction == "sent"), None)

    def last_reply(self) -> Crossing | None:
        """What was received last, up to the next request or until now: its pieces as one, with the time of the last."""
        pieces: list[Crossing] = []
        for each in reversed(self.crossings):
            if each.direction == "received":
                pieces.append(each)
            elif each.direction == "sent" and pieces:
                break
        if not pieces:
            return None
        return Crossing(pieces[0].monotonic_s, "received", b"".join(each.data for each in reversed(pieces)))
