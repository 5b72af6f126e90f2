"""Whether a message asks: on a bus where reading without need is an error, only a question is followed by a read."""

from __future__ import annotations

import re

_QUOTED = re.compile(rb"\"[^\"]*(?:\"|$)|'[^']*(?:'|$)", re.DOTALL)


# device-dependent commands of older instruments: a status word, or X by itself, which leaves them to give a reading
_OF_LETTERS = re.compile(rb"(?:U\d)?X\s*")


def asks(message: bytes) -> bool:
    """Whether a message contains a query: a "?" outside quoted text (IEEE 488.2, section 7.3.3; SCPI-99, 6.2.3).

    U0X, U1X, U2X and X alone are the questions of instruments that have none (Keithley 617 and 6512).
    """
    return b"?" in _QUOTED.sub(b"", message) or _OF_LETTERS.fullmatch(message) is not None
