"""Whether a message asks: on a bus where reading without need is an error, only a question is followed by a read."""

from __future__ import annotations

import re

_QUOTED = re.compile(rb"\"[^\"]*(?:\"|$)|'[^']*(?:'|$)", re.DOTALL)


def asks(message: bytes) -> bool:
    """Whether a message contains a query: a "?" outside quoted text (IEEE 488.2, section 7.3.3; SCPI-99, 6.2.3)."""
    return b"?" in _QUOTED.sub(b"", message)
