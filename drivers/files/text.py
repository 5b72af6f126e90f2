"""The text in a reader's file: byte order marks, UTF-16, and the code pages of Windows.

Byte order marks are Unicode's; that the files of readers begin with a quote or "<" was observed in published ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from drivers.files.records import Piece, unended

MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
LINE = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n)|[^\r\n]++")
BYTES_LINE = re.compile(rb"[^\r\n]*+(?:\r\n|\r|\n)|[^\r\n]++")
HEAD = 16384


def stated(data: bytes) -> tuple[str, int]:
    """The encoding that a file's first bytes tell, and the length of its byte order mark; ("", 0) where they do not.

    Files of readers begin with a quote or "<"; with a zero byte beside it that is UTF-16 without a mark.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return encoding, len(mark)
    if data[:2] in (b'"\0', b"<\0"):
        return "utf-16-le", 0
    return ("utf-16-be", 0) if data[:2] in (b'\0"', b"\0<") else ("", 0)


def is_wide(encoding: str) -> bool:
    """Whether two bytes make one unit of text."""
    return encoding.startswith("utf-16")


def head(data: bytes) -> str:
    """The beginning of a file as text, to recognise it by. Never raises."""
    encoding, mark = stated(data)
    return data[mark : mark + HEAD].decode(encoding if is_wide(encoding) else "latin-1", "replace").lstrip()


def lines(data: bytes) -> Iterator[tuple[Piece, str]]:
    """Each line with its text, without the byte order mark; a line that is not UTF-8 is read as Latin-1. Never raises.

    A line of UTF-16 has the name of the same line in UTF-8; half of a surrogate pair in it, which is no character and
    can be written down nowhere, is read as its code (\\ud9a1).
    """
    encoding, offset = stated(data)
    if is_wide(encoding):
        whole = len(data) - (len(data) - offset) % 2  # half a unit at the end is still being written
        for found in LINE.finditer(data[offset:whole].decode(encoding, "surrogatepass")):
            line = found[0]
            raw = line.encode(encoding, "surrogatepass")
            yield Piece(offset, raw, unended(line.encode("utf-8", "surrogatepass"))), _visible(line)
            offset += len(raw)
        return
    for each in BYTES_LINE.finditer(data, offset):  # one after the other: all at once would be thirty times the file
        yield Piece(each.start(), each[0]), _text(each[0])


def _visible(line: str) -> str:
    return line.encode("utf-8", "backslashreplace").decode()


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
