"""An instrument on its port, as the daemon sees it: open, take, flush before a marker, recover, commands, close.

The daemon calls one method at a time. What stands behind it is the engine over a wire, a listener, or a drop folder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drivers.commands import CommandSpec
from drivers.errors import Misuse
from drivers.model import Integrates, Model
from drivers.reading import Reading
from drivers.trace import Crossing


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered: as the instrument states it. serial is "" where the instrument cannot tell."""

    vendor: str
    model: str
    serial: str
    firmware: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command gave: a result for who asked, and readings for the stream."""

    result: Mapping[str, Any] = field(default_factory=dict)
    readings: Sequence[Reading] = ()


class Instrument(ABC):
    """One instrument on one port. Construction touches no hardware."""

    def __init__(self, model: Model, resource: str) -> None:
        self.model = model
        self.resource = resource

    @property
    @abstractmethod
    def poll_interval_s(self) -> float:
        """Seconds from the beginning of one take to that of the next."""

    @property
    def measures(self) -> str:
        """The name of the quantity it is set to give now."""
        return self.model.quantities[0].name

    @property
    def integrates(self) -> Integrates:
        """How that quantity adds up."""
        found = self.model.quantity(self.measures)
        return found.integrates if found else "none"

    @property
    def channels(self) -> tuple[str, ...]:
        """Its inputs where it has several, as it is set up now."""
        return self.model.channels

    @property
    def settings_in_force(self) -> Mapping[str, Any]:
        """What the instrument itself says it is set to, read back; empty where it cannot be asked."""
        return {}

    @abstractmethod
    async def open(self) -> Identity:
        """Open the port, identify, set up. Raises LinkDown, WrongInstrument, ReplyTimeout, Declined, Misuse."""

    async def ask_identity(self) -> Identity:
        """What it is, with nothing set and the port free again afterwards. Raises as `open` does, and Misuse where a
        model has nothing that could be asked.
        """
        raise Misuse(f"A {self.model.name} is never asked anything: it speaks by itself.")

    @abstractmethod
    async def take(self) -> Sequence[Reading]:
        """The readings of one exchange, possibly none; what cannot be parsed comes back as kind "unparsed".

        Raises ReplyTimeout (recover() before the next take), LinkDown (open() again).
        """

    async def flush(self) -> Sequence[Reading]:
        """What the instrument has by now and has not given yet: it belongs before the marker that follows."""
        return ()

    async def confirm(self) -> None:
        """The readings of the last take, flush or command are in the spool."""
        return

    @abstractmethod
    async def recover(self) -> Identity:
        """After ReplyTimeout or cancellation: find out who answers now.

        Raises WrongInstrument when another instrument does, ReplyTimeout when none does, LinkDown.
        """

    @abstractmethod
    async def close(self) -> None:
        """Leave the instrument safe and local where its protocol can, and release the port. Never raises."""

    @property
    def comes_again(self) -> bool:
        """Whether readings that were taken and never confirmed will be given again (a folder's files stay there)."""
        return False

    @property
    def speaks_unasked(self) -> bool:
        """Whether take() waits for what the instrument says by itself, and asks for nothing."""
        return False

    @property
    def unreadable_files(self) -> int | None:
        """How many files of its folder cannot be read now; None where there is no folder."""
        return None

    def last_words(self) -> tuple[Crossing | None, Crossing | None]:
        """The last request and the last reply as they crossed the wire; None of what has none."""
        return None, None

    def commands(self) -> Mapping[str, CommandSpec]:
        """The commands it accepts, by name."""
        return {}

    async def run_command(self, name: str, parameters: Mapping[str, Any]) -> Outcome:
        """Run a command by name. Raises Misuse for an unknown one, pydantic.ValidationError for wrong parameters."""
        known = ", ".join(sorted(self.commands())) or "none"
        raise Misuse(f"{self.model.name} has no command '{name}'; it has {known}.")
