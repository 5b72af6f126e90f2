"""What instruments of IEEE 488.2 and SCPI say alike, pure: who they are, their error queue, their event status.

Sources: IEEE 488.2; the manuals of the instruments that use it; captured replies of real units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Garbled
from drivers.strict_numbers import whole

POWER_ON = 0x80  # of the standard event status register: power was switched on since it was read (IEEE 488.2)

_ERROR = re.compile(r"""\s*([+-]?[0-9]{1,5})\s*,\s*(["'])(.*)\2\s*""")


@dataclass(frozen=True, slots=True)
class Idn:
    """*IDN? taken apart."""

    model: str
    serial: str
    firmware: str


def parse_error(line: bytes) -> tuple[int, str]:
    """Reply to :SYST:ERR?: (number, text). The number decides; the text's spelling differs between units.

    Raises Garbled.
    """
    found = _ERROR.fullmatch(line.decode("latin-1"))
    if found is None:
        raise Garbled("The reply to :SYST:ERR? is no error entry.", line)
    return whole(found[1]), found[3]


def parse_event_status(line: bytes) -> int:
    """Reply to *ESR? (IEEE 488.2), 0 to 255; the register is cleared by it. Raises Garbled."""
    text = line.strip().removeprefix(b"+")
    if not re.fullmatch(rb"[0-9]{1,3}", text) or whole(text.decode()) > 255:
        raise Garbled("The reply to *ESR? is no number from 0 to 255.", line)
    return whole(text.decode())
