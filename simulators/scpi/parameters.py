"""SCPI parameters: booleans, numbers, words and lists, each read strictly (SCPI-1999 volume 1; IEEE 488.2 section 7).

Every reader takes the parameter's text and returns a value or raises ``ScpiError`` with the standard's number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(\s*[eE]\s*[+-]?\d+)?")


class ScpiError(Exception):
    """An error that goes into the instrument's queue; ``code`` is its number there."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@cache
def short_form(word: str) -> str:
    """The capitals and digits of a mnemonic as the manuals print it: ``CHARge`` gives ``CHAR``."""
    return "".join(c for c in word if not c.islower())


def same_word(text: str, word: str) -> bool:
    """Whether ``text`` is the exact short or the exact long form of ``word``; nothing in between counts."""
    return text.upper() in (short_form(word), word.upper())


def boolean(text: str) -> bool:
    """``ON``, ``OFF``, or a number (rounded; 0 is off). Raises ScpiError -104."""
    if text.upper() in ("ON", "OFF"):
        return text.upper() == "ON"
    return round(plain_number(text)) != 0


def plain_number(text: str) -> float:
    """NRf: a number without a unit. Raises ScpiError -104 for words, as a number was expected."""
    if not NUMBER.fullmatch(text):
        raise ScpiError(-104)
    return float(re.sub(r"\s", "", text))


@dataclass(frozen=True)
class Number:
    """A number between ``low`` and ``high``; ``MIN``, ``MAX``, ``DEF`` stand for the limits and ``default``."""

    low: float
    high: float
    default: float

    def __call__(self, text: str) -> float:
        for word, value in (("MINimum", self.low), ("MAXimum", self.high), ("DEFault", self.default)):
            if same_word(text, word):
                return value
        value = plain_number(text)
        if not self.low <= value <= self.high:
            raise ScpiError(-222)
        return value


@dataclass(frozen=True)
class Count:
    """A whole number between ``low`` and ``high``, or ``INFinity`` where ``infinite`` says so."""

    low: int
    high: int
    default: int
    infinite: bool = False

    def __call__(self, text: str) -> float:
        if self.infinite and same_word(text, "INFinite"):
            return float("inf")
        value = Number(self.low, float("inf") if self.infinite else self.high, self.default)(text)
        if self.infinite and value > 9.0e37:
            return float("inf")
        if value > self.high:
            raise ScpiError(-222)
        return round(value)


@dataclass(frozen=True)
class Word:
    """One of the given mnemonics, returned in its short form."""

    words: Sequence[str]

    def __call__(self, text: str) -> str:
        for word in self.words:
            if same_word(text, word):
                return short_form(word)
        raise ScpiError(-224 if re.fullmatch(r"[A-Za-z]\w*", text) else -141)


def either(*readers: Callable[[str], object]) -> Callable[[str], object]:
    """The first reader that takes the text; the error of the last one when none does."""

    def read(text: str) -> object:
        for reader in readers[:-1]:
            try:
                return reader(text)
            except ScpiError:
                continue
        return readers[-1](text)

    return read


def bracketed(text: str) -> str:
    """A list in round brackets as it was written: ``(@1)``, ``(-440:+958)``. Raises ScpiError -102."""
    if not re.fullmatch(r"\(@?[\d+\-:,!\s]*\)", text):
        raise ScpiError(-102)
    return text


def quoted(text: str) -> str:
    """The inside of a quoted string; single and double quotes are both legal. Raises ScpiError -151."""
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        raise ScpiError(-151)
    return text[1:-1]


def show_bool(value: bool) -> str:
    """A switch as Keithley answers it: 1 or 0."""
    return str(int(value))


def show_number(value: float) -> str:
    """NR3 with six decimals, the style that sibling units print (6514: ``+2.100000E+00``); assumed for its sisters."""
    return f"{value:+.6E}"


def show_count(value: float) -> str:
    """A whole number; an infinite trigger count reads ``+9.9e37`` (captured from a real 6517A)."""
    return "+9.9e37" if value == float("inf") else str(int(value))


Reader = Callable[[str], object]
