"""The SCPI message rules that a simulated instrument keeps (SCPI-1999 volume 1 chapter 6; IEEE 488.2 chapter 7).

A program message is cut at semicolons outside quotes. A header without a leading colon continues in the subtree
of the one before, a
common command (``*RST``) does not move the subtree, every node is its exact short or long form, and square
brackets mark nodes that may
be left out. What is behind an invalid command in the same message is not executed (6514 manual).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Generic, TypeVar

from simulators.scpi.parameters import ScpiError, short_form

H = TypeVar("H")
NODE = re.compile(r"(\[?):?([A-Za-z*][A-Za-z0-9*]*)(\[1\])?(\]?)")
HEADER = re.compile(r":?\*?[A-Za-z][A-Za-z0-9_:]*\??")


@dataclass(frozen=True)
class Command:
    """One unit of a message: full path in capitals, whether it asks, and the parameter texts."""

    path: tuple[str, ...]
    query: bool
    arguments: tuple[str, ...]


def cut(text: str, separator: str) -> list[str]:
    """Cut at ``separator`` outside quotes, strip white space; raises -151 for a quote that never closes."""
    parts, quote, current = [], "", ""
    for c in text:
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c == separator:
            parts.append(current.strip())
            current = ""
            continue
        current += c
    if quote:
        raise ScpiError(-151)
    return [*parts, current.strip()]


def parse(message: str) -> Iterator[Command]:
    """The units of a message one after the other, so that those before an error have already been executed when
    it is raised.
    """
    branch: tuple[str, ...] = ()
    for unit in cut(message, ";"):
        if not unit:
            continue
        header, rest = [*re.split(r"\s+", unit, maxsplit=1), ""][:2]
        if not HEADER.fullmatch(header):
            raise ScpiError(-101 if not header.isascii() else -102)
        query = header.endswith("?")
        words = header.rstrip("?").upper()
        arguments = tuple(cut(rest, ",")) if rest else ()
        if words.lstrip(":").startswith("*"):
            yield Command((words.lstrip(":"),), query, arguments)
            continue
        steps = tuple(words.lstrip(":").split(":"))
        path = steps if words.startswith(":") else branch + steps
        branch = path[:-1]
        yield Command(path, query, arguments)


@cache
def nodes_of(pattern: str) -> list[tuple[str, str, str, str]]:
    """The words of a header as the manual prints it, each with what opens it, a 1 it may carry, and what closes it."""
    return NODE.findall(pattern)


@dataclass(eq=False, slots=True)
class Node(Generic[H]):
    """One word of the command tree: what follows it, and what it does when it ends a header."""

    children: dict[str, Node[H]] = field(default_factory=dict)
    setting: H | None = None
    asking: H | None = None

    def child(self, word: str, one: bool) -> Node[H]:
        """The node behind ``word`` of a manual, reached by its short or long form, with a 1 behind it where ``one``."""
        short = short_form(word)
        node = self.children.get(short)
        if node is None:
            node = self.children[short] = self.children[word.upper()] = Node()
        if one:
            self.children[short + "1"] = self.children[word.upper() + "1"] = node
        return node


class Tree(Generic[H]):
    """Headers of an instrument and what each stands for; setting and asking are separate entries."""

    def __init__(self) -> None:
        self._root: Node[H] = Node()

    def add(self, pattern: str, entry: H) -> None:
        """Enter a header as the manual prints it, with ``?`` at its end when it asks."""
        ends = [self._root]
        for opening, word, one, _closing in nodes_of(pattern.rstrip("?")):
            deeper = [node.child(word, bool(one)) for node in ends]
            ends = ends + deeper if opening else deeper
        for node in ends:
            if pattern.endswith("?"):
                node.asking = entry
            else:
                node.setting = entry

    def find(self, command: Command) -> H:
        """What the command stands for; raises -113 for an unknown header."""
        node: Node[H] | None = self._root
        for word in command.path:
            node = node.children.get(word) if node else None
        entry = (node.asking if command.query else node.setting) if node else None
        if entry is None:
            raise ScpiError(-113)
        return entry
