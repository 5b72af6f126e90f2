"""What has been appended and not yet been sent, as far as it fits into memory: it need not be read from the file again.

Only a short cut. What was sent already, or did not fit, is read from the spool. What may be sent is decided elsewhere
(docs/noloss.md rule 3.4).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

MOST_BYTES = 8 * 1024 * 1024


class Unsent:
    """Bodies by stream number, each stream's without a gap."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._held: dict[int, tuple[int, list[bytes]]] = {}  # the seq of the first body, the bodies

    def keep(self, stream: int, first: int, bodies: Sequence[bytes]) -> None:
        """`bodies` lie in the spool from `first` on. When it becomes too much, everything is let go."""
        begins, held = self._held.get(stream, (first, []))
        if begins + len(held) != first:  # something else took the seqs between
            self.forget(stream)
            begins, held = first, []
        self._held[stream] = begins, held
        held += bodies
        self._size += _bytes(bodies)
        if self._size > self._most:
            self._held.clear()
            self._size = 0

    def take(self, stream: int, first: int, most: int, max_bytes: int) -> list[bytes]:
        """Bodies from `first` on, at most `most` and max_bytes but always one; they leave here. Empty: not held."""
        begins, held = self._held.get(stream, (first, []))
        if first < begins:
            return []
        wanted = held[first - begins : first - begins + most]
        taken = wanted[: max(1, bisect_right([*accumulate(map(len, wanted))], max_bytes))]
        gone = first - begins + len(taken)
        self._size -= _bytes(held[:gone])
        del held[:gone]
        self._held[stream] = begins + gone, held
        if not held:
            del self._held[stream]
        return taken

    def forget(self, stream: int) -> None:
        """Let go of all that is kept of a stream."""
        _, held = self._held.pop(stream, (0, []))
        self._size -= _bytes(held)


def _bytes(bodies: Sequence[bytes]) -> int:
    return sum(map(len, bodies))
