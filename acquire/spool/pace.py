"""How long an append may wait for those of other streams, so that they share a commit and a message: under load only.

Two hundred instruments that give ten readings a second each would ask for two thousand commits; gathered for some
milliseconds they need a hundred, at a fifth of the work (tests/benchmarks/instruments.py). One instrument alone, or one
that comes again before the wait would be over, never waits. Pure: the clock is passed in.
"""

from __future__ import annotations

LONGEST_S = 0.016
ENOUGH_S, ENOUGH = 0.0135, 10  # this wait is enough where it gathers so many appends
FROM_PER_S, FULL_PER_S = 100.0, 400.0  # appends a second at which waiting begins, and at which it is done in full
WINDOW_S = 0.1


class Pace:
    """One for each spool. Seconds are of the monotonic clock."""

    def __init__(self) -> None:
        self._last: dict[int, float] = {}  # by stream number
        self._counted = 0
        self._since = 0.0
        self._per_s = 0.0
        self._handed = 0.0

    def due(self, now: float, stream: int) -> float:
        """When an append of this stream is to be handed over: `now`, or the wait after the last one."""
        came_before = now - self._last.get(stream, 0.0)
        self._last[stream] = now
        self._counted += 1
        if now - self._since >= WINDOW_S:
            self._per_s = self._counted / (now - self._since)
            self._counted, self._since = 0, now
        if came_before < 2 * LONGEST_S:
            return now
        if self._per_s <= FROM_PER_S:
            return now
        wait = min(LONGEST_S, max(ENOUGH_S, ENOUGH / self._per_s))
        load = (self._per_s - FROM_PER_S) / (FULL_PER_S - FROM_PER_S)
        return max(now, self._handed + wait * min(load, 1.0))

    def handed_over(self, now: float) -> None:
        """What was gathered has gone to its commit."""
        self._handed = now

    def ended(self, stream: int) -> None:
        """The stream takes no more."""
        self._last.pop(stream, None)
