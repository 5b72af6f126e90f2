"""The clock of a simulated reader's computer: what its files are dated with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from simulators.clock import Clock, wall_date


class ReaderClock:
    """Shows the date of this computer, or what the option `start` (ISO date and time) set it to."""

    def __init__(self, clock: Clock, options: Mapping[str, Any]) -> None:
        shown = wall_date(clock, clock.now())
        self._clock = clock
        self._ahead = datetime.fromisoformat(options["start"]) - shown if "start" in options else timedelta(0)

    def now(self) -> datetime:
        """Local date and time without a zone, as a reader writes them."""
        return (wall_date(self._clock, self._clock.now()) + self._ahead).replace(microsecond=0)
