"""The command table of a simulated SCPI instrument: each header as its manual prints it, with what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from simulators.instrument import CommandInfo
from simulators.scpi.messages import Command, Tree
from simulators.scpi.parameters import Reader, ScpiError

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
    """Enters headers into the tree. ``settings`` keeps what is only remembered; ``changed`` hears of every change that
    spoils the measurement under way.
    """

    def __init__(self, settings: dict[str, object], changed: Callable[[], None]) -> None:
        self._settings, self._changed = settings, changed
        self._tree: Tree[Entry] = Tree()
        self._listed: dict[str, CommandInfo] = {}

    def find(self, command: Command) -> Entry:
        """What the command stands for; raises -113 for an unknown header."""
        return self._tree.find(command)

    def commands(self) -> list[CommandInfo]:
        """Every header entered, in that order."""
        return list(self._listed.values())

    def query(self, header: str, answer: Callable[[], str], *, measurement: bool = False) -> None:
        """A query that is answered at once."""
        self._enter(header, Entry(at_once(answer), measurement=measurement), asks=True)

    def waiting_query(self, header: str, answer: Run, *, measurement: bool = True) -> None:
        """A query that may wait for a conversion, and gives a reading unless said otherwise."""
        self._enter(header, Entry(answer, measurement=measurement), asks=True)

    def act(self, header: str, action: Callable[[], Any]) -> None:
        """A command without parameter."""

        def run() -> None:
            action()

        self._enter(header, Entry(at_once(run)))

    def waiting_act(self, header: str, action: Run) -> None:
        """A command without parameter that holds up those behind it."""
        self._enter(header, Entry(action))

    def ignored(self, header: str, read: Reader | None = None) -> None:
        """A command that is accepted and changes nothing here."""

        def run(text: str = "") -> None:
            if read is not None:
                read(text)

        count = int(read is not None)
        self._enter(header, Entry(at_once(run), count, count), simulated=False)

    def take(self, header: str, action: Callable[..., Any], least: int = 1, most: int = 1) -> None:
        """A command with parameters."""

        def run(*arguments: str) -> None:
            action(*arguments)

        self._enter(header, Entry(at_once(run), least, most))

    def attribute(
        self, header: str, owner: Any, name: str, read: Reader, show: Callable[[Any], str], *, spoils: bool = True
    ) -> None:
        """A setting that lives in an attribute of the instrument; where it ``spoils``, the conversion begins anew."""

        def put(text: str) -> None:
            setattr(owner, name, read(text))
            if spoils:
                self._changed()

        self.take(header, put)
        self.asked(header, lambda: getattr(owner, name), read, show)

    def stored(self, header: str, default: object, read: Reader, show: Callable[[Any], str]) -> None:
        """A setting that is only remembered: it has no effect on what is simulated."""
        self._settings.setdefault(header, default)

        def put(text: str) -> None:
            self._settings[header] = read(text)

        self._enter(header, Entry(at_once(put), 1, 1), simulated=False)
        self.asked(header, lambda: self._settings[header], read, show)

    def asked(self, header: str, get: Callable[[], Any], read: Reader, show: Callable[[Any], str]) -> None:
        """The query of a setting; ``MIN``, ``MAX`` or ``DEF`` behind it asks for that value instead."""

        def run(which: str | None = None) -> str:
            return show(get() if which is None else read(which))

        self._enter(header, Entry(at_once(run), 0, 1), asks=True)

    def _enter(self, header: str, entry: Entry, *, asks: bool = False, simulated: bool = True) -> None:
        self._tree.add(header + "?" * asks, entry)
        before = self._listed.get(header)
        self._listed[header] = CommandInfo(
            header,
            sets=not asks or (before is not None and before.sets),
            asks=asks or (before is not None and before.asks),
            simulated=simulated if before is None else before.simulated,
        )
