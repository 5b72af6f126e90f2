"""What every instrument driver is, seen from the daemon: identity, settings, one poll at a time, typed commands.

A driver owns one link. The daemon calls open(), then poll() again and again, and command() between polls, never two
at once: that is what lets a begin or end marker be put between two requests (noloss rule: what was asked before
`begin` is appended before it). A driver never retries by itself in a way that could hide a lost reading.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from drivers.errors import Misuse
from drivers.instrument import Identity
from drivers.model import Verified
from drivers.reading import Reading
from drivers.settings import NoParameters, Settings

__all__ = ["Identity", "NoParameters", "Settings", "Verified"]


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """What `acquire drivers` prints. `assumed` names every inferred fact the driver rests on."""

    model: str
    vendor: str
    title: str
    transports: tuple[str, ...]
    quantities: tuple[str, ...]
    verified: tuple[Verified, ...] = ()
    assumed: tuple[str, ...] = ()


Run = Callable[[Any, Any], Awaitable[Mapping[str, Any]]]
R = TypeVar("R", bound=Run)

COMMAND_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command an instrument accepts: its name, what it does in one sentence, the model of its parameters.

    while_measuring: it belongs into a measurement or cannot change one; every other command is refused while a
    measurement is open, unless its step asked for it. within_s: the daemon gives it up when it takes longer.
    """

    name: str
    title: str
    parameters: type[Settings]
    run: Run = field(compare=False, repr=False)
    while_measuring: bool = False
    within_s: float = COMMAND_WITHIN_S


def command(
    name: str,
    title: str,
    parameters: type[Settings] = NoParameters,
    *,
    while_measuring: bool = False,
    within_s: float = COMMAND_WITHIN_S,
) -> Callable[[R], R]:
    """Declare a driver method `async def f(self, p: parameters) -> Mapping` as a command."""

    def mark(function: R) -> R:
        spec = CommandSpec(name, title, parameters, function, while_measuring, within_s)
        function.__command__ = spec  # type: ignore[attr-defined]
        return function

    return mark


class Driver(ABC):
    """Base of all drivers. Subclasses set `info` and `settings_model` and are found by entry point "acquire.drivers".

    Constructed as Driver(resource, settings, trace=None); construction touches no hardware.
    """

    info: ClassVar[DriverInfo]
    settings_model: ClassVar[type[Settings]]
    poll_interval_s: float = 0.1

    @abstractmethod
    async def open(self) -> Identity:
        """Open the link, identify the instrument, set it up.

        Raises LinkDown, WrongInstrument, ReplyTimeout, Refused.
        """

    @abstractmethod
    async def poll(self) -> Sequence[Reading]:
        """One exchange with the instrument: the readings it gave, possibly none.

        A reply that cannot be parsed comes back as one Reading of kind "unparsed" with its bytes. Raises ReplyTimeout
        (call recover() before the next poll), LinkDown (open() again) or Refused.
        """

    @abstractmethod
    async def recover(self) -> Identity:
        """After ReplyTimeout or cancellation: drain the line and identify again.

        Raises WrongInstrument when another instrument answers now, ReplyTimeout when none does, LinkDown.
        """

    @abstractmethod
    async def close(self) -> None:
        """Leave the instrument safe and local where its protocol can, and release the port. Never raises."""

    @classmethod
    def commands(cls) -> Mapping[str, CommandSpec]:
        """The commands this driver accepts, by name."""
        found: dict[str, CommandSpec] = {}
        for klass in reversed(cls.__mro__):
            for member in vars(klass).values():
                spec = getattr(member, "__command__", None)
                if isinstance(spec, CommandSpec):
                    found[spec.name] = spec
        return found

    async def run_command(self, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run a command by name. Raises Misuse for an unknown name; pydantic.ValidationError for wrong parameters."""
        known = self.commands()
        if name not in known:
            raise Misuse(f"{self.info.model} has no command '{name}'; it has {', '.join(sorted(known)) or 'none'}.")
        spec = known[name]
        return await spec.run(self, spec.parameters.from_request(parameters))
