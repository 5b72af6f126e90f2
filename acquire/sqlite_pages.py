"""Records of a SQLite file read page by page, without its trees: what can still be read where inner pages are damaged.

After sqlite.org, "Database File Format": 1.3 (header), 1.5 (freelist), 1.6 (B-tree pages), 1.8 (pointer map pages), 2.1
(record format). Only what the cell pointers of a page name is read, not its free space, and no page that the freelist
or the pointer map calls free: what was deleted there stays deleted. A page that does not hold together gives nothing.
Where the file has a log, the newest content of a page is there (acquire.sqlite_log).

Assumed: the text encoding is UTF-8 (1.3.13), which is SQLite's default; where the header is damaged, pages of 4096
bytes with none reserved, its default since 3.12.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from acquire.sqlite_log import Content, Log, log_of

MAGIC = b"SQLite format 3\x00"
INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE = 0x02, 0x05, 0x0A, 0x0D
FREE = 2  # type in the pointer map (1.8)
MOST_COLUMNS = 2000  # SQLITE_MAX_COLUMN

Value = int | float | bytes | str | None


class Broken(Exception):
    """These bytes are no record."""


@dataclass(frozen=True, slots=True)
class Record:
    """The values of a row in the order of its table. `rowid`: of a table that has one; its column is NULL then."""

    page: int
    rowid: int | None
    values: tuple[Value, ...]


@dataclass(slots=True)
class Pages:
    """The pages of a file, by number from 1."""

    content: Content
    log: Log = field(default_factory=Log)
    size: int = 4096
    usable: int = 4096
    free: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, content: Content, log: Log | None = None) -> Pages:
        """The pages of this content and its log, with what the header says where there is one."""
        log = log or Log()
        pages = cls(content, log)
        pages.size = pages.usable = log.size or pages.size
        header = pages._header()
        if header[:16] == MAGIC:
            (size,) = struct.unpack_from(">H", header, 16)
            size = 65536 if size == 1 else size
            if size >= 512 and size & (size - 1) == 0 and log.size in (0, size):
                pages.size, pages.usable = size, size - header[20]
        pages.free = pages._freelist() | pages._free_by_map()
        return pages

    @property
    def count(self) -> int:
        """How many whole pages there are."""
        return self.log.count or len(self.content) // self.size

    def _header(self) -> bytes:
        """The first hundred bytes of page 1, as far as there are any."""
        content, at = self._where(1)
        return bytes(content[at : at + 100])

    def _where(self, number: int) -> tuple[Content, int]:
        if (at := self.log.at.get(number)) is not None:
            return self.log.content, at
        return self.content, (number - 1) * self.size

    def page(self, number: int) -> memoryview:
        """Raises Broken where there is none."""
        if not 1 <= number <= self.count:
            raise Broken
        content, at = self._where(number)
        if at + self.size > len(content):  # what it held is in a frame that is damaged
            raise Broken
        return memoryview(content)[at : at + self.usable]

    def records(self) -> Iterator[Record]:
        """Every record in a cell of a page that is in use, whatever table or index it belongs to."""
        for number in range(1, self.count + 1):
            if number not in self.free:
                with suppress(Broken):
                    yield from self._of_page(number)

    def _of_page(self, number: int) -> Iterator[Record]:
        page = self.page(number)
        start = 100 if number == 1 else 0
        kind = page[start]
        if kind not in (INNER_INDEX, LEAF_INDEX, LEAF_TABLE):
            return
        (cells,) = struct.unpack_from(">H", page, start + 3)
        pointers = start + (12 if kind == INNER_INDEX else 8)
        if pointers + 2 * cells > self.usable:
            return
        for at in struct.unpack_from(f">{cells}H", page, pointers):
            try:
                yield self._cell(number, page, kind, at)
            except (Broken, struct.error, IndexError, UnicodeDecodeError):
                continue

    def _cell(self, number: int, page: memoryview, kind: int, at: int) -> Record:
        at += 4 if kind == INNER_INDEX else 0  # the page below it
        length, at = varint(page, at)
        rowid = None
        if kind == LEAF_TABLE:
            rowid, at = varint(page, at)
        return Record(number, _signed(rowid), values(self._payload(page, at, length, kind == LEAF_TABLE)))

    def _payload(self, page: memoryview, at: int, length: int, is_table: bool) -> bytes:
        """1.6: what lies on the page, and the rest on a chain of overflow pages."""
        if length > self.count * self.size:
            raise Broken
        local = self._local(length, is_table)
        found = bytes(page[at : at + local])
        if len(found) < local:
            raise Broken
        if local == length:
            return found
        (following,) = struct.unpack_from(">I", page, at + local)
        parts, missing = [found], length - local
        while missing > 0:
            overflow = self.page(following)
            (following,) = struct.unpack_from(">I", overflow, 0)
            parts.append(bytes(overflow[4 : 4 + missing]))
            missing -= len(parts[-1])
        return b"".join(parts)

    def _local(self, length: int, is_table: bool) -> int:
        u = self.usable
        most = u - 35 if is_table else (u - 12) * 64 // 255 - 23
        if length <= most:
            return length
        least = (u - 12) * 32 // 255 - 23
        kept = least + (length - least) % (u - 4)
        return kept if kept <= most else least

    def _freelist(self) -> set[int]:
        """1.5: trunk pages, each with the numbers of leaves, as far as the chain holds together."""
        found: set[int] = set()
        if len(header := self._header()) < 100:
            return found
        (trunk,) = struct.unpack_from(">I", header, 32)
        while trunk not in found:
            try:
                page = self.page(trunk)
            except Broken:
                break
            following, leaves = struct.unpack_from(">II", page, 0)
            if leaves > self.usable // 4 - 2:
                break
            found |= {trunk, *struct.unpack_from(f">{leaves}I", page, 8)}
            trunk = following
        return found

    def _free_by_map(self) -> set[int]:
        """1.8: five bytes for each page behind a pointer map page, the first of them its type. Page 2 is the first."""
        if len(header := self._header()) < 100 or struct.unpack_from(">I", header, 52) == (0,):
            return set()
        found: set[int] = set()
        entries = self.usable // 5
        for number in range(2, self.count + 1, entries + 1):
            with suppress(Broken):
                page = self.page(number)
                found |= {number + 1 + n for n in range(entries) if page[5 * n] == FREE}
        return found


def records_of(file: Path) -> Iterator[Record]:
    """Every record of a file and its log, where it has one. Raises OSError."""
    log = file.with_name(f"{file.name}-wal")
    yield from Pages.of(_content(file), log_of(_content(log)) if log.exists() else None).records()


def _content(file: Path) -> Content:
    with file.open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) if file.stat().st_size else b""


def varint(page: bytes | memoryview, at: int) -> tuple[int, int]:
    """1.6: a variable-length integer of one to nine bytes, unsigned, and where it ends. Raises IndexError."""
    found = 0
    for n in range(at, at + 8):
        found = found << 7 | page[n] & 0x7F
        if page[n] < 0x80:
            return found, n + 1
    return found << 8 | page[at + 8], at + 9


def values(payload: bytes) -> tuple[Value, ...]:
    """2.1: a header of serial types, and the values in order. Raises Broken, IndexError, UnicodeDecodeError."""
    end, at = varint(payload, 0)
    if not at <= end <= len(payload):
        raise Broken
    types = []
    while at < end:
        kind, at = varint(payload, at)
        types.append(kind)
    if at != end or len(types) > MOST_COLUMNS:
        raise Broken
    found = []
    for kind in types:
        value, at = _value(payload, at, kind)
        found.append(value)
    if at != len(payload):
        raise Broken
    return tuple(found)


_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind in (10, 11):
        raise Broken
    end = at + (_INTEGERS.get(kind) or (8 if kind == 7 else (kind - 12) // 2))
    part = payload[at:end]
    if end > len(payload):
        raise Broken
    if kind in _INTEGERS:
        return int.from_bytes(part, "big", signed=True), end
    if kind == 7:
        return float(struct.unpack(">d", part)[0]), end
    return part if kind % 2 == 0 else part.decode(), end


def _signed(number: int | None) -> int | None:
    return number - (1 << 64) if number is not None and number >= 1 << 63 else number
