"""The messages of a source as they go out: canonical JSON around bodies as they lie in the spool.

Their keys are those of docs/noloss.md, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from acquire.canonical import canonical
from acquire.checksum import with_sum
from acquire.spool.entries import Held
from acquire.spool.source import NextMessage, Source, Stream


def readings(source: Source, message: NextMessage, entries: Sequence[Held]) -> bytes:
    """A readings message, by itself; without entries it is the bare question."""
    said = _of_source(source, message.stream) | _of_stream(source, message.stream, message.first)
    if source.host is not None:
        said["host"] = source.host
    if entries:
        said["checksums"] = [each.checksum for each in entries]
    return _around(said, "readings", [each.body for each in entries])


def copy(source: Source, s: Stream, first: int, bodies: Sequence[bytes]) -> bytes:
    """What went to the store in batches, for those who look on: the store takes nothing from it."""
    said = _of_source(source, s) | _of_stream(source, s, first) | {"copy": True}
    return _around(said, "readings", bodies)


def part(source: Source, message: NextMessage, entries: Sequence[Held]) -> bytes:
    """A part of a batch: a readings message without what all parts share."""
    said = _of_stream(source, message.stream, message.first)
    said["checksums"] = [each.checksum for each in entries]
    return _around(said, "readings", [each.body for each in entries])


def batch(source: Source, parts: Sequence[bytes]) -> bytes:
    """Several readings messages in one."""
    said: dict[str, object] = {"schema": "batch/1", "source": source.source, "ask": source.query, "epoch": source.epoch}
    return _around(said, "parts", parts)


def _of_source(source: Source, s: Stream) -> dict[str, object]:
    """A salvaged stream keeps the source that began it."""
    return {
        "schema": "readings/1",
        "source": s.source or source.source,
        "ask": source.query,
        "epoch": source.epoch,
    }


def _of_stream(source: Source, s: Stream, first: int) -> dict[str, object]:
    said: dict[str, object] = {
        "stream": s.stream,
        "first_seq": first,
        "head": s.head,
        "oldest": s.oldest,
        "ended": s.ended,
        "older": source.unconfirmed_streams(s),
    }
    return said if s.why is None else said | {"why": s.why}


def _around(said: dict[str, object], key: str, parts: Sequence[bytes]) -> bytes:
    """Canonical JSON of `said`, a list of what is canonical JSON already, and last the checksum of what is said."""
    return with_sum(canonical(said)[:-1], b',"%b":[%b]}' % (key.encode(), b",".join(parts)))
