"""What an author writes for an instrument: its grammar in a few small methods. The engine does everything else.

A Driver asks over its Wire; a Listener only hears. Neither opens a port, catches a fault, stamps a time or decides what
a reply that makes no sense means: drivers.engine does, for every driver the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import Field

from drivers.instrument import Identity
from drivers.reading import Sample
from drivers.replies import BETWEEN_LINES, Line, Reply
from drivers.settings import Settings
from drivers.transport.serial_settings import SerialSettings
from drivers.wire import Wire


class WireSettings(Settings):
    """What every instrument on a wire can be told.

    poll_interval_s: seconds from the beginning of one reading to that of the next; timeout_s: for one reply; serial: of
    a serial line only.
    """

    expected_serial: str | None = None
    poll_interval_s: float = Field(0.25, ge=0, le=60)
    timeout_s: float = Field(3.0, gt=0, le=120)
    serial: SerialSettings = SerialSettings()


S = TypeVar("S", bound=WireSettings)


class Driver(ABC, Generic[S]):
    """An instrument that is asked. `stale`: how many takes may still give what was converted before a change.

    After set-up and after every command that is not passive the engine takes so often and believes none of it.
    `between`: bytes that may stand between two replies and mean nothing (b"" for a binary protocol).
    """

    stale: int = 0
    between: ClassVar[bytes] = BETWEEN_LINES

    def __init__(self, wire: Wire, settings: S) -> None:
        self.wire = wire
        self.settings = settings

    @property
    def measures(self) -> str | None:
        """The quantity it is set to give now; None: the first that the model names."""
        return None

    @property
    def channels(self) -> tuple[str, ...] | None:
        """The inputs in use as it is set up; None: those that the model names."""
        return None

    @abstractmethod
    async def identify(self) -> Identity:
        """Who is there. The engine drains the line before, asks again where the answer makes no sense, and compares."""

    async def set_up(self) -> None:
        """Send what can change a reading, as it is configured. Raises Declined where the instrument says no."""
        return

    async def read_back(self) -> Mapping[str, Any]:
        """What the instrument says it is set to. Raises Declined, naming the setting, where it is not what was set."""
        return {}

    @abstractmethod
    async def take(self) -> Sequence[Sample]:
        """One exchange: the samples it gave, possibly none. Whatever it raises, the engine keeps the bytes."""

    async def flush(self) -> Sequence[Sample]:
        """Before every marker: what it has by now belongs to the step before, however seldom it is asked otherwise."""
        return await self.take()

    async def resume(self) -> None:
        """After a line in doubt was identified again. Raises LinkDown or Declined where its settings are lost."""
        return

    async def stand_down(self) -> None:
        """Before the port is released: leave the instrument safe and local, where its protocol can."""
        return


class Listener(ABC, Generic[S]):
    """An instrument that speaks by itself. Nothing is ever written to it, and a quiet line is no gap."""

    shape: ClassVar[Reply] = Line()
    between: ClassVar[bytes] = BETWEEN_LINES

    def __init__(self, settings: S) -> None:
        self.settings = settings

    @property
    def measures(self) -> str | None:
        """The quantity it gives as it is configured; None: the first that the model names."""
        return None

    @abstractmethod
    def identity(self) -> Identity:
        """What can be said of it without asking: as configured, or as it has stated so far."""

    @abstractmethod
    def hear(self, message: bytes) -> Sequence[Sample]:
        """The samples of one message, possibly none. Raises Garbled; the message is then kept as it came."""

    def quiet(self) -> Sequence[Sample]:
        """What is held back for a message that belongs to it, once: for timeout_s none came, or the line is lost."""
        return ()
