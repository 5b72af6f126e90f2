"""What the serial PTW dosemeters have in common here: one line in, one line out, and a meter of charge and time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.beam import Detector
from simulators.instrument import Clear, Instrument, LineFramer, Reply, Request, Session

MAX_REQUEST = 80


class Refused(Exception):
    """A request that the instrument answers with an error; the answer is the message."""


@dataclass(frozen=True, slots=True)
class Said:
    """A reply; `reading` when it carries a measurement."""

    text: str
    reading: bool = False


class LineInstrument(Instrument):
    """Answers each line with one line, `reply_s` simulated seconds later."""

    reply_s = 0.005
    literal: str | None = None  # said once in the place of the next measurement

    def instead(self, text: str) -> str:
        """A measurement as it is said: what was forced, once, or else the text."""
        forced, self.literal = self.literal, None
        return text if forced is None else forced

    def is_identification(self, request: bytes) -> bool:
        """Both words by which a client finds out who answers."""
        return request in (b"PTW", b"SER")

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        """Those that every one of them has."""
        return {
            "force_reply": lambda value: setattr(self, "literal", None if value is None else str(value)),
            "leakage_a": lambda value: setattr(self.detector, "leakage_a", float(str(value))),
        }

    @abstractmethod
    async def reply(self, request: str) -> Said:
        """The answer to one line. Raises Refused."""

    def open_session(self) -> LineSession:
        return LineSession(self)

    def knob(self, what: str | None, *knobs: str) -> str:
        """The knob that somebody turns, the first where none is named. Raises ValueError where there is none such."""
        if what not in (None, *knobs):
            raise ValueError(f"nobody can turn {what!r} on {self.model}; there is {', '.join(knobs)}")
        return what or knobs[0]

    @property
    def banner(self) -> bytes:
        """None is known."""
        return b""


class LineSession(Session):
    """One line of one client; nothing of it outlives the client."""

    def __init__(self, unit: LineInstrument) -> None:
        self._unit, self._framer = unit, LineFramer(MAX_REQUEST)

    def feed(self, data: bytes) -> list[Request | Clear]:
        return self._framer.feed(data)

    async def answer(self, request: bytes) -> Reply | None:
        clock = self._unit.clock
        await clock.sleep_until(clock.now() + self._unit.reply_s)
        try:
            said = await self._unit.reply(request.decode("latin-1"))
        except Refused as error:
            said = Said(str(error))
        return Reply(said.text.encode("latin-1") + self._unit.terminator, said.reading)


class Integral:
    """Charge in C and time in s of one measurement: at rest, running, or held; it may end by itself."""

    def __init__(self, detector: Detector, now: float) -> None:
        self.detector = detector
        self.offset_a = 0.0
        self.running = False
        self._begin = self._end = now
        self._ends: float | None = None

    def start(self, now: float, lasts_s: float | None = None) -> None:
        """Begin anew; it ends by itself after so many seconds."""
        self._begin = self._end = now
        self.running, self._ends = True, None if lasts_s is None else now + lasts_s

    def stop(self, now: float) -> None:
        """Keep the values as they are."""
        if self.running:
            self._end, self.running = now, False

    def reset(self, now: float) -> None:
        """Values to zero."""
        self._begin = self._end = now
        self.running = False

    def ended(self, now: float) -> bool:
        """Let it end where it is due; whether it did just now."""
        due = self.running and self._ends is not None and now >= self._ends
        if due and self._ends is not None:
            self.stop(self._ends)
        return due

    def time_s(self, now: float) -> float:
        """Measuring time so far."""
        return (now if self.running else self._end) - self._begin

    def charge_c(self, now: float) -> float:
        """Collected so far, less what was zeroed."""
        until = now if self.running else self._end
        collected = self.detector.charge(until) - self.detector.charge(self._begin)
        return collected - self.offset_a * (until - self._begin)

    def current_a(self, now: float) -> float:
        """Now, less what was zeroed."""
        return self.detector.current(now) - self.offset_a
