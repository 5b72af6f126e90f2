"""The readings message as the store opens it: decoded once, quickly, its numbers held within bounds.

Nearly every message holds nothing but good readings, which are decoded along with it; of every other one the entries
are left as they came, to be judged one by one. Its keys are those of docs/noloss.md, section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from acquire.bus.codec import ReadingStruct

MOST_ENTRIES = 10_000  # of one message
MOST_PARTS = 1000  # of one batch

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z._-]{1,64}\Z")]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Host = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9._-]{0,63})?\Z")]
Ended = Literal["closed", "link-lost", "crash", "spool-full", "restored", "receded"]
Sum = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
Checksums = list[Sum]
if TYPE_CHECKING:
    Readings = list[Any]
else:
    Readings = Annotated[list[ReadingStruct], msgspec.Meta(max_length=MOST_ENTRIES)]


class Part(msgspec.Struct, rename={"unconfirmed_streams": "older"}, kw_only=True):
    """What is said of one stream, with some of its entries (docs/noloss.md section 2)."""

    stream: Id
    first_seq: Seq
    head: Seq
    oldest: Seq
    ended: Ended | None
    why: str | None = None
    unconfirmed_streams: Seq
    checksums: Checksums | None = None
    readings: list[Any]
    crc32: Sum | None = None


class ValidPart(Part, kw_only=True):
    """Every entry has the form of a reading."""

    readings: Readings
    checksums: Checksums


class RawPart(Part, kw_only=True):
    """Entries as they came."""

    readings: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_ENTRIES)]
    checksums: Checksums


class Batch(msgspec.Struct, rename={"schema_": "schema", "query": "ask"}, kw_only=True):
    """Several parts of one source in one message; `parts` as they came, to be opened one by one."""

    schema_: str
    source: Id
    query: Id
    epoch: Id | None
    parts: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_PARTS)]
    crc32: Sum | None = None


class Envelope(Part, rename={"schema_": "schema", "query": "ask", "unconfirmed_streams": "older"}, kw_only=True):
    """A part, and who says it, in answer to which question."""

    schema_: str
    source: Id
    query: Id
    epoch: Id | None
    host: Host | None = None
    copy: bool = False


class ValidBatch(Envelope, kw_only=True):
    """Every entry has the form of a reading."""

    readings: Readings


class RawBatch(Envelope, kw_only=True):
    """Entries as they came."""

    readings: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_ENTRIES)]


_valid_batch = msgspec.json.Decoder(ValidBatch)
_raw_batch = msgspec.json.Decoder(RawBatch)


_batch = msgspec.json.Decoder(Batch)
_valid_part = msgspec.json.Decoder(ValidPart)
_raw_part = msgspec.json.Decoder(RawPart)


def opened_batch(payload: bytes) -> Batch:
    """A batch with its parts unopened. Raises as opened does."""
    return _batch.decode(payload)


def opened_part(raw: bytes) -> ValidPart | RawPart:
    """A part of a batch. Raises as opened does."""
    try:
        return _valid_part.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _raw_part.decode(raw)


def entries_of_part(raw: bytes) -> list[bytes]:
    """The entries of a part that could be opened, each as it came."""
    return [bytes(each) for each in _raw_part.decode(raw).readings]


def opened(payload: bytes) -> ValidBatch | RawBatch:
    """The message. Raises msgspec.DecodeError or ValidationError, UnicodeDecodeError or RecursionError."""
    try:
        return _valid_batch.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _raw_batch.decode(payload)


def as_it_came(payload: bytes) -> list[msgspec.Raw]:
    """The entries of a message that could be opened, each with the bytes it came in."""
    return _raw_batch.decode(payload).readings


def is_copy(payload: bytes) -> bool:
    """Whether a message says, before its entries, that it is for onlookers only; told without decoding it."""
    return payload.find(_COPY, 0, max(payload.find(_ENTRIES), 0)) >= 0


_COPY, _ENTRIES = b'"copy":true', b'"readings":'
