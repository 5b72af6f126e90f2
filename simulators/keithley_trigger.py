"""When a simulated 6517 converts, and where finished conversions go: trigger model and buffer.

Nothing runs in the background: each command first catches up with the clock, so that every conversion has an
exact end time and the same
seed gives the same bytes. At 1 PLC the free-running rate is the captured 9.9 readings per second; its dependence
on NPLC is inferred.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from simulators.keithley_reading import Conversion
from simulators.scpi_parameters import ScpiError

INFINITE = float("inf")
SKIP_ABOVE = 2000  # conversions nobody will look at are counted, not computed


@dataclass
class Buffer:
    """``:TRACe``. Reading numbers and relative time stamps of stored readings count from the first one, which is 0."""

    points: int = 100
    elements: frozenset[str] = frozenset({"TST"})
    feed: str = "SENS1"
    control: str = "NEV"
    delta: bool = False
    stored: list[Conversion] = field(default_factory=list)

    @property
    def filling(self) -> bool:
        return self.feed != "NONE" and self.control != "NEV"

    def store(self, conversion: Conversion) -> bool:
        """Take a conversion if storing is on; True when this one filled the buffer."""
        if not self.filling:
            return False
        self.stored.append(conversion)
        if len(self.stored) < self.points:
            return False
        if self.control == "ALW":
            del self.stored[: -self.points]
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


class Trigger:
    """Idle, converting, or waiting for ``*TRG``. ``convert(number, start, end)`` makes a reading, ``done`` hears
    of each.
    """

    def __init__(self, convert: Callable[[int, float, float], Conversion], done: Callable[[Conversion], None]) -> None:
        self._convert, self._done = convert, done
        self.source = "IMM"
        self.continuous = True
        self.count: float = INFINITE
        self.delay_s = 0.0
        self.period_s: Callable[[], float] = lambda: 0.1
        self.must_see_all: Callable[[], bool] = lambda: False
        self.number = 0
        self.latest: Conversion | None = None
        self.fresh = False
        self.left: float = 0
        self.end: float | None = None

    def initiate(self, now: float) -> None:
        """Leave idle: ``count`` conversions (endless when continuous), the first one now or at the trigger."""
        self.left = INFINITE if self.continuous else self.count
        self.end = now + self.delay_s + self.period_s() if self.source == "IMM" else None

    def abort(self, now: float) -> None:
        """To idle; a continuous instrument leaves it again at once."""
        self.left, self.end = 0, None
        if self.continuous:
            self.initiate(now)

    def restart(self, now: float) -> None:
        """A changed setting spoils the conversion under way: begin it again."""
        if self.end is not None:
            self.end = now + self.delay_s + self.period_s()

    def bus_trigger(self, now: float) -> None:
        """``*TRG``: -211 unless an initiated instrument waits for it."""
        if self.source != "BUS" or self.left <= 0 or self.end is not None:
            raise ScpiError(-211)
        self.end = now + self.delay_s + self.period_s()

    @property
    def idle(self) -> bool:
        return self.left <= 0

    def catch_up(self, now: float) -> None:
        """Finish every conversion that ended by ``now``."""
        while self.end is not None and self.end <= now:
            step = self.delay_s + self.period_s()
            behind = int((now - self.end) / step)
            if behind > SKIP_ABOVE and self.left == INFINITE and not self.must_see_all():
                self.number += behind
                self.end += behind * step
            self._finish(self.end, step)

    def _finish(self, end: float, step: float) -> None:
        conversion = self._convert(self.number, end - self.period_s(), end)
        self.number += 1
        self.latest, self.fresh = conversion, True
        self.left -= 1
        self.end = end + step if self.source == "IMM" and self.left > 0 else None
        self._done(conversion)
