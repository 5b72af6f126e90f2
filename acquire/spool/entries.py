"""An entry as it lies in the spool: its body, packed where it is large, and the checksum made when it was appended."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from acquire.checksum import checksum
from acquire.packing import packed, unpacked

BESIDE = 12  # a checksum has ten digits at most


class Held(NamedTuple):
    """A body with its checksum; `damaged` where the body that lay there did not fit it."""

    body: bytes
    checksum: int
    damaged: bool = False

    @property
    def size(self) -> int:
        """Bytes it takes in a message, with its checksum and two commas."""
        return len(self.body) + BESIDE


class Appended(NamedTuple):
    """What appending gave: the first seq, and the checksum of each entry."""

    first: int
    checksums: list[int]


class Row(NamedTuple):
    """An entry in the order of its table. Markers are never packed: they are small."""

    stream: int
    seq: int
    body: bytes
    measurement: str | None
    checksum: int


def bytes_of(entries: Sequence[Held]) -> int:
    """Bytes they take in a message."""
    return sum([len(each.body) for each in entries]) + BESIDE * len(entries)


TABLE = f"entry ({', '.join(Row._fields)})"
_row = partial(tuple.__new__, Row)  # what Row() and Held() do, at a third of the time
_held = partial(tuple.__new__, Held)


def rows(stream: int, seed: int, first: int, bodies: Sequence[tuple[bytes, str | None]]) -> list[Row]:
    """The rows of (body, measurement of a marker or None) entries from seq `first` on; `seed` is the stream's."""
    return [
        _row((stream, seq, packed(body), marked, checksum(seed, seq, body)))
        for seq, (body, marked) in enumerate(bodies, first)
    ]


def all_held(bodies: Sequence[tuple[bytes, str | None]], checksums: Sequence[int]) -> list[Held]:
    """The same bodies with the checksums they were appended with."""
    return [_held((body, said, False)) for (body, _), said in zip(bodies, checksums, strict=True)]


def held(seed: int, seq: int, body: bytes) -> Held:
    """A body that is about to be kept."""
    return Held(body, checksum(seed, seq, body))


def opened(seed: int, seq: int, kept: bytes, said: int | None) -> Held:
    """A body as it was read, held against its checksum. What an earlier version appended has none."""
    if not isinstance(kept, bytes):  # its type was flipped in the file
        return Held(str(kept).encode(), said or 0, damaged=True)
    try:
        body = unpacked(kept)
    except zlib.error:
        return Held(kept, said or 0, damaged=True)
    found = checksum(seed, seq, body)
    return Held(body, found if said is None else said, damaged=said is not None and found != said)
