"""The records of a reader in its own order: by stream and seq, and within a file by the place in it. Pure.

A file that grows goes on where it ended, whatever came in between; one that is exchanged under its name is another. A
copy of a record that was there before (the same bytes at the same place of a file) is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from acquire.procedure.readouts.reader_run import Record


@dataclass(frozen=True, slots=True)
class Arrived:
    """A record as it was received. Of one that came over a wire there is no file, place and length are None."""

    record: Record
    file: str | None = None
    offset: int | None = None
    length: int = 0
    sha256: str = ""
    index: int | None = None  # of the element, on a card with several

    @property
    def copy_of(self) -> tuple[object, ...] | None:
        """What a copy has in common with it, where its place in a file is known."""
        if self.offset is None or not self.sha256:
            return None
        return self.sha256, self.offset, self.index, self.record.dosimeter, self.record.counted, self.record.kind


@dataclass(slots=True)
class _Part:
    """A file as far as it was taken, or what came one after the other over a wire."""

    file: str | None
    taken: list[Arrived]

    @property
    def last(self) -> Arrived:
        return self.taken[-1]

    def goes_on_with(self, each: Arrived) -> bool:
        if each.offset is None or self.last.offset is None:
            return each.file == self.file and each.offset == self.last.offset
        same = each.offset == self.last.offset and each.sha256 == self.last.sha256
        return each.file == self.file and (same or each.offset > self.last.offset)

    def ends_at(self, each: Arrived) -> bool:
        """Whether the record stands directly behind it: the file was renamed before it grew."""
        return None not in (each.offset, self.last.offset) and each.offset == (self.last.offset or 0) + self.last.length


def in_readers_order(arrived: Iterable[Arrived], kept: Collection[tuple[str, int]] = ()) -> list[Record]:
    """The records, those that begin a file marked as such. kept: of copies that one stays, by stream and seq."""
    parts: list[_Part] = []
    for each in _once(list(arrived), kept):
        part = _part_of(each, parts)
        if part is None:
            parts.append(_Part(each.file, [each]))
        else:
            part.taken.append(each)
            part.file = each.file
    return [record for part in parts for record in _records(part)]


def _once(arrived: Sequence[Arrived], kept: Collection[tuple[str, int]]) -> Iterator[Arrived]:
    stays = {key: each for each in arrived if (key := each.copy_of) is not None and each.record.at in kept}
    seen: set[tuple[object, ...]] = set()
    for each in arrived:
        key = each.copy_of
        if key is None:
            yield each
        elif key not in seen and stays.get(key, each) is each:
            seen.add(key)
            yield each


def _part_of(each: Arrived, parts: list[_Part]) -> _Part | None:
    """The part that a record belongs to; None: it begins another one."""
    if each.offset is None:
        return parts[-1] if parts and parts[-1].goes_on_with(each) else None
    of_name = next((part for part in reversed(parts) if part.file == each.file), None)
    if of_name is not None and of_name.goes_on_with(each):
        return of_name
    before = [part for part in parts if each.offset and part.ends_at(each)]
    return before[0] if len(before) == 1 else None


def _records(part: _Part) -> Iterator[Record]:
    for n, each in enumerate(part.taken):
        yield replace(each.record, begins_file=True) if n == 0 and part.file is not None else each.record
