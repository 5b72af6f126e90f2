"""When a simulated Keithley electrometer converts: its arm and trigger layers.

Nothing runs in the background: each command first catches up with the clock, so that every conversion has an
exact end time and the same seed gives the same bytes. Each layer waits for its event, as often as its count says; the
innermost event begins a conversion. A timer's first event comes at once, the next ones an interval apart.

Layers and their words are those of the manuals; what the manuals leave open stands in each model's `assumed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from simulators.keithley.conversion import Conversion
from simulators.keithley.filters import LONGEST
from simulators.scpi.parameters import ScpiError

INFINITE = float("inf")
SKIP_ABOVE = 2000  # conversions nobody will look at are counted, not computed


@dataclass
class Layer:
    """One layer: what it waits for, how often, how long it then delays, and the interval of its timer (s)."""

    source: str = "IMM"
    count: float = 1
    delay_s: float = 0.0
    timer_s: float = 0.1
    left: float = 0
    due: float = 0.0


class Trigger:
    """The layers, outermost first. ``convert(number, start, end)`` makes a reading, ``done`` hears of each. Every
    instant, ``now`` too, is a simulated second.
    """

    def __init__(
        self, arms: int, convert: Callable[[int, float, float], Conversion], done: Callable[[Conversion], None]
    ) -> None:
        self._convert, self._done = convert, done
        self.layers = [Layer() for _ in range(arms + 1)]
        self.continuous = True
        self.period_s: Callable[[], float] = lambda: 0.1
        self.must_see_all: Callable[[], bool] = lambda: False
        self.number = 0
        self.latest: Conversion | None = None
        self.cycle: list[Conversion] = []
        self.fresh = False
        self.waiting: int | None = None
        self.start = 0.0
        self.end: float | None = None
        self.moved = asyncio.Event()

    @property
    def last(self) -> Layer:
        """The innermost layer, which begins a conversion: the trigger layer itself."""
        return self.layers[-1]

    @property
    def idle(self) -> bool:
        """Whether nothing is measured and nothing is waited for."""
        return self.end is None and self.waiting is None

    @property
    def awaited(self) -> str | None:
        """The source whose event is waited for, None while converting or idle."""
        return None if self.waiting is None else self.layers[self.waiting].source

    @property
    def wake(self) -> float | None:
        """The second at which something happens by itself: a conversion ends or a timer fires."""
        if self.end is not None:
            return self.end
        return self.layers[self.waiting].due if self.waiting is not None and self.awaited == "TIM" else None

    def initiate(self, now: float) -> None:
        """Leave idle: the outermost layer waits for its event."""
        self.waiting, self.end = None, None
        self.cycle.clear()
        self._enter(0, now)

    def abort(self, now: float) -> None:
        """To idle; a continuous instrument leaves it again at once."""
        self.waiting, self.end = None, None
        if self.continuous:
            self.initiate(now)

    def stop_after_this(self) -> None:
        """Be continuous no more: the conversion under way is finished, then it rests."""
        self.continuous = False
        if self.end is None:
            self.waiting = None
        for layer in self.layers:
            layer.left = 1

    def restart(self, now: float) -> None:
        """A changed setting spoils the conversion under way: begin it again."""
        if self.end is not None:
            self._begin(now)

    def event(self, source: str, now: float) -> None:
        """``*TRG``, the TRIG key or an external trigger at the second ``now``.

        Raises ScpiError -211 unless an initiated instrument waits for it.
        """
        if self.waiting is None or self.awaited != source:
            raise ScpiError(-211)
        self._pass(self.waiting, now)
        self.moved.set()

    def catch_up(self, now: float) -> None:
        """Let everything happen that is due by ``now``."""
        while (when := self.wake) is not None and when <= now:
            if self.waiting is not None:
                self._pass(self.waiting, when)
            else:
                self._skip(now)
                self._finish()

    def _enter(self, index: int, when: float) -> None:
        layer = self.layers[index]
        layer.left, layer.due = layer.count, when
        self._await(index, when)

    def _await(self, index: int, when: float) -> None:
        layer = self.layers[index]
        if layer.source == "IMM" or (layer.source == "TIM" and layer.due <= when):
            self._pass(index, when)
        else:
            self.waiting = index

    def _pass(self, index: int, when: float) -> None:
        layer = self.layers[index]
        self.waiting, layer.due = None, when + layer.timer_s
        if index + 1 < len(self.layers):
            self._enter(index + 1, when + layer.delay_s)
        else:
            self._begin(when)

    def _begin(self, when: float) -> None:
        self.start = when + self.last.delay_s
        self.end = self.start + self.period_s()

    def _skip(self, now: float) -> None:
        """Count the conversions of a free-running instrument that nobody will look at."""
        assert self.end is not None
        free = all(layer.source == "IMM" for layer in self.layers) and not any(x.delay_s for x in self.layers[:-1])
        endless = self.continuous or any(layer.left == INFINITE for layer in self.layers)
        step = self.last.delay_s + self.period_s()
        behind = int((now - self.end) / step) - LONGEST
        if free and endless and behind > SKIP_ABOVE and not self.must_see_all():
            self.number += behind
            self.start += behind * step
            self.end += behind * step

    def _finish(self) -> None:
        assert self.end is not None
        when = self.end
        conversion = self._convert(self.number, self.start, when)
        self.number += 1
        self.latest, self.fresh, self.end = conversion, True, None
        if len(self.cycle) < SKIP_ABOVE:
            self.cycle.append(conversion)
        self._go_on(when)
        self._done(conversion)

    def _go_on(self, when: float) -> None:
        """The next pass of the innermost layer that has one left, or the end of the cycle."""
        for index in reversed(range(len(self.layers))):
            self.layers[index].left -= 1
            if self.layers[index].left > 0:
                self._await(index, when)
                return
        if self.continuous:
            self._enter(0, when)
