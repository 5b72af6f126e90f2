"""The command tables of the simulated 6517: each header as its manual prints it, with what it does.

Headers are from the 6517B reference manual, section 14, and from programs that drive a real unit
(``:SENSe:<function>:REFerence`` is used
so by a public charge-meter program). ``:SOURce:VOLTage:RANGe:AUTO`` is accepted because PyMeasure sends it. What
the text of a query reply
looks like is captured only where a comment says so and assumed elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulators.scpi import Tree
from simulators.scpi_parameters import Reader, ScpiError

if TYPE_CHECKING:
    from simulators.keithley_6517b import Keithley6517B

Run = Callable[..., Awaitable[str | None]]
ANY = 99


@dataclass(frozen=True)
class Entry:
    """What a header stands for, with the least and most parameters it takes."""

    run: Run
    least: int = 0
    most: int = 0
    measurement: bool = False

    def checked(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """The parameters if their number is right; raises -109 (missing) or -108 (too many)."""
        if len(arguments) < self.least:
            raise ScpiError(-109)
        if len(arguments) > self.most:
            raise ScpiError(-108)
        return arguments


def at_once(function: Callable[..., str | None]) -> Run:
    """A command that needs no waiting."""

    async def run(*arguments: str) -> str | None:
        return function(*arguments)

    return run


class Table:
    """Enters headers into the tree; ``unit`` is the instrument they act on."""

    def __init__(self, unit: Keithley6517B) -> None:
        self.unit = unit
        self.tree: Tree[Entry] = Tree()

    def query(self, header: str, answer: Callable[[], str], *, measurement: bool = False) -> None:
        self.tree.add(header + "?", Entry(at_once(answer), measurement=measurement))

    def waiting_query(self, header: str, answer: Run, *, measurement: bool = True) -> None:
        """A query that may wait for a conversion, and gives a reading unless said otherwise."""
        self.tree.add(header + "?", Entry(answer, measurement=measurement))

    def act(self, header: str, action: Callable[[], Any]) -> None:
        def run() -> None:
            action()

        self.tree.add(header, Entry(at_once(run)))

    def take(self, header: str, action: Callable[..., Any], least: int = 1, most: int = 1) -> None:
        def run(*arguments: str) -> None:
            action(*arguments)

        self.tree.add(header, Entry(at_once(run), least, most))

    def attribute(self, header: str, owner: Any, name: str, read: Reader, show: Callable[[Any], str]) -> None:
        """A setting that lives in an attribute of the model; a change begins the conversion anew."""

        def put(text: str) -> None:
            setattr(owner, name, read(text))
            self.unit.trigger.restart(self.unit.clock.now())

        self.take(header, put)
        self.asked(header, lambda: getattr(owner, name), read, show)

    def stored(self, header: str, default: object, read: Reader, show: Callable[[Any], str]) -> None:
        """A setting that is only remembered: it has no effect on what is simulated."""
        store = self.unit.settings
        store[header] = default

        def put(text: str) -> None:
            store[header] = read(text)

        self.take(header, put)
        self.asked(header, lambda: store[header], read, show)

    def asked(self, header: str, get: Callable[[], Any], read: Reader, show: Callable[[Any], str]) -> None:
        """The query of a setting; ``MIN``, ``MAX`` or ``DEF`` behind it asks for that value instead."""

        def run(which: str | None = None) -> str:
            return show(get() if which is None else read(which))

        self.tree.add(header + "?", Entry(at_once(run), 0, 1))


def command_tree(unit: Keithley6517B) -> Tree[Entry]:
    """Everything that can be said to the instrument, bound to ``unit``."""
    # late: the three tables import this module
    from simulators import keithley_reading_commands, keithley_sense_commands, keithley_system_commands  # noqa: PLC0415 - see above

    table = Table(unit)
    keithley_system_commands.enter(table)
    keithley_sense_commands.enter(table)
    keithley_reading_commands.enter(table)
    return table.tree
