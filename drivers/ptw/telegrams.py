"""What the serial PTW dosemeters share, pure: a word and CR LF, a reply that begins with the word or repeats it.

Source: MULTIDOS manual D177.131.2/0, chapter RS232; byte examples of open drivers of the DIAMENTOR and the UNIDOS.
"""

from __future__ import annotations

import re

from drivers.errors import Garbled

END = b"\r\n"


def request(word: str) -> bytes:
    """A word with its value behind it."""
    return word.encode("ascii") + END


def as_ascii(word: str, line: bytes, reply: bytes) -> str:
    """A line of a reply as text. Raises Garbled, with the reply, for what is no printable ASCII."""
    if not line.isascii() or any(byte < 0x20 or byte > 0x7E for byte in line):
        raise Garbled(f"The reply to {word} holds characters that no reply has.", reply)
    return line.decode("ascii")


def value_of(word: str, form: str, text: str, reply: bytes) -> str:
    """What stands behind the word, of a form (a regular expression). Raises Garbled."""
    if not text.startswith(word) or not re.fullmatch(form, text[len(word) :]):
        raise Garbled(f"'{text[:20]}' is no reply to {word}.", reply)
    return text[len(word) :]


def must_be_echo(word: str, text: str, reply: bytes) -> None:
    """Raises Garbled for anything but the word itself."""
    if text != word:
        raise Garbled(f"{word} was answered with '{text[:20]}'.", reply)
