"""Rows of the separated text files that CMS publishes: any separator, quotes over several lines, a byte order mark.

The files are many people's saves of one spreadsheet: comma, semicolon or tab, Windows or UTF-8 letters.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from acquire.errors import FileProblem

LARGEST = 64 * 1024 * 1024  # bytes; the pairs of practitioners come in parts of some 20 MB
_LONGEST_FIELD = 4096
_HEADER_WITHIN = 60


def rows(body: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every row, fields with their blanks joined. Raises FileProblem."""
    if body[:2] == b"PK":
        raise FileProblem(f"{name} is a packed file (a spreadsheet or an archive); save it as text with separators.")
    text = _text(body, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=False)
    try:
        for fields in reader:
            if any(len(each) > _LONGEST_FIELD for each in fields):
                raise FileProblem(
                    f"{name}: line {reader.line_num} has a field of more than {_LONGEST_FIELD} characters."
                )
            yield reader.line_num, [" ".join(each.split()) for each in fields]
    except csv.Error as error:
        raise FileProblem(f"{name}: line {reader.line_num} cannot be read as separated text ({error}).") from error


def table(body: bytes, name: str, wanted: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below the heading: (line, what stands in each wanted column). `wanted`: key, and how its heading begins.

    Raises FileProblem where no row near the top has all of these headings.
    """
    places: dict[str, int] | None = None
    for n, (line, fields) in enumerate(rows(body, name)):
        if places is None:
            places = _places(fields, wanted)
            if places is None and n >= _HEADER_WITHIN:
                break
        elif any(fields):
            yield line, {key: fields[at] if at < len(fields) else "" for key, at in places.items()}
    if places is None:
        raise FileProblem(f"{name} has no heading with {', '.join(wanted.values())}; is it such a table?")


def _places(fields: list[str], wanted: dict[str, str]) -> dict[str, int] | None:
    heads = [_plain(each) for each in fields]
    found = {}
    for key, begins in wanted.items():
        at = next((n for n, head in enumerate(heads) if head.startswith(_plain(begins))), None)
        if at is None:
            return None
        found[key] = at
    return found


def _plain(heading: str) -> str:
    return "".join(each for each in heading.casefold() if each.isalnum())


def _text(body: bytes, name: str) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    text = body.decode("utf-8-sig", "surrogateescape")
    text = text.encode("utf-8", "surrogateescape").decode("cp1252", "replace") if _is_not_utf8(text) else text
    if "\x00" in text:
        raise FileProblem(f"{name} holds zero bytes; it is no text.")
    return text


def _is_not_utf8(text: str) -> bool:
    return any("\udc80" <= each <= "\udcff" for each in text)


def _separator(text: str) -> str:
    """What separates most often in the heading; commas also stand in the sentences of the notice."""
    first = text[:20_000]
    heading = next((line for line in first.splitlines() if _plain(line).startswith(("hcpcs", "column1"))), first)
    return max("\t;|,", key=lambda each: (heading.count(each), each == "\t"))
