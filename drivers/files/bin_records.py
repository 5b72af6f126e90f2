"""Walking through a Risø BIN or BINX file record by record, in bounded memory, past what is broken in it.

Of a record is believed that its version is known and that LENGTH is its header and its counts, neither more nor less.
Behind one that does not hold, the next that does is looked for. PREVIOUS is not relied upon: third-party writers do not
keep it right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from drivers.files.bin_layout import CURVES, LAYOUTS, MOST_POINTS, ROI, ROI_BYTES, Layout
from drivers.files.records import KEPT_OF_RECORD, integers

CHUNK = 1 << 20
SEARCHED = 2 << 20  # bytes behind a broken record in which the next is looked for; the longest has 262 kB
VERSION = re.compile(rb"[\x03-\x08]\x00")
SIZED = (*CURVES, ROI)  # the types whose LENGTH follows from NPOINTS
LONGEST_START = max(each.start.size for each in LAYOUTS.values())


class BinRecord(msgspec.Struct, frozen=True):
    """A sound record: its byte offset in the file, its layout, its bytes with header and counts."""

    offset: int
    layout: Layout
    raw: bytes

    @property
    def header(self) -> Any:
        """A named tuple of every field; texts as the bytes that their length byte counts."""
        return self.layout.header._make(self.layout.struct.unpack_from(self.raw))

    @property
    def counts(self) -> tuple[int, ...]:
        """The counts of every channel."""
        return integers(self.raw, self.layout.size)

    @property
    def has_negative(self) -> bool:
        """Whether a count is below 0: the highest of its four bytes is then 128 or more."""
        return not self.raw[self.layout.size + 3 :: 4].isascii()

    @property
    def identity(self) -> bytes:
        """What names the record: all but PREVIOUS, which says what stands before it in this file."""
        after = 4 if self.layout.version < 5 else 6
        return self.raw[:after] + self.raw[2 * after - 2 :]


@dataclass(frozen=True, slots=True)
class Other:
    """A sound record that is no curve: regions of interest (RECTYPE 128), or a type that no document explains."""

    offset: int
    rectype: int
    length: int
    points: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A stretch that is no sound record, from its beginning: bytes (at most KEPT_OF_RECORD), its length, and why.

    cut: the file ends in it.
    """

    offset: int
    raw: bytes
    length: int
    why: str
    cut: bool


class _Bad(ValueError):
    def __init__(self, why: str, *, cut: bool = False) -> None:
        super().__init__(why)
        self.cut = cut


def walk(file: BinaryIO) -> Iterator[BinRecord | Other | Broken]:
    """Every record from the file's position on, which is where its offsets count from."""
    window = _Window(file)
    at = 0
    while window.load(at, 1):
        try:
            layout, length, points, rectype = _frame(window, at)
        except _Bad as bad:
            broken = _broken(window, at, bad)
            yield broken
            at += broken.length
            continue
        if rectype in CURVES:
            yield BinRecord(at, layout, window.take(at, length))
        else:
            yield Other(at, rectype, length, points)
        at += length


class _Window:
    """The stretch of a file that is held: what lies before the offset asked for is let go."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.data = b""
        self.begin = 0
        self._ended = False

    def load(self, offset: int, size: int) -> bool:
        """Whether the file has `size` bytes from `offset` on; they are held then. Offsets only go forward."""
        at = offset - self.begin
        if at + size <= len(self.data):
            return True
        if not self._ended:
            self._forward(offset, size)
        return offset + size <= self.begin + len(self.data)

    def _forward(self, offset: int, size: int) -> None:
        parts = [self.data[offset - self.begin :]]
        held = len(parts[0])
        skipped = offset - self.begin - len(self.data)
        while skipped > 0 and not self._ended:
            skipped -= len(self._read(min(skipped, CHUNK)))
        while held < size + CHUNK and not self._ended:
            parts.append(self._read(CHUNK))
            held += len(parts[-1])
        self.data, self.begin = b"".join(parts), offset

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._ended = not data
        return data

    def take(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on."""
        self.load(offset, size)
        at = offset - self.begin
        return self.data[at : at + size]


def _frame(window: _Window, at: int) -> tuple[Layout, int, int, int]:
    """Layout, LENGTH, NPOINTS and RECTYPE of the record at an offset. Raises _Bad where it is not sound and whole."""
    is_long = window.load(at, LONGEST_START)
    if not is_long and not window.load(at, 2):
        raise _Bad("one byte is left where a record begins", cut=True)
    held = at - window.begin
    version = window.data[held] | window.data[held + 1] << 8
    layout = LAYOUTS.get(version)
    if layout is None:
        raise _Bad(f"its version is {version}; known are 3 to 8")
    if not is_long and not window.load(at, layout.start.size):
        raise _Bad("its header is cut", cut=True)
    _, length, _, points, *more = layout.start.unpack_from(window.data, held)
    rectype = more[0] if more else CURVES[0]
    _refuse_unlike(layout, length, points, rectype)
    if not window.load(at, length):
        left = window.begin + len(window.data) - at
        raise _Bad(f"it has {length} bytes by its LENGTH, {left} are left in the file", cut=True)
    return layout, length, points, rectype


def _refuse_unlike(layout: Layout, length: int, points: int, rectype: int) -> None:
    """Raises _Bad for a LENGTH that does not go with NPOINTS."""
    each = ROI_BYTES if rectype == ROI else 4
    if not 0 <= points <= MOST_POINTS or length > layout.size + ROI_BYTES * MOST_POINTS:
        raise _Bad(f"it has {points} points and {length} bytes; a record has at most {MOST_POINTS} points")
    fits = length == layout.size + each * points if rectype in SIZED else length >= layout.size
    if not fits:
        raise _Bad(
            f"its LENGTH is {length}, which is not its header of {layout.size} bytes and {points} times {each} bytes"
        )


def _broken(window: _Window, at: int, bad: _Bad) -> Broken:
    """From a record that is not sound up to the next that is, or to the end of the file."""
    raw = window.take(at, KEPT_OF_RECORD)
    following = _next_sound(window, at + 1)
    if following is not None:
        return Broken(at, raw[: following - at], following - at, str(bad), cut=False)
    length = _to_the_end(window, at)
    beyond = f"; in {SEARCHED} bytes behind it is no record, and further nothing is read" if length > SEARCHED else ""
    return Broken(at, raw[:length], length, f"{bad}{beyond}", bad.cut)


def _next_sound(window: _Window, at: int) -> int | None:
    """The offset of the next sound record.

    The 16 bits of version 3 and 4 agree by chance too often: there the file must end behind it, or another begin.
    """
    until = at + SEARCHED
    window.load(at, SEARCHED + CHUNK)
    data, begin = window.data, window.begin
    for found in VERSION.finditer(data, at - begin, min(len(data), until - begin)):
        length = _length_of(data, found.start())
        if length and (data[found.start()] > 4 or _goes_on(data, found.start() + length)):
            return begin + found.start()
    return None


def _length_of(data: bytes, at: int) -> int | None:
    """LENGTH of a record of curves or regions that may begin there; None where it does not go with NPOINTS."""
    layout = LAYOUTS[data[at]]
    if at + layout.start.size > len(data):
        return None
    _, length, _, points, *more = layout.start.unpack_from(data, at)
    rectype = more[0] if more else CURVES[0]
    try:
        _refuse_unlike(layout, length, points, rectype)
    except _Bad:
        return None
    return int(length) if rectype in SIZED else None


def _goes_on(data: bytes, at: int) -> bool:
    """Whether at an offset the data end, or a record begins that may be cut."""
    if at >= len(data):
        return at == len(data)
    return VERSION.match(data, at) is not None and (_length_of(data, at) is not None or len(data) - at < 15)


def _to_the_end(window: _Window, at: int) -> int:
    end = at
    while window.load(end, 1):
        end = window.begin + len(window.data)
    return end - at
