"""The MULTIDOS's 16-bit block check, pure: five decimal digits over all characters before them.

Its algorithm is in no published page that was found. So it is chosen, or found out: one of the usual ones that agrees
with several different frames in a row is the one (each would agree with a strange frame once in 65,536), and from then
on a frame that it does not agree with is refused. Until then frames are taken unchecked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from drivers.errors import Garbled

Choice = Literal["find-out", "none", "byte-sum", "crc-16-arc", "crc-16-ccitt-false", "crc-16-xmodem"]
AGREES_TIMES = 3
DIGITS = 5


def byte_sum(data: bytes) -> int:
    """The sum of all bytes modulo 65536."""
    return sum(data) & 0xFFFF


def crc_16_arc(data: bytes) -> int:
    """CRC-16/ARC: polynomial 0x8005, reflected, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _crc_16_0x1021(data: bytes, crc: int) -> int:
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def crc_16_ccitt_false(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, from 0xFFFF."""
    return _crc_16_0x1021(data, 0xFFFF)


def crc_16_xmodem(data: bytes) -> int:
    """CRC-16/XMODEM: polynomial 0x1021, from 0."""
    return _crc_16_0x1021(data, 0)


ALGORITHMS: dict[str, Callable[[bytes], int]] = {
    "byte-sum": byte_sum,
    "crc-16-arc": crc_16_arc,
    "crc-16-ccitt-false": crc_16_ccitt_false,
    "crc-16-xmodem": crc_16_xmodem,
}


class BlockCheck:
    """Checks frames as it was told to. `in_force`: the algorithm, None while frames are taken unchecked."""

    def __init__(self, choice: Choice) -> None:
        self._finds_out = choice == "find-out"
        self.in_force: str | None = choice if choice in ALGORITHMS else None
        self._agreed = dict.fromkeys(ALGORITHMS, 0)
        self._last = b""

    def checked(self, frame: bytes) -> bytes:
        """The frame without its check. Raises Garbled where it has none, or one that does not agree."""
        data, check = frame[:-DIGITS], frame[-DIGITS:]
        if len(check) != DIGITS or not check.isdigit() or int(check) > 0xFFFF:
            raise Garbled("The telegram does not end with a block check of five digits.", frame)
        if self.in_force is not None and ALGORITHMS[self.in_force](data) != int(check):
            raise Garbled(f"The block check ({self.in_force}) of the telegram is wrong.", frame)
        if self._finds_out and self.in_force is None and frame != self._last:
            self._last = frame
            self._find_out(data, int(check))
        return data

    def _find_out(self, data: bytes, check: int) -> None:
        for name, algorithm in ALGORITHMS.items():
            self._agreed[name] = self._agreed[name] + 1 if algorithm(data) == check else 0
        found = [name for name, times in self._agreed.items() if times >= AGREES_TIMES]
        if len(found) == 1:
            self.in_force = found[0]
