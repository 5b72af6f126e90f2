"""The readings message as the store opens it: decoded once, quickly, its numbers held within bounds.

Nearly every message holds nothing but good readings, which are decoded along with it; of every other one the entries
are left as they came, to be judged one by one. Its keys are those of docs/noloss.md, section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from acquire.bus.codec import ReadingStruct

MOST_ENTRIES = 10_000  # of one message

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z._-]{1,64}\Z")]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Ended = Literal["closed", "link-lost", "crash", "spool-full", "restored", "receded"]
if TYPE_CHECKING:
    Readings = list[Any]
else:
    Readings = Annotated[list[ReadingStruct], msgspec.Meta(max_length=MOST_ENTRIES)]


class Envelope(
    msgspec.Struct, rename={"schema_": "schema", "query": "ask", "unconfirmed_streams": "older"}, kw_only=True
):
    """What is said around the entries (docs/noloss.md section 2)."""

    schema_: str
    stream: Id
    first_seq: Seq
    source: Id
    head: Seq
    oldest: Seq
    ended: Ended | None
    why: str | None = None
    query: Id
    epoch: Id | None
    unconfirmed_streams: Seq
    readings: list[Any]


class ValidBatch(Envelope, kw_only=True):
    """Every entry has the form of a reading."""

    readings: Readings


class RawBatch(Envelope, kw_only=True):
    """Entries as they came."""

    readings: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_ENTRIES)]


_valid_batch = msgspec.json.Decoder(ValidBatch)
_raw_batch = msgspec.json.Decoder(RawBatch)


def opened(payload: bytes) -> ValidBatch | RawBatch:
    """The message. Raises msgspec.DecodeError or ValidationError, UnicodeDecodeError or RecursionError."""
    try:
        return _valid_batch.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _raw_batch.decode(payload)


def as_it_came(payload: bytes) -> list[msgspec.Raw]:
    """The entries of a message that could be opened, each with the bytes it came in."""
    return _raw_batch.decode(payload).readings
