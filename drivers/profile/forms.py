"""The forms that a profile's replies have: its patterns, layouts and repeated parts, each made one whole pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from drivers.profile.automaton import Positions, positions
from drivers.profile.document import Column, Profile, Reading
from drivers.profile.expression import (
    PRINTABLE,
    Chars,
    Group,
    Node,
    PatternProblem,
    Repeat,
    Sequence,
    compiled,
    groups_of,
    literal,
    parsed,
    renamed,
)

Where = tuple[str | int, ...]
ITEM = "__"  # stands between a field and the number of its item; a field's own name cannot hold it


@dataclass(frozen=True)
class Form:
    """One whole pattern, and the place in the file where it stands."""

    where: Where
    node: Node

    @cached_property
    def regex(self) -> re.Pattern[bytes]:
        """As it is matched."""
        return compiled(self.node)

    @cached_property
    def positions(self) -> Positions:
        """As it is held against itself and others. Raises PatternProblem."""
        return positions(self.node)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The names of its groups, those of the items with their number."""
        return tuple(groups_of(self.node))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields, each once."""
        return tuple(dict.fromkeys(name.partition(ITEM)[0] for name in self.groups))


def form_of(where: Where, pattern: str) -> Form:
    """Of a pattern as it stands. Raises PatternProblem."""
    node = parsed(pattern)
    _refuse_doubles(node)
    return Form(where, node)


def way_of(reading: Reading) -> str:
    """The key that says what form a reading has."""
    return "pattern" if reading.pattern is not None else "layout" if reading.layout else "each"


def reading_form(name: str, reading: Reading, channels: tuple[str, ...]) -> Form:
    """The form of a reading's reply. Raises PatternProblem."""
    where = ("reading", name, way_of(reading))
    if reading.pattern is not None:
        return form_of(where, reading.pattern)
    if reading.layout:
        node = Sequence(tuple(_column(each) for each in reading.layout))
        _refuse_doubles(node)
        return Form(where, node)
    return Form(where, _repeated(reading, len(channels)))


def _column(each: str | Column) -> Node:
    if isinstance(each, str):
        return literal(each)
    return Group(each.field, Repeat(Chars(PRINTABLE), each.width, each.width))


def _repeated(reading: Reading, count: int) -> Node:
    head, each, tail = parsed(reading.head), parsed(reading.each or ""), parsed(reading.tail)
    between = parsed(reading.between)
    if groups_of(between):
        raise PatternProblem("'between' has a group; what stands between two channels belongs to neither")
    _refuse_doubles(Sequence((head, each, tail)))
    parts: list[Node] = [head]
    for n in range(count):
        parts += [between] if n else []
        parts.append(renamed(each, f"{ITEM}{n}"))
    return Sequence((*parts, tail))


def _refuse_doubles(node: Node) -> None:
    names = groups_of(node)
    if double := next((name for name in names if names.count(name) > 1), None):
        raise PatternProblem(f"the group '{double}' stands twice in one pattern")


def plain_patterns(profile: Profile) -> Iterator[tuple[Where, str]]:
    """Every other pattern of a profile, with its place."""
    if profile.identity is not None:
        yield ("identity", "pattern"), profile.identity.pattern
    for name, error in profile.error.items():
        yield ("error", name, "pattern"), error.pattern
    for table in ("setup", "stand_down"):
        for n, each in enumerate(getattr(profile, table)):
            if each.reply is not None:
                yield (table, n, "reply"), each.reply
    for name, setting in profile.setting.items():
        yield ("setting", name, "answer"), setting.answer
        if setting.reply is not None:
            yield ("setting", name, "reply"), setting.reply
    for name, command in profile.command.items():
        if command.reply is not None:
            yield ("command", name, "reply"), command.reply


@dataclass(frozen=True)
class Forms:
    """All forms of a profile by their place."""

    readings: dict[str, Form]
    others: dict[Where, Form]

    @property
    def errors(self) -> list[Form]:
        """Those of the replies that say no."""
        return [form for where, form in self.others.items() if where[0] == "error"]

    def all(self) -> list[Form]:
        """Every one."""
        return [*self.readings.values(), *self.others.values()]
