"""The DIAMENTOR's words, pure: requests to bytes, reply bytes to facts.

Source: an open driver whose author tried it on a real unit (PyMeasure's ptwDIAMENTOR and its tests). A bare word reads,
word and value set, and the reply echoes; an error is E and one or two digits. The time base of the rate and the last
field of a measurement are stated nowhere: the one is passed on as text, the other is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Declined, Garbled
from drivers.ptw.telegrams import as_ascii, value_of
from drivers.reading import Flag
from drivers.strict_numbers import decimal, whole

ERRORS = {
    1: "syntax error or unknown command",
    4: "charge overflow",
    5: "the maximum input current is exceeded",
    6: "the voltage of the chamber is out of range",
    7: "the parameter is write-protected",
    9: "the parameter is out of range",
    23: "the EEPROM could not be read or written",
    24: "the DIAMENTOR is not calibrated electrically",
    25: "the input buffer ran over",
    26: "the firmware has failed",
}
UNKNOWN_ERROR = "unknown: it is not in the published list"
NO_NUMBER = {b"E4": Flag.OVERLOAD, b"E5": Flag.OVERLOAD, b"E6": Flag.HV_FAULT}  # in the place of a measurement
# U and its number: what readings are given in, and how much of it one of the instrument's units is. 4 is R cm2.
UNITS = {"1": ("cGy.cm2", 1e-6), "2": ("Gy.cm2", 1e-4), "3": ("uGy.m2", 1e-6)}
ROENTGEN = "4"
BAUD_RATES = {"0": 9600, "1": 19200, "2": 38400, "3": 57600, "4": 115200}

_NUMBER = r"([0-9]{1,6}\.[0-9]{1,4})"
_CHAMBER = rf"{_NUMBER},{_NUMBER},([0-9]{{1,4}}),([0-5]?[0-9])"
_MEASURED = re.compile(rf"M{_CHAMBER},{_CHAMBER},[0-9]{{1,5}}")


@dataclass(frozen=True, slots=True)
class Chamber:
    """One chamber of a measurement: dose area product in the unit that is set, its rate as text, the time in s."""

    product: float
    rate: str
    time_s: float


def text_of(word: str, reply: bytes) -> str:
    """A reply as text. Raises Declined for En, Garbled for what is no ASCII."""
    line = reply.removesuffix(b"\r")
    text = as_ascii(word, line, reply)
    if found := re.fullmatch(r"E([0-9]{1,2})", text):
        number = whole(found[1])
        raise Declined(f"The DIAMENTOR refused {word} with error {number}: {ERRORS.get(number, UNKNOWN_ERROR)}.", line)
    return text


def parse_value(word: str, form: str, reply: bytes) -> str:
    """What stands behind the word, of a form (a regular expression). Raises Garbled, Declined."""
    return value_of(word, form, text_of(word, reply), reply)


def parse_device(reply: bytes) -> str:
    """The firmware in the reply to PTW. Raises Garbled, Declined."""
    text = text_of("PTW", reply)
    if not (found := re.fullmatch(r"CRS ([0-9]{1,2}\.[0-9]{2})", text)):
        raise Garbled("The reply to PTW is not that of a DIAMENTOR (CRS).", reply)
    return found[1]


def parse_test(reply: bytes) -> None:
    """The reply to TST: an empty line. Raises Declined for what it found, Garbled."""
    if text := text_of("TST", reply):
        raise Garbled(f"TST was answered with '{text[:20]}'.", reply)


def parse_measured(reply: bytes) -> tuple[Chamber, Chamber]:
    """Both chambers of M. Raises Garbled, Declined."""
    text = text_of("M", reply)
    if not (found := _MEASURED.fullmatch(text)):
        raise Garbled("Not a measurement of this protocol.", reply)
    got = found.groups()
    return _chamber(*got[:4]), _chamber(*got[4:])


def _chamber(product: str, rate: str, minutes: str, seconds: str) -> Chamber:
    return Chamber(decimal(product), rate, 60.0 * whole(minutes) + whole(seconds))
