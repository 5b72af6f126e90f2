"""Which messages are believed, and as what: rule 4.7 of docs/noloss.md, before anything is written.

What is not believed is kept unread, counted, and not answered.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import msgspec

from acquire.bus.names import RESERVED, host_of_batch, instrument_of
from acquire.bus.noloss import Batch, Part, Readings
from acquire.checksum import is_altered
from acquire.store.envelope import (
    ValidPart,
    ValidReadings,
    as_it_came,
    entries_of_part,
    opened,
    opened_batch,
    opened_part,
)
from acquire.store.judge import Said
from acquire.store.streams import Stream
from acquire.store.unreadable import keep_unreadable

_INSTRUMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
ALTERED = "with numbers that were altered on the way"
NOT_READ = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Heard(NamedTuple):
    """One part that could be opened, under which topic it came, and what to answer to.

    `instrument` is that of the topic; a part of a batch, which comes under a host's topic, has none. `host`: where its
    source says that it sends batches or, of a part of a batch, where it came.
    """

    topic: str
    instrument: str | None
    source: str
    query: str
    epoch: str | None
    said: Said
    host: str | None
    payload: bytes

    @property
    def part(self) -> Readings | Part:
        """What is said of the stream."""
        return self.said.part


@dataclass(slots=True)
class Unread:
    """Messages that are not believed, to be kept inside the transaction."""

    kept: list[tuple[str, bytes, str]] = field(default_factory=list)

    def keep(self, connection: sqlite3.Connection) -> int:
        """Write them down; how many they were."""
        for topic, payload, why in self.kept:
            keep_unreadable(connection, topic, payload, why)
        return len(self.kept)


def heard(site: str, messages: Iterable[tuple[str, bytes]], unread: Unread) -> list[Heard]:
    """The parts of all messages (topic, payload), in order. What cannot be read is among the `unread`."""
    found: list[Heard] = []
    for topic, payload in messages:
        _one(site, topic, payload, found, unread)
    return found


def _one(site: str, topic: str, payload: bytes, found: list[Heard], unread: Unread) -> None:
    if (at := host_of_batch(topic)) is not None:
        _of_batch(site, at, topic, payload, found, unread)
        return
    place = instrument_of(topic)
    try:
        envelope = opened(payload)
    except NOT_READ as error:
        unread.kept.append((topic, payload, f"not a readings message: {error}"))
        return
    why = _altered(payload, envelope) or _wrong_place(place, site) or _wrong_schema(envelope) or wrong_numbers(envelope)
    if place is None or why is not None:
        unread.kept.append((topic, payload, why or "under a strange topic"))
    elif not envelope.copy_:
        said = Said(envelope, isinstance(envelope, ValidReadings), partial(_entries, payload), payload.endswith)
        asked = (envelope.source, envelope.query, envelope.epoch)
        found.append(Heard(topic, place[1], *asked, said, envelope.host, payload))


def _of_batch(site: str, at: tuple[str, str], topic: str, payload: bytes, found: list[Heard], unread: Unread) -> None:
    """A batch is nothing but several readings messages: one part that cannot be read does not spoil its neighbours."""
    try:
        batch = opened_batch(payload)
    except NOT_READ as error:
        unread.kept.append((topic, payload, f"not a batch: {error}"))
        return
    why = "from another site" if at[0] != site else _altered(payload, batch) or _wrong_schema(batch, "batch/1")
    if why is not None:
        unread.kept.append((topic, payload, why))
        return
    for raw in map(bytes, batch.parts):
        try:
            part = opened_part(raw)
        except NOT_READ as error:
            unread.kept.append((topic, raw, f"not a part of a batch: {error}"))
            continue
        if wrong := _altered(raw, part) or wrong_numbers(part):
            unread.kept.append((topic, raw, wrong))
            continue
        said = Said(part, isinstance(part, ValidPart), partial(entries_of_part, raw))
        found.append(Heard(topic, None, batch.source, batch.query, batch.epoch, said, at[1], raw))


def _entries(payload: bytes) -> list[bytes]:
    return [bytes(raw) for raw in as_it_came(payload)]


def _wrong_place(place: tuple[str, str] | None, site: str) -> str | None:
    if place is None or place[0] != site:
        return "from another site"
    if not _INSTRUMENT.fullmatch(place[1]) or place[1] in RESERVED:
        return "under a name that no instrument may have"
    return None


def _wrong_schema(message: Readings | Batch, known: str = "readings/1") -> str | None:
    return None if message.schema_ == known else f"of an unknown schema {message.schema_[:40]!r}"


def _altered(raw: bytes, message: Readings | Part | Batch) -> str | None:
    """What is said beside the entries has a checksum of its own: a flipped bit of `oldest` would make entries lost."""
    before = b',"parts":[' if isinstance(message, Batch) else b',"readings":['
    return ALTERED if is_altered(raw, message.crc32, before) else None


def wrong_numbers(part: Readings | Part) -> str | None:
    """Why the numbers of a part cannot be true, or None."""
    last = part.first_seq + len(part.readings) - 1
    if part.first_seq < 1 or not 1 <= part.oldest <= part.head + 1 or last > part.head:
        return "with numbers that contradict each other"
    if part.checksums is not None and len(part.checksums) != len(part.readings):
        return "with another number of checksums than of entries"
    return None


def not_its_own(one: Heard, stream: Stream | None) -> str | None:
    """A stream belongs to one instrument of one source. The broker's rules go by topic, so this is held here.

    Under a host's topic a part is believed for what was said under its instrument's: source, and host.
    """
    if one.instrument is None and stream is None:
        return "in a batch for a stream that its instrument's topic has not named"
    if one.instrument is None and stream is not None:
        same = (stream.source, stream.host) == (one.source, one.host)
        return None if same else "in a batch of another source or host than its instrument's topic names"
    if stream is not None and (stream.instrument, stream.source) != (one.instrument, one.source):
        return "for a stream that belongs to another instrument or source"
    return None
