"""What went to the store in batches is told to onlookers under each instrument's own topic.

About once a second, more seldom where the instruments are many.

Every entry is told once; nothing relies on it. Pure: the clock is passed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

LEAST_S = 1.0  # between two copies of one instrument
MOST_PER_S = 50  # copies of all instruments


class Copy(NamedTuple):
    """Entries of a stream from seq `first` on."""

    first: int
    bodies: list[bytes]

    def pieces(self, room: int) -> Iterator[tuple[int, list[bytes]]]:
        """(seq of the first, bodies) of as many messages as it takes with so many bytes of bodies each."""
        first, piece, size = self.first, list[bytes](), 0
        for body in self.bodies:
            if piece and size + len(body) + 1 > room:
                yield first, piece
                first, piece, size = first + len(piece), [], 0
            piece.append(body)
            size += len(body) + 1
        yield first, piece


class Onlookers:
    """Bodies that went out in batches and have not been told yet, by the id of their stream."""

    def __init__(self) -> None:
        self._waiting: dict[str, Copy] = {}  # oldest first, as they began to wait
        self._since: dict[str, float] = {}

    def keep(self, stream: str, first: int, bodies: Sequence[bytes], now: float) -> None:
        """These went out; what had waited without joining on is let go: it was sent again by itself."""
        held = self._waiting.get(stream)
        if held is not None and held.first + len(held.bodies) == first:
            held.bodies.extend(bodies)
            return
        self.take(stream)
        self._waiting[stream] = Copy(first, list(bodies))
        self._since[stream] = now

    def due(self, now: float) -> str | None:
        """A stream whose copy is due."""
        stream = next(iter(self._waiting), None)
        return stream if stream is not None and self._since[stream] + self._wait_s() <= now else None

    def wait_s(self, now: float) -> float | None:
        """Seconds until one is due; None: nothing waits."""
        stream = next(iter(self._waiting), None)
        return None if stream is None else max(0.0, self._since[stream] + self._wait_s() - now)

    def take(self, stream: str) -> Copy | None:
        """The copy of a stream; it leaves here."""
        self._since.pop(stream, None)
        return self._waiting.pop(stream, None)

    def _wait_s(self) -> float:
        return max(LEAST_S, len(self._waiting) / MOST_PER_S)
