"""A model of instrument, as a value: what it is, what it measures, how that adds up, and what makes its driver.

An entry point of any package gives one ("acquire.drivers"); a reader's file format makes one by itself
("acquire.formats"). The daemon, the inventory and the procedure read it; nobody types any of it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from drivers.commands import CommandSpec, commands_of
from drivers.settings import Settings

Integrates = Literal["running", "reset", "elements", "none"]


Evidence = Literal["simulator", "document", "capture", "program", "instrument"]
LEVELS = (
    "written from the documents",
    "held against captures",
    "held against an independent program",
    "run on the instrument",
)


@dataclass(frozen=True, slots=True)
class Verified:
    """Something this driver was held against, and what was shown by it (docs/quality-scale.md).

    kind     "simulator": the project's own, which proves nothing of the instrument; "document": replies printed in one;
             "capture": bytes of a real instrument that somebody recorded; "program": somebody else's client or
             emulator; "instrument": run on one
    by, firmware, date  of "instrument": who ran it, on which firmware, on which day (ISO 8601)

    Raises ValueError for an "instrument" without all three, and for any other kind with one of them.
    """

    against: str
    what: str
    kind: Evidence = "simulator"
    by: str = ""
    firmware: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        said = [bool(each) for each in (self.by, self.firmware, self.date)]
        if (all(said) if self.kind == "instrument" else not any(said)) is False:
            raise ValueError("who ran it, firmware and date belong to what was run on an instrument, all three")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity that a model gives, with its UCUM unit, and how it adds up.

    running   it goes on rising, a measurement is last minus first (an electrometer's charge function)
    reset     it starts at zero at the reset before the measurement (a dosemeter's integral)
    elements  a value for each dosimeter element, to be attached by its id (a TLD or OSL reader)
    none      it does not add up (a current, a voltage)
    """

    name: str
    unit: str
    integrates: Integrates = "none"


@dataclass(frozen=True, slots=True)
class Framing:
    """Names of the model's own commands that frame a measurement, in the order they are sent.

    zero: in a zero step; before: before the begin marker; start: after it; stop: before the end marker.
    """

    zero: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all these commands."""
        return (*self.zero, *self.before, *self.start, *self.stop)


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model. `assumed` names every inferred fact that its driver rests on; `channels` its inputs, if several.

    label: what a person must know of where it comes from, beside its name ("profile, invented protocol").
    answers: a regular expression for the model name that the instrument states; the engine holds it against that.
    driver: a Driver, a Listener, or for a reader's files a Format; drivers.connecting.connect() puts it on its port.
    """

    name: str
    vendor: str
    title: str
    transports: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    settings: type[Settings]
    driver: Any
    label: str = ""
    answers: str = ".*"
    channels: tuple[str, ...] = ()
    framing: Framing = Framing()
    verified: tuple[Verified, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def level(self) -> int:
        """How far it is verified, 1 to 4: the words are LEVELS."""
        kinds = [each.kind for each in self.verified]
        return next((n for n, kind in ((4, "instrument"), (3, "program"), (2, "capture")) if kind in kinds), 1)

    def quantity(self, name: str) -> Quantity | None:
        """The quantity of that name, None where the model does not give it."""
        return next((each for each in self.quantities if each.name == name), None)

    @property
    def commands(self) -> dict[str, CommandSpec]:
        """The commands that its driver declares, by name."""
        return commands_of(self.driver if isinstance(self.driver, type) else type(self.driver))

    @property
    def integrates(self) -> Integrates:
        """How the quantity that it adds up, if any, adds up."""
        return next((q.integrates for q in self.quantities if q.integrates != "none"), "none")
