"""Large bodies are kept packed: a glow curve of numbers in JSON takes a third of its bytes.

Only at rest, in spool and store; on the bus and for every checksum, digest and seal a body is what it says. A packed
one shows itself by its first byte: JSON never begins with an 'x'.
"""

from __future__ import annotations

import zlib

LEAST = 1024  # bytes: below this packing costs more than it saves
_FIRST = b"x"  # of every zlib stream with a window of 32 KiB (RFC 1950, section 2.2: CMF 0x78)
_LEVEL = 1


def packed(body: bytes) -> bytes:
    """The body as it is kept: packed where that makes it smaller."""
    if len(body) < LEAST:
        return body
    smaller = zlib.compress(body, _LEVEL)
    return smaller if len(smaller) < len(body) else body


def unpacked(kept: bytes) -> bytes:
    """The body again. Raises zlib.error for one that was damaged."""
    return zlib.decompress(kept) if kept[:1] == _FIRST else kept
