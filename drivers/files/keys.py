"""The name under which a record is remembered, and the names that earlier journals have for the same one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drivers.files.records import FileReadings, Rejected, as_unparsed, unended
from drivers.reading import Sample


@dataclass(frozen=True, slots=True)
class Keyed:
    """A sample with the key of its record, and the keys that 0.1.0 wrote for it."""

    sample: Sample
    key: str
    earlier: frozenset[str]


class Keys:
    """The keys of one file's records, in their order. Two equal records of one file are two: they are numbered."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._counts: dict[str, int] = {}

    def of_sample(self, sample: Sample) -> Keyed:
        """A readout's."""
        record = f"{sample.origin['sha256']}/{sample.element_index}"
        n = self._next(record)
        raws = {_sha256(each) for each in _spellings(sample.raw)}
        earlier = (_sha256(f"/{raw}/{sample.element_index}/{n}".encode()) for raw in raws)
        return Keyed(sample, _sha256(f"/{record}/{n}".encode()), frozenset(earlier))

    def of_rejected(self, each: Rejected) -> Keyed:
        """A rejected piece's, as a sample. Its own name, or else only what is kept, names it: a stranger's file that
        grows is told once.
        """
        sample = as_unparsed(self._name, each)
        named = unended(sample.raw) if each.piece.identity is None else each.piece.identity
        record = f"unparsed/{_sha256(named or str(sample.note).encode())}"
        n = self._next(record)
        earlier = (_sha256(f"{self._name}/{_sha256(raw)}/None/{n}".encode()) for raw in _spellings(each.piece.raw))
        return Keyed(sample, _sha256(f"/{record}/{n}".encode()), frozenset(earlier))

    def _next(self, record: str) -> int:
        n = self._counts[record] = self._counts.get(record, 0) + 1
        return n


def keyed(found: FileReadings, rejected: Iterable[Rejected]) -> Iterator[Keyed]:
    """Samples and rejected pieces of a whole file with their keys."""
    keys = Keys(found.name)
    yield from map(keys.of_sample, found.samples)
    yield from map(keys.of_rejected, rejected)


def sentence_key(sentence: str) -> str:
    """The key of something that is told once."""
    return _sha256(f"told/{sentence}".encode())


def _spellings(raw: bytes) -> set[bytes]:
    """The bytes a text record may have had when an earlier version named it: its line end was part of its name."""
    text = unended(raw)
    return {raw, text, text + b"\n", text + b"\r\n", text.replace(b"\n", b"\r\n")}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
