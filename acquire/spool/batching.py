"""What several streams have to say, gathered for one message (docs/noloss.md section 2)."""

from __future__ import annotations

from acquire.spool.entries import Held, bytes_of
from acquire.spool.source import NextMessage, Source
from acquire.spool.unsent import Unsent

PART = 256  # bytes of a part of a batch that are not entries


def gather(
    source: Source, unsent: Unsent, first: NextMessage, batch: int, room: int, now: float
) -> list[tuple[NextMessage, list[Held]]]:
    """`first` and what else is in its turn and may be a part, with their entries, as far as these lie in memory
    and fit.

    room: bytes for all of them. The source counts them as sent in this batch. Empty: what `first` is to send lies in
    the file.
    """
    parts: list[tuple[NextMessage, list[Held]]] = []
    following: NextMessage | None = first
    while following is not None and room > 0:
        entries: list[Held] = []
        if following.entries:
            at_least = 0 if parts else 1
            entries = unsent.take(following.stream.stream, following.first, following.most, room, at_least=at_least)
            if not entries:
                break
        parts.append((following, entries))
        size = bytes_of(entries)
        room -= size + PART
        source.sent(following, len(entries), size, now, batch=batch)
        following = source.next_part()
    return parts
