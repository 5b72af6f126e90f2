"""How a MULTIDOS writes values, times and telegrams (manual D177.131.2/0, chapter RS232), and its block check.

The block check's algorithm is not published: the sum of the bytes modulo 65536 is a placeholder, and two CRCs may be
chosen in its place.
"""

from __future__ import annotations

import binascii
import math

LARGEST = 999.9e20
TIME_LIMIT_S = 64800.0


def value_text(value: float) -> str:
    """` 1.234E-09`: four digits, a blank for plus; beyond what can be shown `+0L   `."""
    if abs(value) > LARGEST:
        return ("+" if value > 0 else "-") + "0L   "
    return ("-" if value < 0 else " ") + f"{abs(value):.3E}"


def time_text(seconds: float) -> str:
    """Seven characters to the half second, and an s."""
    if seconds > TIME_LIMIT_S:
        return "OL     s"
    return f"{math.floor(seconds * 2) / 2:7.1f}s"


def ratio_text(first: float, second: float) -> str:
    """The second in percent of the first."""
    if not first:
        return " ----.-"
    percent = second / first * 100
    return " ####.#" if abs(percent) > 9999.9 else f"{'-' if percent < 0 else ' '}{abs(percent):06.1f}"


def checked(text: str, kind: str) -> str:
    """The telegram with its five digits."""
    data = text.encode("ascii")
    number = sum(data) % 65536
    if kind == "crc-16-xmodem":
        number = binascii.crc_hqx(data, 0)
    elif kind == "crc-16-ccitt-false":
        number = binascii.crc_hqx(data, 0xFFFF)
    return f"{text}{number:05d}"


KINDS = ("byte-sum", "crc-16-xmodem", "crc-16-ccitt-false")
