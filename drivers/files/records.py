"""What parsing a reader's file gives: samples with the bytes they came from, and rejected pieces with a reason.

Pure: no clock and no folder. A record is named by what it says, whatever line ends a copy has given it.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from struct import Struct
from typing import get_args

import msgspec

from drivers.printable import hidden_in
from drivers.reading import Axis, Flag, Kind, Sample

KEPT_OF_RECORD = 128 * 1024  # bytes; escaped for JSON at its worst (six for one) it still fits into one message
KEPT_OF_STRANGER = 4096  # bytes of a file that no format knows
KINDS = tuple(kind for kind in get_args(Kind) if kind != "unparsed")
NUMBERS = b"0123456789.-+eE,"  # of JSON: not null, which a NaN becomes, and no text and no list
_PLAIN_LATELY: deque[tuple[float, ...]] = deque(maxlen=8)  # columns: records of one disc share their temperatures
_UNPACKED: deque[tuple[float, ...]] = deque(maxlen=2)  # columns that were unpacked as integers a moment ago
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Sample)
ORIGIN = frozenset({"file", "offset", "length", "sha256"})  # what says where a sample came from
ENDS = b" \t\r\n\x1a"  # 0x1A: what DOS programs write at the end of a text


class Piece(msgspec.Struct, frozen=True):
    """A piece of a file: byte offset, the bytes, and what names it where the bytes themselves do not.

    Without `identity` it is text: line ends and what stands around it do not belong to what it says. A format of
    bytes gives identity=raw.
    """

    offset: int
    raw: bytes
    identity: bytes | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) of what the piece says: the same in a copy with other line ends."""
        return _sha256(unended(self.raw) if self.identity is None else self.identity)


def unended(raw: bytes) -> bytes:
    """Text without blanks, line ends and 0x1A around it, its inner line ends LF."""
    return raw.replace(b"\r\n", b"\n").strip(ENDS)


class BadRecord(ValueError):
    """Something in a record, line or file is not as its format has it: the text says what. The rest as of Rejected."""

    def __init__(self, why: str, *flags: Flag, may_complete: bool = False) -> None:
        super().__init__(why)
        self.flags = flags
        self.may_complete = may_complete


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece that gave no reading, and why, in one sentence.

    may_complete: it may only be unfinished yet (a line being written, a record that the reader still measures).
    flags: what is known of it beside that nothing of it is believed.
    """

    piece: Piece
    reason: str
    may_complete: bool = False
    flags: tuple[Flag, ...] = ()
    kept: int = KEPT_OF_RECORD


@dataclass(slots=True)
class FileReadings:
    """All that a file gave. `notes` says what is in order but no readout (an irradiation record, say)."""

    name: str
    format: str
    sha256: str
    samples: list[Sample] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def new(name: str, fmt: str, data: bytes) -> FileReadings:
    """Empty, for a file of this name and content."""
    return FileReadings(name, fmt, _sha256(data))


def collected(name: str, fmt: str, data: bytes, given: Iterable[Sample | Rejected | str]) -> FileReadings:
    """What a format's stream gives, as readings of the whole file: samples, rejected pieces, notes."""
    found = new(name, fmt, data)
    for each in given:
        if isinstance(each, Sample):
            found.samples.append(each)
        elif isinstance(each, Rejected):
            found.rejected.append(each)
        else:
            found.notes.append(each)
    return found


def origin(name: str, piece: Piece) -> dict[str, str | int]:
    """Where in which file a sample came from. The record's own digest names it, wherever the file grows or moves."""
    return {"file": name, "offset": piece.offset, "length": len(piece.raw), "sha256": piece.digest}


@cache
def _integers(number: int) -> Struct:
    return Struct(f"<{number}i")


def integers(data: bytes, offset: int) -> tuple[int, ...]:
    """The little-endian integers of 32 bits from a byte offset to the end of data, whose last may be cut: it is left.

    Nothing else can come of them than numbers that JSON holds: a reading of them need not be asked once more.
    """
    found = _integers((len(data) - offset) // 4).unpack_from(data, offset)
    _UNPACKED.append(found)
    return found


def as_unparsed(name: str, rejected: Rejected) -> Sample:
    """A rejected piece as a sample of kind "unparsed": its bytes (at most `kept` of them) and no number.

    The reason may be anybody's: what JSON cannot hold of it is escaped.
    """
    return Sample(
        kind="unparsed",
        quantity="file",
        unit="1",
        raw=rejected.piece.raw[: rejected.kept],
        flags=(Flag.UNPARSED, *rejected.flags),
        origin=origin(name, rejected.piece),
        note=rejected.reason.encode("utf-8", "backslashreplace").decode(),
    )


def called(number: int, sample: Sample) -> str:
    """A readout as sentences name it: by its number in its file, and by its dosimeter."""
    return f"Readout {number} ({sample.element})" if sample.element else f"Readout {number}"


def axis(unit: str, values: list[float]) -> Axis:
    """A column of an array: its values, all in one UCUM unit."""
    return Axis(unit=unit, values=tuple(values))


def total_of(values: Iterable[float]) -> float:
    """The sum of a column, with the same bits on every Python (from 3.12 on the built-in one rounds otherwise than
    before). Infinite, which no sample may be, where it is too large or something in it is not finite."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # too large on the way; infinities of both signs
        return math.inf


def flaw(sample: object) -> tuple[str, tuple[Flag, ...]] | None:
    """Why a sample that a format gave cannot go on, and what to flag it with; None where it can.

    JSON has no NaN and no infinity: one that slipped into a column would arrive as null.
    """
    if not isinstance(sample, Sample):
        return f"the format gave a {type(sample).__name__} where a Sample belongs", ()
    if sample.kind not in KINDS:
        return f"the format gave the kind '{sample.kind}'; known are {', '.join(KINDS)}", ()
    try:
        if not _quickly_sound(sample):
            if not _is_finite(msgspec.to_builtins(sample, builtin_types=(bytes,))):
                return "a number in it is not finite", (Flag.NOT_A_NUMBER,)
            msgspec.json.decode(msgspec.json.encode(sample), type=Sample)
    except Exception as error:
        return f"the format gave a sample that cannot be written down ({error})", ()
    for name, text in (("element", sample.element), ("channel", sample.channel)):
        if text is not None and (hidden := hidden_in(text)) is not None:
            return f"its {name} holds {hidden}, which nobody sees", ()
    return None


def _quickly_sound(sample: Sample) -> bool:
    """Whether it is plainly the same when it is written down and read: a quick answer, of which only yes is certain."""
    if type(sample.raw) is not bytes:
        return False
    for each in sample.axes.values():
        if not _is_plain(each.values):
            return False
    axes = {name: Axis(unit=axis.unit, values=()) for name, axis in sample.axes.items()}
    bare = msgspec.structs.replace(sample, axes=axes, raw=b"")
    return bool(_DECODER.decode(_ENCODER.encode(bare)) == bare)


def _is_plain(values: object) -> bool:
    """Whether it is a tuple of finite numbers that JSON holds."""
    for each in _UNPACKED:
        if values is each:
            return True
    for each in _PLAIN_LATELY:
        if values is each:
            return True
    if type(values) is not tuple:
        return False
    try:
        is_plain = _ENCODER.encode(values).translate(None, NUMBERS) == b"[]"
    except (TypeError, ValueError, OverflowError):
        return False
    if is_plain:
        _PLAIN_LATELY.append(values)
    return is_plain


def _is_finite(said: object) -> bool:
    """Whether every number in it is finite, in whatever field."""
    if isinstance(said, float):
        return math.isfinite(said)
    inside = said.values() if isinstance(said, dict) else said if isinstance(said, list | tuple) else ()
    return all(map(_is_finite, inside))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
