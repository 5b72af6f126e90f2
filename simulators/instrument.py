"""What every simulated instrument on a wire offers: sessions for clients, a back door for tests, and answers
that the faults need.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from simulators.beam import Detector
from simulators.clock import Clock

State = dict[str, object]
XON_XOFF = b"\x11\x13"


@dataclass(frozen=True)
class Reply:
    """A whole reply with its terminator; ``measurement`` when it carries a reading."""

    data: bytes
    measurement: bool = False


@dataclass(frozen=True)
class Request:
    """One framed request without its terminator."""

    data: bytes


@dataclass(frozen=True)
class Clear:
    """A device clear byte: what is under way is dropped and ``answer`` is sent."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """One command as the manual spells it; whether it sets and asks, and whether it is only remembered."""

    header: str
    sets: bool
    asks: bool
    simulated: bool


class LineFramer:
    """Cuts a byte stream at CR or LF (so CRLF too), drops empty lines, XON and XOFF, and never keeps more than
    ``limit`` + 1 bytes of a line.
    """

    def __init__(self, limit: int, clear_bytes: bytes = b"", clear_answer: bytes = b"") -> None:
        self._limit, self._clear_bytes, self._clear_answer = limit, clear_bytes, clear_answer
        self._line = bytearray()

    def feed(self, data: bytes) -> list[Request | Clear]:
        """The requests that ``data`` completes, in order; an overlong line comes out ``limit`` + 1 bytes long."""
        events: list[Request | Clear] = []
        for byte in data:
            if byte in XON_XOFF:
                continue
            if byte in self._clear_bytes:
                self._line.clear()
                events.append(Clear(self._clear_answer))
            elif byte in b"\r\n":
                if self._line:
                    events.append(Request(bytes(self._line)))
                self._line.clear()
            elif len(self._line) <= self._limit:
                self._line.append(byte)
        return events


class Session(ABC):
    """One client's view of an instrument."""

    @abstractmethod
    def feed(self, data: bytes) -> list[Request | Clear]:
        """Frame what the client sent."""

    @abstractmethod
    async def answer(self, request: bytes) -> Reply | None:
        """Execute one request; None when it has no reply."""

    def close(self) -> None:
        """The client is gone."""
        return


class Instrument(ABC):
    """A simulated instrument. ``emitted`` counts measurement replies that were sent complete."""

    model: str
    sheds_clients_on_reboot: ClassVar[bool] = False

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.seed = seed
        self.detector = Detector(clock)
        self.emitted = 0
        self.terminator = b"\r\n"

    @abstractmethod
    def open_session(self) -> Session:
        """A client has connected: its own session with the instrument."""

    def speech(self) -> AsyncIterator[Reply] | None:
        """What it says without being asked, each when it is due; None: it only answers."""
        return None

    @abstractmethod
    def power_cycle(self) -> None:
        """Off and on: settings and memory of the run are gone."""

    @property
    @abstractmethod
    def banner(self) -> bytes:
        """What it prints after a restart."""

    @abstractmethod
    def is_identification(self, request: bytes) -> bool:
        """Whether the request asks who this is."""

    @abstractmethod
    def become(self, other: str) -> None:
        """Answer as another unit from now on: ``device`` (another model) or ``serial`` (same model, other number)."""

    @abstractmethod
    def front_panel(self, what: str | None = None) -> None:
        """Somebody turns a knob: one of ``front_panel_acts``, the first when none is named."""

    @abstractmethod
    def busy(self) -> bytes:
        """What it answers when the moment is wrong; empty when it stays silent and queues an error."""

    @abstractmethod
    def stray_line(self) -> bytes:
        """A line nobody asked for, with terminator."""

    @abstractmethod
    def sentinels(self, reply: bytes) -> list[bytes]:
        """The reply as it looks with each value that is not a number."""

    @abstractmethod
    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        """States that can be set from outside, by name."""

    @abstractmethod
    def state(self) -> State:
        """What a test may want to know, in JSON types."""

    @property
    def status_byte(self) -> int:
        """What a serial poll gives, without the bit that says that a message is available (0x10)."""
        return 0

    def query_error(self, code: int) -> None:
        """-410: a response was dropped for a new message; -420: one was asked for that there was not.

        An instrument without an error queue forgets both.
        """
        return

    def commands(self) -> Sequence[CommandInfo]:
        """What it understands; none where nobody listed it."""
        return ()

    def set_state(self, name: str, value: object) -> None:
        """Set a state by name; raises ValueError with the names that are allowed."""
        doors = self.back_doors()
        if name not in doors:
            raise ValueError(f"{self.model} has no state {name!r} to set; it has {', '.join(sorted(doors))}")
        doors[name](value)
