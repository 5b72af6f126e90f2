"""``:TRACe``: where finished conversions are stored, and how they come out again.

Words and numbering from 0 after the 6517B reference manual.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from simulators.keithley.conversion import Conversion


@dataclass
class Buffer:
    """Reading numbers and relative time stamps of stored readings count from the first one, which is 0."""

    points: int = 100
    elements: frozenset[str] = frozenset({"TST"})
    feed: str = "SENS1"
    control: str = "NEV"
    delta: bool = False
    stored: list[Conversion] = field(default_factory=list)

    @property
    def filling(self) -> bool:
        """Whether conversions are stored."""
        return self.feed != "NONE" and self.control != "NEV"

    def store(self, conversion: Conversion) -> bool:
        """Take a conversion if storing is on; True when this one filled the buffer."""
        if not self.filling:
            return False
        self.stored.append(conversion)
        if len(self.stored) < self.points:
            return False
        if self.control == "ALW":
            del self.stored[: -int(self.points)]
            return len(self.stored) == self.points
        self.control = "NEV"
        return True

    def listing(self) -> list[Conversion]:
        """Stored conversions, renumbered from 0, stamped from the first (absolute) or from the one before (delta)."""
        out: list[Conversion] = []
        for n, c in enumerate(self.stored):
            before = self.stored[max(n - 1, 0)] if self.delta else self.stored[0]
            out.append(replace(c, number=n, time_s=c.time_s - before.time_s))
        return out
