"""The readings message as the store opens it: decoded once, quickly, its numbers held within bounds.

Nearly every message holds nothing but good readings, which are decoded along with it; of every other one the entries
are left as they came, to be judged one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from acquire.bus.quick import QuickReading

MOST_ENTRIES = 10_000  # of one message

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z._-]{1,64}\Z")]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Ended = Literal["closed", "link-lost", "crash", "spool-full", "restored", "receded"]
if TYPE_CHECKING:
    Readings = list[Any]
else:
    Readings = Annotated[list[QuickReading], msgspec.Meta(max_length=MOST_ENTRIES)]


class Envelope(msgspec.Struct, rename={"schema_": "schema"}, kw_only=True):
    """What is said around the entries (docs/noloss.md section 2)."""

    schema_: str
    stream: Id
    first_seq: Seq
    source: Id
    head: Seq
    oldest: Seq
    ended: Ended | None
    ask: Id
    epoch: Id | None
    older: Seq
    readings: list[Any]


class Good(Envelope, kw_only=True):
    """Every entry has the form of a reading."""

    readings: Readings


class Mixed(Envelope, kw_only=True):
    """Entries as they came."""

    readings: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_ENTRIES)]


_good = msgspec.json.Decoder(Good)
_mixed = msgspec.json.Decoder(Mixed)


def opened(payload: bytes) -> Good | Mixed:
    """The message. Raises msgspec.DecodeError or ValidationError, UnicodeDecodeError or RecursionError."""
    try:
        return _good.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _mixed.decode(payload)


def as_it_came(payload: bytes) -> list[msgspec.Raw]:
    """The entries of a message that could be opened, each with the bytes it came in."""
    return _mixed.decode(payload).readings
