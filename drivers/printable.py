"""Which characters of a text a person does not see: what names something may hold none of them.

The daemon shows text from outside with such characters escaped; it has a function of its own, since the drivers know
nothing of it.
"""

from __future__ import annotations

import unicodedata

# Controls, formats (bidirectional, zero-width, tags), surrogates, private use, unassigned, line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks without a look of their own (Unicode, Default_Ignorable_Code_Point), and the braille blank.
_IGNORED = frozenset(
    map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0,
              *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)  # fmt: skip


def hidden_in(text: str) -> str | None:
    """The first hidden character by code point and name ("U+202E RIGHT-TO-LEFT OVERRIDE"), or None."""
    if text.isascii() and text.isprintable():
        return None
    found = next((c for c in text if unicodedata.category(c) in _HIDDEN or c in _IGNORED), None)
    return None if found is None else f"U+{ord(found):04X} {unicodedata.name(found, '')}".rstrip()
