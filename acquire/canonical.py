"""Canonical JSON: one spelling for one content, so that a digest names it.

UTF-8, keys sorted by code point, no blanks, shortest round-trip numbers. Every entry body is written this way once, at
the source, and travels and rests as those bytes.
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: object) -> bytes:
    """The canonical JSON of a value made of dictionaries, lists, text, numbers, booleans and None."""
    return _encoder.encode(value)


def parse(body: bytes) -> Any:
    """Inverse of canonical. Raises msgspec.DecodeError (a ValueError) for anything that is not JSON."""
    return msgspec.json.decode(body)


def digest(body: bytes) -> bytes:
    """SHA-256 of a body, 32 bytes."""
    return hashlib.sha256(body).digest()


def utc_now() -> str:
    """The host clock: UTC, ISO 8601 with microseconds and a Z."""
    return utc_at(time.time_ns())


def utc_at(ns: int) -> str:
    """The moment so many ns after 1970 began, in the same form."""
    seconds, microseconds = divmod(ns // 1000, 1_000_000)
    return f"{_to_the_second(seconds)}.{microseconds:06d}Z"


@lru_cache(maxsize=2)
def _to_the_second(seconds: int) -> str:
    """Many readings come in one second, and this is most of the work."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:-6]


def utc(moment: datetime) -> str:
    """A moment in UTC as it is written everywhere: ISO 8601 with microseconds and a Z."""
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"
