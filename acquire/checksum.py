"""A short checksum that goes with an entry from its appending to the store's row, so that a flipped bit shows.

It binds the body to its stream and seq: a body that turns up under another key does not fit either. CRC-32 finds every
single flipped bit and every burst of up to 32 bits; what people change on purpose is found by the seals of the store.
"""

from __future__ import annotations

import zlib


def seed(stream: str) -> int:
    """What all checksums of a stream begin with; `stream` is its id."""
    return zlib.crc32(stream.encode())


def checksum(seed: int, seq: int, body: bytes) -> int:
    """The checksum of a body under a seq of the stream of this seed: 32 bits, unsigned."""
    return zlib.crc32(body, (seed + seq) & 0xFFFFFFFF)


def with_sum(said: bytes, rest: bytes = b"}") -> bytes:
    """A message, JSON without its last brace, closed by the checksum of what it says of itself: the bytes of `said`.

    rest: what follows, such as a list of entries that have checksums of their own, up to and with the last brace.
    """
    return b'%b%b,"crc32":%d}' % (said, rest[:-1], zlib.crc32(said))


def is_altered(message: bytes, stated: int | None, before: bytes) -> bool:
    """Whether a message says of itself something else than it was sent with; one that states no checksum is believed.

    before: what follows first upon what it says of itself.
    """
    return stated is not None and zlib.crc32(message[: message.find(before)]) != stated
