"""A message of HL7 v2 taken apart: bytes in, segments with fields, repetitions and components out (2.5.1, chapter 2).

The parser is the house's own: the public one logs what it cannot unescape, which may be a patient's name, and takes a
quarter of a minute for a field of 100 kB of escapes (python-hl7 0.4.5, measured).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from acquire.orders.problems import NotAnOrder

LARGEST = 1024 * 1024  # bytes of a message
MOST_SEGMENTS = 2000
MOST_MESSAGES = 100  # of a file
CHARSETS = {  # HL7 table 0211; those whose bytes cannot hold a control character of the transport
    "": "ascii", "ASCII": "ascii", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8",
    **{f"8859/{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}  # fmt: skip
_BREAKS = re.compile(rb"\r\n|\r|\n")
_ID = re.compile(r"[ -~]{1,199}")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The five of MSH-1 and MSH-2."""

    field: str
    component: str
    repetition: str
    escape: str
    sub: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; fields are counted from 1, as the standard counts them."""

    name: str
    fields: tuple[str, ...]
    by: Delimiters

    def raw(self, n: int) -> str:
        """A field as it is, delimiters and escapes in it; empty where there is none."""
        return self.fields[n - 1] if 0 < n <= len(self.fields) else ""

    def repetitions(self, n: int) -> list[str]:
        """The repetitions of a field, as they are."""
        return self.raw(n).split(self.by.repetition) if self.raw(n) else []

    def text(self, n: int, component: int = 1) -> str:
        """A component of a field's first repetition, its escapes resolved."""
        return self.of(next(iter(self.repetitions(n)), ""), component)

    def of(self, repetition: str, component: int = 1, sub: int = 1) -> str:
        """A component of a repetition, its escapes resolved; the explicit null ("") is empty."""
        parts = repetition.split(self.by.component)
        found = parts[component - 1] if component <= len(parts) else ""
        subs = found.split(self.by.sub)
        said = self.unescaped(subs[sub - 1] if sub <= len(subs) else "").strip()
        return "" if said == '""' else said

    def words(self, n: int) -> str:
        """A field of text (FT, TX, ST), all its components and repetitions as one, its escapes resolved."""
        return " ".join(self.unescaped(each) for each in self.repetitions(n)).strip()

    def unescaped(self, text: str) -> str:
        """A text with its escapes resolved; those of formatting become a blank, unknown ones nothing."""
        parts = text.split(self.by.escape)
        if len(parts) == 1:
            return text
        plain = {
            "F": self.by.field,
            "S": self.by.component,
            "T": self.by.sub,
            "R": self.by.repetition,
            "E": self.by.escape,
        }
        found = []
        for n, part in enumerate(parts):
            is_escape = n % 2 == 1 and n < len(parts) - 1
            found.append(plain.get(part, _formatted(part)) if is_escape else part)
        return "".join(found)


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its segments, the header first."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    @property
    def control_id(self) -> str:
        """MSH-10; empty where there is none that can be sent back."""
        found = self.header.text(10)
        return found if _ID.fullmatch(found) else ""

    @property
    def kind(self) -> tuple[str, str]:
        """Message code and trigger event: ("OMG", "O19")."""
        return self.header.text(9, 1), self.header.text(9, 2)

    @property
    def sender(self) -> tuple[str, str]:
        """Sending application and facility (MSH-3, MSH-4)."""
        return self.header.text(3), self.header.text(4)

    def named(self, *names: str) -> Iterator[Segment]:
        """The segments of these names, in order."""
        return (each for each in self.segments if each.name in names)


def header_of(body: bytes) -> Message | None:
    """The header alone, for an answer to a message that cannot be read; None where there is none."""
    line = _BREAKS.split(body[:4096].lstrip(b"\r\n"), maxsplit=1)[0]
    try:
        return Message((_segments([line.decode("ascii", "replace")])[0],))
    except NotAnOrder:
        return None


def message_of(body: bytes) -> Message:
    """A message from its bytes. Raises NotAnOrder, whose sentences hold nothing of the content."""
    if len(body) > LARGEST:
        raise NotAnOrder(f"the message has {len(body)} bytes; at most {LARGEST} are read.")
    header = header_of(body)
    if header is None:
        raise NotAnOrder("the message does not begin with a header (MSH) that names its delimiters.")
    named = header.header.text(18)
    codec = CHARSETS.get(named.upper())
    if codec is None:
        raise NotAnOrder(
            f"the character set '{named[:40]}' (MSH-18) is not read here; {', '.join(filter(None, CHARSETS))} are."
        )
    try:
        text = body.decode(codec)
    except UnicodeDecodeError as error:
        stated = f"are not {named}, which MSH-18 names" if named else "are not ASCII, and MSH-18 names no character set"
        raise NotAnOrder(f"bytes of the message {stated} (byte {error.start}).") from error
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line.strip()]
    if len(lines) > MOST_SEGMENTS:
        raise NotAnOrder(f"the message has {len(lines)} segments; at most {MOST_SEGMENTS} are read.")
    return Message(tuple(_segments(lines)))


def _segments(lines: list[str]) -> list[Segment]:
    first = lines[0] if lines else ""
    marks = first[3:8]
    usable = len(marks) == 5 and len(set(marks)) == 5 and marks.isprintable() and not any(c.isalnum() for c in marks)
    if not (first.startswith("MSH") and usable and first[8:9] in ("", marks[0], "#")):
        raise NotAnOrder("the message does not begin with a header (MSH) that names its delimiters.")
    by = Delimiters(marks[0], marks[1], marks[2], marks[3], marks[4])
    found = []
    for n, line in enumerate(lines):
        name, *fields = line.split(by.field)
        if n and not re.fullmatch(r"[A-Z][A-Z0-9]{2}", name):
            raise NotAnOrder(f"segment {n + 1} of the message has no name.")
        if n and name == "MSH":
            raise NotAnOrder("there are two messages (MSH) where one is wanted.")
        found.append(Segment(name, (by.field, *fields) if name == "MSH" else tuple(fields), by))
    return found


def _formatted(escape: str) -> str:
    if escape.startswith("X") and re.fullmatch(r"X(?:[0-9A-Fa-f]{2}){1,64}", escape):
        said = bytes.fromhex(escape[1:]).decode("utf-8", "replace")
        return "".join(c if c.isprintable() else " " for c in said)
    return " " if escape.startswith(".") else ""


def messages_of_file(body: bytes) -> list[bytes]:
    """The messages of a file: one or several, framed or not, in a batch or not. Raises NotAnOrder for too many."""
    lines = _BREAKS.split(body.removeprefix(b"\xef\xbb\xbf").replace(b"\x0b", b"").replace(b"\x1c", b""))
    found: list[list[bytes]] = []
    for line in lines:
        if line[:3] == b"MSH":
            found.append([])
        if found and line.strip() and line[:3] not in (b"FHS", b"BHS", b"BTS", b"FTS"):
            found[-1].append(line)
    if len(found) > MOST_MESSAGES:
        raise NotAnOrder(f"the file holds {len(found)} messages; at most {MOST_MESSAGES} are read.")
    return [b"\r".join(each) + b"\r" for each in found]
