"""The classic UNIDOS's words as far as they are known, pure: requests to bytes, reply bytes to facts.

Source: a public Python class for the T10001 family over a serial line. It presses keys and reads the display, so little
has a form of its own; forms that are stricter than the source are assumed, so that nothing else is taken for a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Declined, Garbled
from drivers.ptw.telegrams import must_be_echo
from drivers.strict_numbers import decimal, whole

RADIOLOGICAL_BIT = 2  # of ?F
TOP_MENU = 2  # characters of ?W; more inside a submenu
PREFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "\u00b5": -6, "m": -3, "k": 3}
UNITS = {"C": "charge", "Gy": "dose"}

_NUMBER = r"[+-]?[0-9]{1,5}(?:\.[0-9]{1,4})?"
_SHOWN = re.compile(rf" *({_NUMBER}) +({_NUMBER})")
_VOLTAGE = re.compile(r" *([+-]?[0-9]{1,3}) V")
_RANGE = re.compile(rf"([A-Za-z0-9]+)(?: [^ ]+)* ({_NUMBER}) ([^ ]+)")


@dataclass(frozen=True, slots=True)
class Range:
    """The range in force: its name, the most it shows, and the power of ten of what it shows."""

    name: str
    most: float
    exponent: int


def text_of(word: str, reply: bytes) -> str:
    """A reply as text (Latin-1). Raises Garbled for control characters."""
    text = reply.decode("latin-1")
    if not text or any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text):
        raise Garbled(f"The reply to {word} holds characters that no reply has.", reply)
    return text


def parse_echo(word: str, reply: bytes) -> None:
    """The echo of a key. How it refuses one is not known. Raises Garbled."""
    must_be_echo(word, text_of(word, reply), reply)


def parse_device(reply: bytes) -> str:
    """The version in the reply to PTW. Raises Garbled."""
    if not (found := re.fullmatch(r"UNIDOS ([0-9]\.[0-9]{1,2}[A-Za-z]?)(?: .*)?", text_of("PTW", reply))):
        raise Garbled("The reply to PTW is not that of a classic UNIDOS.", reply)
    return found[1]


def parse_serial(reply: bytes) -> str:
    """The reply to SER, with or without the word. Raises Garbled."""
    if not (found := re.fullmatch(r"(?:SER)? *([0-9A-Z-]{2,12})", text_of("SER", reply))):
        raise Garbled("The reply to SER is no serial number.", reply)
    return found[1]


def parse_radiological(reply: bytes) -> bool:
    """Whether it shows doses (?F). Raises Garbled."""
    if not re.fullmatch(r"[0-9]{1,3}", text := text_of("?F", reply)) or whole(text) > 255:
        raise Garbled(f"'{text[:20]}' is no flag byte.", reply)
    return bool(whole(text) >> RADIOLOGICAL_BIT & 1)


def parse_state(reply: bytes) -> str:
    """Three letters (?S). Raises Garbled."""
    if not re.fullmatch(r"[A-Z]{3}", text := text_of("?S", reply)):
        raise Garbled(f"'{text[:20]}' is no state.", reply)
    return text


def parse_menu(reply: bytes) -> str:
    """Where its menu stands (?W). Raises Garbled."""
    if not re.fullmatch(r"[0-9A-Za-z]{2,12}", text := text_of("?W", reply)):
        raise Garbled(f"'{text[:20]}' is no place in a menu.", reply)
    return text


def parse_unit(reply: bytes) -> str:
    """C or Gy (?U). Raises Declined for any other, Garbled."""
    text = text_of("?U", reply)
    if not re.fullmatch(r"[A-Za-z/]{1,6}", text):
        raise Garbled(f"'{text[:20]}' is no unit.", reply)
    if text not in UNITS:
        raise Declined(f"The UNIDOS shows {text}; set it to {' or '.join(UNITS)}.", reply)
    return text


def parse_range(reply: bytes) -> Range:
    """Name, ..., largest value and prefix (?R), separated by blanks. Raises Garbled."""
    found = _RANGE.fullmatch(text_of("?R", reply))
    if found is None or found[3] not in PREFIXES or decimal(found[2]) <= 0:
        raise Garbled("The reply to ?R is no range with a largest value and a prefix.", reply)
    return Range(found[1], decimal(found[2]), PREFIXES[found[3]])


def parse_shown(reply: bytes) -> tuple[float, float]:
    """Time in s, and what stands on the display (V). Raises Declined where that is no measurement, Garbled."""
    text = text_of("V", reply)
    if found := _VOLTAGE.fullmatch(text):
        raise Declined(f"The display shows the high voltage ({found[1]} V) and no measurement: leave the menu.", reply)
    if not (found := _SHOWN.fullmatch(text)) or decimal(found[1]) < 0:
        raise Garbled("The display shows no time with a value.", reply)
    return decimal(found[1]), decimal(found[2])
