"""What parsing a reader's file gives: readings with the bytes they came from, and rejected pieces with a reason."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drivers.reading import Axis, Flag, Reading

KEPT_OF_REJECTED = 4096


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file: byte offset, and the bytes."""

    offset: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece that gave no reading, and why, in one sentence. `later` means it may only be incomplete yet."""

    piece: Piece
    reason: str
    later: bool = False


@dataclass(slots=True)
class FileReadings:
    """All that a file gave. `notes` counts what is in order but no readout (an irradiation record, say)."""

    name: str
    format: str
    sha256: str
    readings: list[Reading] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def new(name: str, fmt: str, data: bytes) -> FileReadings:
    """Empty, for a file of this name and content."""
    return FileReadings(name, fmt, hashlib.sha256(data).hexdigest())


def now() -> tuple[str, float]:
    """Host time of the import: UTC text and monotonic seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), time.monotonic()


def origin(name: str, piece: Piece) -> dict[str, str | int]:
    """Where in which file a reading came from. The record's own digest names it, wherever the file grows or moves."""
    return {
        "file": name,
        "offset": piece.offset,
        "length": len(piece.raw),
        "sha256": hashlib.sha256(piece.raw).hexdigest(),
    }


def as_unparsed(name: str, rejected: Rejected) -> Reading:
    """A rejected piece as a reading that carries its bytes (at most 4 KiB of them) and no number."""
    stamp, monotonic_s = now()
    return Reading(
        kind="unparsed",
        quantity="file",
        unit="1",
        raw=rejected.piece.raw[:KEPT_OF_REJECTED],
        time=stamp,
        monotonic_s=monotonic_s,
        flags=(Flag.UNPARSED,),
        origin=origin(name, rejected.piece),
        note=rejected.reason,
    )


def axis(unit: str, values: list[float]) -> Axis:
    """A column."""
    return Axis(unit=unit, values=tuple(values))
