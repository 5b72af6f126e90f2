"""The readings message as the store opens it: decoded once, quickly, its numbers held within bounds.

Nearly every message holds nothing but good readings, which are decoded along with it; of every other one the entries
are left as they came, to be judged one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from acquire.bus.codec import ReadingStruct
from acquire.bus.noloss import Batch, Part, Readings

MOST_ENTRIES = 10_000  # of one message
MOST_PARTS = 1000  # of one batch

AsTheyCame = Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_ENTRIES)]
if TYPE_CHECKING:
    Valid = list[Any]
else:
    Valid = Annotated[list[ReadingStruct], msgspec.Meta(max_length=MOST_ENTRIES)]


class ValidPart(Part, kw_only=True):
    """Every entry has the form of a reading."""

    readings: Valid


class RawPart(Part, kw_only=True):
    """Entries as they came."""

    readings: AsTheyCame


class RawBatch(Batch, kw_only=True):
    """Parts as they came, to be opened one by one."""

    parts: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_PARTS)]


class ValidReadings(Readings, kw_only=True):
    """Every entry has the form of a reading."""

    readings: Valid


class RawReadings(Readings, kw_only=True):
    """Entries as they came."""

    readings: AsTheyCame


_valid_readings = msgspec.json.Decoder(ValidReadings)
_raw_readings = msgspec.json.Decoder(RawReadings)
_batch = msgspec.json.Decoder(RawBatch)
_valid_part = msgspec.json.Decoder(ValidPart)
_raw_part = msgspec.json.Decoder(RawPart)


def opened_batch(payload: bytes) -> RawBatch:
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


def opened(payload: bytes) -> ValidReadings | RawReadings:
    """The message. Raises msgspec.DecodeError or ValidationError, UnicodeDecodeError or RecursionError."""
    try:
        return _valid_readings.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _raw_readings.decode(payload)


def as_it_came(payload: bytes) -> list[msgspec.Raw]:
    """The entries of a message that could be opened, each with the bytes it came in."""
    return _raw_readings.decode(payload).readings


def is_copy(payload: bytes) -> bool:
    """Whether a message says, before its entries, that it is for onlookers only; told without decoding it."""
    return payload.find(_COPY, 0, max(payload.find(_ENTRIES), 0)) >= 0


_COPY, _ENTRIES = b'"copy":true', b'"readings":'
