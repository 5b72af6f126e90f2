"""Telling reader files apart by what is in them, never by their names."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import Misuse
from drivers.files.records import FileReadings

FORMATS = ("winrems", "xsyg")


def sniff(data: bytes) -> str | None:
    """The format of a file's content, or None."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b'"M') and head[2:3].isdigit() and b"," in head[:20]:
        return "winrems"
    if head.startswith(b"<") and b"<Sample" in head:
        return "xsyg"
    return None


def parse_file(name: str, data: bytes, options: Mapping[str, str] | None = None) -> FileReadings:
    """Parse a reader's file. Raises Misuse, one sentence, when the format is not one of those known."""
    from drivers.winrems import parse_winrems  # noqa: PLC0415 - those modules use this one's package
    from drivers.xsyg import parse_xsyg  # noqa: PLC0415

    found = sniff(data)
    if found == "winrems":
        return parse_winrems(name, data)
    if found == "xsyg":
        return parse_xsyg(name, data, **(options or {}))
    raise Misuse(f"{name} is no reader file that is known here; known are {', '.join(FORMATS)}.")
