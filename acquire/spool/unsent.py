"""What has been appended and not yet been sent, as far as it fits into memory: it need not be read from the file again.

Only a short cut. What was sent already, or did not fit, is read from the spool. What may be sent is decided elsewhere
(docs/noloss.md rule 3.4).
"""

from __future__ import annotations

from collections.abc import Sequence

from acquire.checksum import checksum, seed
from acquire.spool.entries import Held, bytes_of

MOST_BYTES = 8 * 1024 * 1024


class Unsent:
    """Entries by the id of their stream, each stream's without a gap."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._held: dict[str, tuple[int, list[Held]]] = {}  # the seq of the first entry, the entries

    def keep(self, stream: str, first: int, entries: Sequence[Held]) -> None:
        """`entries` lie in the spool from `first` on. When it becomes too much, everything is let go."""
        kept = self._held.get(stream)
        if kept is not None and kept[0] + len(kept[1]) == first:
            kept[1].extend(entries)
        else:
            if kept is not None:  # something else took the seqs between
                self.forget(stream)
            self._held[stream] = first, list(entries)
        self._size += bytes_of(entries)
        if self._size > self._most:
            self._held.clear()
            self._size = 0

    def take(self, stream: str, first: int, most: int, max_bytes: int, *, at_least: int = 1) -> list[Held]:
        """Entries from `first` on, at most `most` and max_bytes but so many at least; they leave here.

        Empty: not held, or changed while it was held, so that the file is to be asked; or, with `at_least` 0, there is
        no room for the first.
        """
        kept = self._held.get(stream)
        if kept is None or first < kept[0]:
            return []
        begins, held = kept
        wanted = _fitting(held[first - begins : first - begins + most], max_bytes, at_least)
        if not wanted:
            return []
        gone = first - begins + len(wanted)
        self._size -= bytes_of(held[:gone])
        if gone == len(held):
            del self._held[stream]
        else:
            del held[:gone]
            self._held[stream] = begins + gone, held
        mixed = seed(stream)
        for seq, each in enumerate(wanted, first):
            if checksum(mixed, seq, each.body) != each.checksum:
                return []
        return wanted

    def forget(self, stream: str) -> None:
        """Let go of all that is kept of a stream."""
        _, held = self._held.pop(stream, (0, []))
        self._size -= bytes_of(held)


def _fitting(entries: list[Held], max_bytes: int, at_least: int) -> list[Held]:
    """As many of them as max_bytes have room for, but so many at least."""
    if bytes_of(entries) <= max_bytes:
        return entries
    size = 0
    for n, each in enumerate(entries):
        size += each.size
        if size > max_bytes and n >= at_least:
            return entries[:n]
    return entries
