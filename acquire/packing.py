"""Large bodies are kept packed: a glow curve of numbers in JSON takes a third of its bytes.

Only at rest, in spool and store; on the bus and for every checksum, digest and seal a body is what it says. A packed
one shows itself by its first byte: JSON never begins with an 'x'.
"""

from __future__ import annotations

import zlib

OVER = 1024  # bytes: below this packing costs more than it saves
FIRST = b"x"  # of every zlib stream with a window of 32 KiB (RFC 1950, section 2.2: CMF 0x78)
_QUICK = 1  # of zlib: a glow curve takes a quarter of a millisecond


def packed(body: bytes) -> bytes:
    """The body as it is kept: packed where that makes it smaller, or where it would be taken for packed."""
    if len(body) <= OVER and not body.startswith(FIRST):
        return body
    short = zlib.compress(body, _QUICK)
    return short if len(short) < len(body) or body.startswith(FIRST) else body


def unpacked(kept: bytes) -> bytes:
    """The body again. Raises zlib.error for one that was damaged."""
    return zlib.decompress(kept) if kept.startswith(FIRST) else kept
