"""How long entries take from their commit in the spool to the store's answer, for whoever watches.

One entry of each stream is timed at a time, so that an append costs a look into a table whatever the rate: what is
observed is a sample. It holds whatever lay in between, an outage of the broker too.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from acquire.spool.stream import Stream


class Lag:
    """`observe` is given seconds. `clock`: monotonic seconds."""

    def __init__(self, observe: Callable[[float], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._observe = observe
        self._clock = clock
        self._timed: dict[int, tuple[int, float]] = {}  # by stream number: a seq, and when it was committed

    def appended(self, number: int, last: int) -> None:
        """Entries of a stream up to `last` are committed in the spool."""
        if number not in self._timed:
            self._timed[number] = last, self._clock()

    def confirmed(self, s: Stream) -> None:
        """The store has answered about a stream."""
        timed = self._timed.get(s.number)
        if timed is not None and s.through >= timed[0]:
            del self._timed[s.number]
            self._observe(self._clock() - timed[1])

    def begin_anew(self) -> None:
        """The spool has begun a new file: streams have other numbers."""
        self._timed.clear()
