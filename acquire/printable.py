"""Text from outside, made safe to look at: the one place that decides which characters a person does not see.

Control characters steer a terminal and write log lines of their own; bidirectional marks make a line read otherwise
than it is; zero-width characters make two different ids look alike (Unicode Technical Report 36, sections 2.5 and 3.3).
What is shown has them as escapes (\\u202e). Where a text is an identifier they are refused when it comes in.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from acquire.errors import Refused

# Controls, formats (bidirectional, zero-width, tags), surrogates, private use, unassigned, line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks without a look of their own (Unicode, DerivedCoreProperties, Default_Ignorable_Code_Point), and the
# braille blank.
_IGNORED = frozenset(
    map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0,
              *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)  # fmt: skip


def is_hidden(character: str) -> bool:
    """Whether a person would not see this character, or see others elsewhere because of it."""
    return unicodedata.category(character) in _HIDDEN or character in _IGNORED


def printable(text: str, keep: str = "\n") -> str:
    """The text with every hidden character as an escape; those in `keep` stay."""
    if text.isascii() and text.isprintable():
        return text
    odd = {ord(c): c.encode("unicode_escape").decode() for c in set(text) if c not in keep and is_hidden(c)}
    return text.translate(odd) if odd else text


def printable_json(document: str) -> str:
    """A JSON text with every hidden character of its strings as a JSON escape: the same document, safe to look at."""
    if document.isascii():
        return document.replace("\x7f", "\\u007f")
    odd = {ord(c): json.dumps(c)[1:-1] for c in set(document) if c != "\n" and is_hidden(c)}
    return document.translate(odd) if odd else document


def hidden_in(text: str, keep: str = "") -> str | None:
    """The first hidden character by code point and name ("U+202E RIGHT-TO-LEFT OVERRIDE"), or None."""
    if text.isascii() and text.isprintable():
        return None
    found = next((c for c in text if c not in keep and is_hidden(c)), None)
    return None if found is None else f"U+{ord(found):04X} {unicodedata.name(found, '')}".rstrip()


def must_be_seen(**texts: str | None) -> None:
    """Raises Refused for a text that holds a hidden character, naming the text and the code point."""
    for name, text in texts.items():
        if text is not None and (found := hidden_in(text, keep="\n\t")) is not None:
            raise Refused(f"The {name.replace('_', ' ')} holds {found}, which nobody sees; write it without.")


def first_hidden(value: Any, where: tuple[int | str, ...] = ()) -> tuple[tuple[int | str, ...], str] | None:
    """Place and code point of the first hidden character in a document of lists, tables and texts; line ends stay."""
    if isinstance(value, str):
        found = hidden_in(value, keep="\n\r\t")
        return None if found is None else (where, found)
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        in_key = hidden_in(key) if isinstance(key, str) else None
        here = ((*where, printable(key)), in_key) if in_key else first_hidden(each, (*where, key))
        if here is not None:
            return here
    return None
