"""The MULTIDOS's words, pure: requests to bytes, reply bytes to facts.

Source: manual D177.131.2/0 (2003-07), chapter RS232. A command without a parameter reads, with one it sets and is
echoed; an error is E and two digits. Which characters carry which flag, and how `FL` is written, is assumed.
"""

from __future__ import annotations

import re

from drivers.errors import Declined, Garbled
from drivers.ptw.telegrams import as_ascii, must_be_echo, value_of
from drivers.reading import Flag
from drivers.strict_numbers import decimal, whole

ERRORS = {
    1: "unknown command or a parameter that is not allowed",
    2: "not allowed in this application",
    3: "not allowed now: a menu is open at the instrument",
    6: "the zeroing failed",
    7: "the transmit buffer is full",
    9: "the EEPROM could not be written",
    10: "the parameter is out of its limits",
}
UNKNOWN_ERROR = "unknown: it is not in the manual's list"
STATES = frozenset({"RES", "STA", "HLD", "INT", "RUN", "NUL", "ERR"})
BUSY_STATES = frozenset({"NUL", "ERR"})
APPLICATIONS = {"dual": "D", "multi": "M", "constancy": "C", "la48": "L"}  # the letters follow from chapter titles

# Bits of FL. The calculation and the acquisition gone wrong leave no number that could be believed.
FLAG_BITS = {
    0: Flag.OVERLOAD,  # now
    1: Flag.NOT_A_NUMBER,  # maths
    2: Flag.NOT_A_NUMBER,  # acquisition
    3: Flag.HV_FAULT,  # now
    4: Flag.OVERLOAD,  # latched: charge of this measurement is missing
    5: Flag.HV_FAULT,  # latched
}
ERROR_BITS = {0: "multiplier calculation", 2: "acquisition", 4: "EEPROM corrected", 6: "EEPROM critical"}
DEVICE_BITS = {
    0: "display not accessible", 1: "display not accessible", 2: "electrical calibration possible",
    3: "set 1 write-protected", 4: "unit roentgen", 5: "reference temperature 22 Cel", 6: "HV error",
    7: "ME48 connected",
}  # fmt: skip
CONSTANCY_BITS = {0: "menu", 1: "electrical calibration"} | {8 + n: f"radiological set {n + 1}" for n in range(5)}

# As DU names them: quantity, the unit of readings in UCUM, and what one of the instrument's is of it.
UNITS = {
    "Gy": ("dose", "Gy", 1.0), "Gy/s": ("dose-rate", "Gy/s", 1.0), "Gy/min": ("dose-rate", "Gy/s", 60.0),
    "Gy/h": ("dose-rate", "Gy/s", 3600.0), "C": ("charge", "C", 1.0), "A": ("current", "A", 1.0),
}  # fmt: skip

_VALUE = re.compile(r"(?P<sign>[ -])(?P<mantissa>(?=[0-9.]{5}E)[0-9]{1,3}\.[0-9]{1,3})E(?P<exponent>[+-][0-9]{2})")
_OVER = re.compile(r"[+-]0L *")
_TIME = re.compile(r" {0,4}([0-9]{1,5}\.[05])s")
TIME_OVER = "OL     s"
TIME_LIMIT_S = 64800.0


def text_of(word: str, reply: bytes) -> str:
    """A reply as text. Raises Declined for Enn, Garbled for what is no ASCII or the reply to something else."""
    text = as_ascii(word, reply, reply)
    if found := re.fullmatch(r"E([0-9]{2})", text):
        number = whole(found[1])
        said = ERRORS.get(number, UNKNOWN_ERROR)
        raise Declined(f"The MULTIDOS refused {word} with error {number:02d}: {said}.", reply)
    return text


def parse_value(word: str, form: str, reply: bytes) -> str:
    """What stands behind the word, of a form (a regular expression). Raises Garbled, Declined."""
    return value_of(word, form, text_of(word, reply), reply)


def parse_echo(word: str, reply: bytes) -> None:
    """The echo of a command with its parameter. Raises Garbled, Declined."""
    must_be_echo(word, text_of(word, reply), reply)


def parse_device(reply: bytes) -> str:
    """The version in the reply to PTW. Raises Garbled, Declined."""
    text = text_of("PTW", reply)
    if not (found := re.fullmatch(r"MULTIDOS ([0-9]\.[0-9]{2}[A-Za-z]?)", text)):
        raise Garbled("The reply to PTW is not that of a MULTIDOS.", reply)
    return found[1]


def parse_bits(word: str, names: dict[int, str], reply: bytes) -> list[str]:
    """A decimal bit mask of five digits by the names of its bits; "bit n" where no document names it."""
    mask = whole(parse_value(word, r"[0-9]{5}", reply))
    return [names.get(bit, f"bit {bit}") for bit in range(17) if mask >> bit & 1]


def flags_of(text: str, state: str, reply: bytes) -> tuple[Flag, ...]:
    """Of a telegram: its two digits FL, and its state."""
    if not re.fullmatch(r"[0-9]{2}", text):
        raise Garbled(f"'{text}' are no flags of this protocol.", reply)
    found = [FLAG_BITS.get(bit, Flag.UNKNOWN_STATUS) for bit in range(7) if whole(text) >> bit & 1]
    return tuple(dict.fromkeys([*found, *([Flag.BUSY] if state in BUSY_STATES else [])]))


def time_of(text: str, reply: bytes) -> float | None:
    """Seconds, to the half; None where the clock has run over."""
    if text == TIME_OVER:
        return None
    if len(text) != len(TIME_OVER) or not (found := _TIME.fullmatch(text)) or decimal(found[1]) > TIME_LIMIT_S:
        raise Garbled(f"'{text}' is no time of this protocol.", reply)
    return decimal(found[1])


def number_of(text: str, reply: bytes) -> float | None:
    """A value as a telegram has it; None where it is over what can be shown."""
    if _OVER.fullmatch(text):
        return None
    if not (found := _VALUE.fullmatch(text)):
        raise Garbled(f"'{text}' is no number of this protocol.", reply)
    return decimal(f"{found['sign'].strip()}{found['mantissa']}E{found['exponent']}") + 0.0
