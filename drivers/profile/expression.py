"""The patterns of a profile: a small part of regular expressions, every repetition of which has an end.

Letters, [classes], \\d, (?:groups), (?P<name>groups), a|b, and {n}, {n,m} and ? behind any of them. What is written in
it can be held against another (drivers.profile.automaton), and cannot run for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

MOST_TIMES = 64
DEEPEST = 12
NAME = re.compile(r"[a-z](?:_?[a-z0-9]){0,30}")
_BRACES = re.compile(r"\{([0-9]{1,3})(?:(,)([0-9]{1,3}))?\}")
_SPECIAL = "\\()[]{}|?*+^$."


class PatternProblem(ValueError):
    """A pattern that is not allowed; the message is the rest of a sentence."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One byte out of a set; bit n of `mask` stands for byte n."""

    mask: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of several."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part `low` to `high` times."""

    part: Node
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Group:
    """What a field takes."""

    name: str
    part: Node


Node: TypeAlias = Chars | Sequence | Either | Repeat | Group


def mask_of(values: Iterator[int] | range) -> int:
    """The set of some bytes."""
    return sum(1 << value for value in set(values))


DIGITS = mask_of(range(0x30, 0x3A))
PRINTABLE = mask_of(range(0x20, 0x7F))


def literal(text: str) -> Node:
    """A text as it stands."""
    return Sequence(tuple(Chars(1 << _byte(each)) for each in text))


def groups_of(node: Node) -> list[str]:
    """The names of the groups, in order."""
    match node:
        case Group(name=name, part=part):
            return [name, *groups_of(part)]
        case Sequence(parts=parts) | Either(options=parts):
            return [name for part in parts for name in groups_of(part)]
        case Repeat(part=part):
            return groups_of(part)
        case _:
            return []


def renamed(node: Node, ending: str) -> Node:
    """The same with another name for each group, for a form that stands several times in one reply."""
    match node:
        case Group(name=name, part=part):
            return Group(name + ending, part)
        case Sequence(parts=parts):
            return Sequence(tuple(renamed(each, ending) for each in parts))
        case _:
            return node


def compiled(node: Node) -> re.Pattern[bytes]:
    """As the library matches it."""
    return re.compile(_written(node).encode("ascii"))


def parsed(text: str) -> Node:
    """Read a pattern. Raises PatternProblem."""
    reader = _Reader(text)
    node = reader.either(0)
    if reader.at < len(text):
        raise PatternProblem(f"the pattern '{text}' closes a bracket that it never opened")
    _check_groups(node, text)
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def problem(self, what: str) -> PatternProblem:
        return PatternProblem(f"the pattern '{self.text}' has at character {self.at + 1} {what}")

    def comes(self, word: str) -> bool:
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def either(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self.problem(f"brackets more than {DEEPEST} deep")
        options = [self.sequence(depth)]
        while self.comes("|"):
            options.append(self.sequence(depth))
        return options[0] if len(options) == 1 else Either(tuple(options))

    def sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.times(self.one(depth)))
        return Sequence(tuple(parts))

    def times(self, part: Node) -> Node:
        found = self.text[self.at : self.at + 1]
        if found in ("*", "+"):
            raise self.problem(f"a '{found}', which has no end; say how many: {{1,8}}")
        if self.comes("?"):
            low, high = 0, 1
        elif match := _BRACES.match(self.text, self.at):
            self.at = match.end()
            low = int(match[1])
            high = int(match[3]) if match[2] else low
        else:
            return part
        if not low <= high <= MOST_TIMES or high == 0:
            raise self.problem(f"a number of times that cannot be; allowed are 1 to {MOST_TIMES}, the smaller first")
        if self.text[self.at : self.at + 1] in ("?", "*", "+", "{"):
            raise self.problem("a second number of times behind the first")
        return Repeat(part, low, high)

    def one(self, depth: int) -> Node:
        if self.comes("(?P<"):
            name = self.text[self.at :].partition(">")[0]
            if not NAME.fullmatch(name):
                raise self.problem("a group without a name of small letters, digits and _")
            self.at += len(name) + 1
            return Group(name, self.closed(depth))
        if self.comes("(?:"):
            return self.closed(depth)
        if self.text.startswith("(", self.at):
            raise self.problem("a bracket '('; allowed are (?:...) and (?P<name>...)")
        if self.comes("["):
            return Chars(self.klass())
        if self.comes("."):
            return Chars(PRINTABLE)
        return Chars(self.character(_SPECIAL))

    def closed(self, depth: int) -> Node:
        inside = self.either(depth + 1)
        if not self.comes(")"):
            raise self.problem("a bracket that is not closed")
        return inside

    def character(self, special: str) -> int:
        """The mask of one character, escaped or not."""
        if self.comes("\\"):
            return self.escaped()
        each = self.text[self.at : self.at + 1]
        if not each or each in special:
            raise self.problem(f"'{each}', which needs a \\ before it" if each else "an end too early")
        mask = 1 << _byte(each)
        self.at += 1
        return mask

    def escaped(self) -> int:
        each = self.text[self.at : self.at + 1]
        self.at += 1
        if each == "d":
            return DIGITS
        if each == "t":
            return 1 << 9
        if each == "x" and re.fullmatch("[0-9A-Fa-f]{2}", self.text[self.at : self.at + 2]):
            self.at += 2
            return 1 << int(self.text[self.at - 2 : self.at], 16)
        if not each or each.isalnum() or ord(each) > 0x7E:
            raise self.problem(r"an escape that is not known here; allowed are \d, \t, \xHH and \ before a sign")
        return 1 << ord(each)

    def klass(self) -> int:
        """The set in [brackets]."""
        turned, mask = self.comes("^"), 0
        while not self.comes("]"):
            low = self.character("]")
            if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
                self.at += 1
                mask |= self.between(low, self.character("]"))
            else:
                mask |= low
        if turned:
            mask = PRINTABLE & ~mask
        if not mask:
            raise self.problem("a class that holds nothing")
        return mask

    def between(self, low: int, high: int) -> int:
        first, last = low.bit_length() - 1, high.bit_length() - 1
        if low.bit_count() != 1 or high.bit_count() != 1 or first > last:
            raise self.problem("a class with a range that goes backwards")
        return mask_of(range(first, last + 1))


def _byte(each: str) -> int:
    if ord(each) > 0xFF:
        raise PatternProblem(f"'{each}' is no single byte in any encoding that is known here")
    return ord(each)


def _check_groups(node: Node, text: str, within: str = "") -> None:
    """A field that may be missing, or come twice, would be believed as something else."""
    match node:
        case Group(name=name, part=part):
            if within:
                raise PatternProblem(f"the group '{name}' of '{text}' stands inside {within}, so it may be missing")
            _check_groups(part, text, f"the group '{name}'")
        case Repeat(part=part):
            _check_groups(part, text, within or "something that comes a number of times")
        case Either(options=options):
            for each in options:
                _check_groups(each, text, within or "one of several ways")
        case Sequence(parts=parts):
            for each in parts:
                _check_groups(each, text, within)
        case Chars():
            pass


def _written(node: Node) -> str:
    match node:
        case Chars(mask=mask):
            return "[" + "".join(rf"\x{n:02x}" for n in range(256) if mask >> n & 1) + "]"
        case Sequence(parts=parts):
            return "".join(map(_written, parts))
        case Either(options=options):
            return f"(?:{'|'.join(map(_written, options))})"
        case Repeat(part=part, low=low, high=high):
            return f"(?:{_written(part)}){{{low},{high}}}"
        case Group(name=name, part=part):
            return f"(?P<{name}>{_written(part)})"
