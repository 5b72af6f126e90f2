"""The XML of an XSYG file as records with their byte offsets: Sample > Sequence > Record > Curve.

Nothing of a reader's file needs a document type: one is refused, and with it every entity that could be declared.

XLUM writes the same names small. The nesting is known from public files and an open reader.
"""

from __future__ import annotations

import re
import xml.parsers.expat
from dataclasses import dataclass, field

from drivers.files.records import Piece, unended
from drivers.files.text import head, is_wide, stated

DEEPEST = 100  # Sample, Sequence, Record, Curve and what may come; a million open elements take 100 MB


class NotXsyg(ValueError):
    """The file cannot be read; the text says why. may_complete: it may only be half written."""

    def __init__(self, why: str, may_complete: bool) -> None:
        super().__init__(why)
        self.may_complete = may_complete


@dataclass(slots=True)
class Curve:
    """A curve: its attributes, and its text in the chunks that came."""

    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Record:
    """A record with the attributes of what it lies in. `begin` and `end`: byte offsets in the text parsed."""

    attributes: dict[str, str]
    sample: dict[str, str]
    sequence: dict[str, str]
    begin: int
    end: int = 0
    curves: list[Curve] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds. lenient: it was not in the encoding it claims and was read as Latin-1."""

    records: list[tuple[Record, Piece]]
    sequences: int
    lenient: bool


def begins_with(root: re.Pattern[str], data: bytes) -> bool:
    """Whether it is XML in which such an element begins near the beginning. Never raises."""
    text = head(data)
    return text.startswith("<") and root.search(text) is not None


def read(data: bytes) -> Document:
    """The records of a file, each with its piece of it. Raises NotXsyg."""
    encoding, mark = stated(data)
    if is_wide(encoding):
        return _wide(data, encoding, mark)
    try:
        return _document(_Handler(None).read(data), data, lenient=False)
    except NotXsyg:
        if _is_utf8(data):
            raise
        return _document(_Handler("iso-8859-1").read(data), data, lenient=True)


def _wide(data: bytes, encoding: str, mark: int) -> Document:
    """UTF-16: read as UTF-8, with the pieces of the file as they are; a record has the name it has in UTF-8."""
    try:
        narrow = data[mark:].decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise NotXsyg(f"it begins as UTF-16 and is none ({error.reason})", may_complete=True) from error
    found = _document(_Handler("utf-8").read(narrow), narrow, lenient=False)
    records = []
    at, offset = 0, mark
    for record, piece in found.records:
        offset += len(narrow[at : piece.offset].decode().encode(encoding))
        raw = piece.raw.decode().encode(encoding)
        records.append((record, Piece(offset, raw, unended(piece.raw))))
        at, offset = piece.offset + len(piece.raw), offset + len(raw)
    return Document(records, found.sequences, lenient=False)


def _document(handler: _Handler, data: bytes, *, lenient: bool) -> Document:
    pieces = (Piece(r.begin, data[r.begin : data.index(b">", r.end) + 1]) for r in handler.records)
    return Document(list(zip(handler.records, pieces, strict=True)), handler.sequences, lenient)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _Handler:
    """Collects records while expat reads."""

    def __init__(self, encoding: str | None) -> None:
        self.records: list[Record] = []
        self.sequences = 0
        self._depth = 0
        self._sample: dict[str, str] = {}
        self._sequence: dict[str, str] = {}
        self._record: Record | None = None
        self._curve: Curve | None = None
        self._parser = xml.parsers.expat.ParserCreate(encoding)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, data: bytes) -> _Handler:
        try:
            self._parser.Parse(data, True)
        except xml.parsers.expat.ExpatError as error:
            raise NotXsyg(str(error), may_complete=True) from error
        except (ValueError, LookupError) as error:  # an encoding that nobody knows
            if isinstance(error, NotXsyg):
                raise
            raise NotXsyg(str(error), may_complete=False) from error
        return self

    def _doctype(self, *_: object) -> None:
        raise NotXsyg("it declares a document type or XML entities, which a reader's file never does", False)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotXsyg(
                f"elements stand more than {DEEPEST} deep in elements, which a reader's file never has", False
            )
        tag = tag.rsplit(":", 1)[-1].capitalize()
        if tag == "Sample":
            self._sample = attributes
        elif tag == "Sequence":
            self.sequences += 1
            self._sequence = attributes
        elif tag == "Record":
            self._record = Record(attributes, self._sample, self._sequence, self._parser.CurrentByteIndex)
        elif tag == "Curve" and self._record is not None:
            self._curve = Curve(attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        tag = tag.rsplit(":", 1)[-1].capitalize()
        if tag == "Curve" and self._record is not None and self._curve is not None:
            self._record.curves.append(self._curve)
            self._curve = None
        elif tag == "Record" and self._record is not None:
            self._record.end = self._parser.CurrentByteIndex
            self.records.append(self._record)
            self._record = None

    def _text(self, text: str) -> None:
        if self._curve is not None:
            self._curve.text.append(text)
