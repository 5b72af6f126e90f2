"""The wire trace: what went over a port in both directions, the last of it in memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Direction = Literal["sent", "received", "stray"]


@dataclass(frozen=True, slots=True)
class Crossing:
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
