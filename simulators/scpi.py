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
from dataclasses import dataclass
from itertools import product
from typing import Generic, TypeVar

from simulators.scpi_parameters import ScpiError, short_form

H = TypeVar("H")
NODE = re.compile(r"(\[?):?([A-Za-z*]+\d*)(\[1\])?(\]?)")
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


def spellings(pattern: str) -> Iterator[tuple[str, ...]]:
    """Every path that a header of the manual accepts: ``[:SENSe[1]]:CHARge:RANGe[:UPPer]`` has forty."""
    choices: list[list[tuple[str, ...]]] = []
    for opening, word, one, _closing in NODE.findall(pattern):
        forms = {short_form(word), word.upper()}
        if one:
            forms |= {form + "1" for form in forms}
        steps: list[tuple[str, ...]] = [(form,) for form in sorted(forms)]
        choices.append([(), *steps] if opening else steps)
    for combination in product(*choices):
        yield tuple(step for part in combination for step in part)


class Tree(Generic[H]):
    """Headers of an instrument and what each stands for; setting and asking are separate entries."""

    def __init__(self) -> None:
        self._entries: dict[tuple[tuple[str, ...], bool], H] = {}

    def add(self, pattern: str, entry: H) -> None:
        """Enter a header as the manual prints it, with ``?`` at its end when it asks."""
        query = pattern.endswith("?")
        for path in spellings(pattern.rstrip("?")):
            self._entries[path, query] = entry

    def find(self, command: Command) -> H:
        """What the command stands for; raises -113 for an unknown header."""
        try:
            return self._entries[command.path, command.query]
        except KeyError:
            raise ScpiError(-113) from None
