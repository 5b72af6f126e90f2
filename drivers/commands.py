"""What an instrument can be asked to do beside giving readings: declared by a decorator, run by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drivers.reading import Sample
from drivers.settings import NoParameters, Settings

COMMAND_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Done:
    """What a command gave: a result for who asked, and samples for the stream, where it measured something."""

    result: Mapping[str, Any] = field(default_factory=dict)
    samples: Sequence[Sample] = ()


Method = Callable[[Any, Any], Awaitable[Done | Mapping[str, Any] | None]]
M = TypeVar("M", bound=Method)


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command an instrument accepts: its name, what it does in one sentence, the model of its parameters.

    method: the driver's method of that name is what runs, so that a subclass's own is never passed over.
    while_measuring: it belongs into a measurement or cannot change one; every other command is refused while a
    measurement is open, unless its step asked for it.
    passive: it changes nothing that a reading depends on; after every other command the engine sets aside what the
    instrument may have converted before it (Driver.stale).
    within_s: the daemon gives it up when it takes longer.
    """

    name: str
    title: str
    parameters: type[Settings]
    method: str
    while_measuring: bool = False
    passive: bool = False
    within_s: float = COMMAND_WITHIN_S


def command(
    name: str,
    title: str,
    parameters: type[Settings] = NoParameters,
    *,
    while_measuring: bool = False,
    passive: bool = False,
    within_s: float = COMMAND_WITHIN_S,
) -> Callable[[M], M]:
    """Declare a driver method `async def f(self, p: parameters)` as a command; it returns a mapping, a Done or None."""

    def mark(function: M) -> M:
        spec = CommandSpec(name, title, parameters, function.__name__, while_measuring, passive, within_s)
        function.__command__ = spec  # type: ignore[attr-defined]
        return function

    return mark


def commands_of(kind: type[Any]) -> dict[str, CommandSpec]:
    """The commands a class declares or inherits, by name."""
    found: dict[str, CommandSpec] = {}
    for klass in reversed(kind.__mro__):
        for member in vars(klass).values():
            spec = getattr(member, "__command__", None)
            if isinstance(spec, CommandSpec):
                found[spec.name] = spec
    return found
