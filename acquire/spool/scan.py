"""Streams, entries and originals of a damaged spool, found page by page where its trees lead nowhere.

No row is believed by its place alone. An entry or an original must fit its checksum under its stream and seq
(acquire.checksum), so those of a version without checksums are not found this way. A stream has no checksum: its row
must have the form of one, with an id that is a UUID. Assumed: no row of another table has these forms, and what the
pages in use hold under a key is what was there last; the pages that the file calls free are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from acquire.checksum import seed
from acquire.spool.entries import Held, opened
from acquire.sqlite_pages import Record, records_of


class FoundStream(NamedTuple):
    """The row of a stream."""

    number: int
    stream: str
    instrument: str
    head: int
    oldest: int
    ended: str  # "restored" where it was not ended: its tail is unknown
    source: str  # of one that was salvaged before; otherwise ""


class FoundEntry(NamedTuple):
    """A row of `entry` or `withheld`, not yet held against its checksum; `said` is its fourth column."""

    number: int
    seq: int
    body: bytes
    said: str | None
    checksum: int
    is_original: bool


class Scan:
    """All of a file that no service uses, read once. Raises OSError."""

    def __init__(self, file: Path) -> None:
        self.source: str | None = None
        self.streams: dict[int, FoundStream] = {}
        self._entries: dict[tuple[int, int], list[FoundEntry]] = {}
        for record in records_of(file):
            if (stream := _stream(record)) is not None:
                known = self.streams.get(stream.number)
                if known is None or known.head < stream.head:
                    self.streams[stream.number] = stream
            elif (entry := _entry(record)) is not None:
                self._entries.setdefault((entry.number, entry.seq), []).append(entry)
            self.source = _source(record) or self.source

    def entries(self, number: int, stream: str) -> Iterator[tuple[int, Held, str | None]]:
        """(seq, entry, measurement of a marker) of a stream, each with a body that fits its checksum."""
        for entry, held in self._whole(number, stream):
            if not entry.is_original:
                yield entry.seq, held, entry.said

    def originals(self, number: int, stream: str) -> Iterator[tuple[int, Held, str]]:
        """(seq, original, reason) of what a stream withholds, as far as it fits its checksum."""
        for entry, held in self._whole(number, stream):
            if entry.is_original:
                yield entry.seq, held, str(entry.said)

    def _whole(self, number: int, stream: str) -> Iterator[tuple[FoundEntry, Held]]:
        mixed = seed(stream)
        for (of, seq), found in self._entries.items():
            if of == number:
                for entry in found:
                    held = opened(mixed, seq, entry.body, entry.checksum)
                    if not held.damaged:
                        yield entry, held


def _stream(record: Record) -> FoundStream | None:
    """number (the rowid), stream, instrument, head, oldest, ended, end_heard, through, epoch, and later columns."""
    if record.rowid is None or len(record.values) > 11:
        return None
    match record.values[:9]:
        case (None, str(stream), str(instrument), int(head), int(oldest), str() | None as ended, 0 | 1, int(), _):
            if _is_uuid(stream) and 0 <= oldest - 1 <= head:
                source = str(record.values[9] or "") if len(record.values) > 9 else ""
                return FoundStream(record.rowid, stream, instrument, head, oldest, ended or "restored", source)
    return None


def _source(record: Record) -> str | None:
    """Of the one row of `meta`: source, store, epoch, uptime_s, and later columns."""
    match record.values[:4]:
        case (str(source), str() | None, str() | None, float() | int()):
            if record.rowid == 1 and len(record.values) in (4, 7) and _is_uuid(source):
                return source
    return None


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False


def _entry(record: Record) -> FoundEntry | None:
    """stream, seq, body, measurement, checksum; of an original stream, seq, body, reason, resend, sent_at, checksum."""
    match record.values:
        case (int(number), int(seq), bytes(body), str() | None as said, int(checksum)):
            return FoundEntry(number, seq, body, said, checksum, is_original=False)
        case (int(number), int(seq), bytes(body), str(reason), 0 | 1, float() | int() | None, int(checksum)):
            return FoundEntry(number, seq, body, reason, checksum, is_original=True)
    return None
