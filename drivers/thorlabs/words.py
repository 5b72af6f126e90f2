"""What a PM100 says, pure: identification, sensor, readings, settings.

Sources: PM100D manual p. 49 and 51, PM100USB manual p. 20 and 21 (identification, sensor, how words are written);
replies of real meters that people pasted into public code (identification); ThorlabsPM100, PyMeasure, InstrumentKit and
comet (the command tree). What none of them says stands in the model's `assumed`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Garbled
from drivers.ieee488 import Idn
from drivers.reading import Flag
from drivers.strict_numbers import decimal, whole

POWER, ENERGY, WAVELENGTH = 1, 2, 32  # bits of the sensor's flags (PM100D manual p. 51)
OVER, NOT_A_NUMBER = 9.9e37, 9.905e37  # SCPI-1999 volume 1, 7.2.1.4 and 7.2.1.5: infinity is 9.9E37, NaN is 9.91E37
BEYOND = 1.1  # what the largest range may be surpassed by; more is a damaged reply

_IDN = re.compile(r"(?:THORLABS|Thorlabs),([A-Z0-9-]{2,20}),([A-Z0-9-]{1,20}),([0-9A-Za-z.]{1,20})")
_READING = re.compile(r"[+-]?\d\.\d{2,12}E[+-]\d{2}", re.ASCII)
_CONFIGURED = re.compile(r'"?([A-Z]{3,12})(?::DC)?"?')
_FUNCTIONS = {"POW": "power", "POWER": "power", "CURR": "current", "CURRENT": "current"}
_OTHERS = re.compile(r"VOLT|ENER|FREQ|PDEN|EDEN|RES|TEMP")
_UNITS = {"W": "W", "DBM": "dBm"}


@dataclass(frozen=True, slots=True)
class Sensor:
    """SYST:SENS:IDN? taken apart. `calibrated` is the calibration message as the sensor has it."""

    name: str
    serial: str
    calibrated: str
    kind: int
    subtype: int
    flags: int

    @property
    def measures_power(self) -> bool:
        """Flag 1."""
        return bool(self.flags & POWER)

    @property
    def wavelength_settable(self) -> bool:
        """Flag 32."""
        return bool(self.flags & WAVELENGTH)


def parse_idn(line: bytes) -> Idn:
    """Reply to *IDN?. Raises Garbled when another maker's instrument answers."""
    found = _IDN.fullmatch(_text(line))
    if found is None:
        raise Garbled("The reply to *IDN? is not that of a Thorlabs instrument.", line)
    return Idn(found[1], found[2], found[3])


def parse_sensor(line: bytes) -> Sensor | None:
    """Reply to SYST:SENS:IDN?; None where no sensor is attached. Raises Garbled."""
    fields = [each.strip().strip('"') for each in _text(line).split(",")]
    if fields[0].lower() == "no sensor":
        return None
    if len(fields) < 6 or not fields[0]:
        raise Garbled("The reply to SYST:SENS:IDN? does not name a sensor.", line)
    kind, subtype, flags = (_counted(each, line) for each in fields[-3:])
    return Sensor(fields[0], fields[1], ",".join(fields[2:-3]), kind, subtype, flags)


def parse_reading(most: float, line: bytes) -> tuple[float | None, tuple[Flag, ...]]:
    """Reply to READ?: the number in the unit in force, or none and why. most: the largest range of this meter.

    Raises Garbled for what is no number, and for one that no range of the meter reaches.
    """
    text = _text(line)
    if text == "NAN":
        return None, (Flag.NOT_A_NUMBER,)
    if text.lstrip("+-") in ("INF", "NINF", "INFINITY"):
        return None, (Flag.OVERLOAD,)
    if not _READING.fullmatch(text):
        raise Garbled("The reply to READ? is no reading.", line)
    value = decimal(text)
    if abs(value) >= OVER:
        return None, (Flag.NOT_A_NUMBER if abs(value) > NOT_A_NUMBER else Flag.OVERLOAD,)
    if abs(value) > most * BEYOND:
        raise Garbled(f"The meter's largest range is {most:g}; a reading of {value:g} is none of it.", line)
    return value, ()


def parse_number(line: bytes) -> float:
    """Reply to a setting's query. Raises Garbled."""
    try:
        return decimal(_text(line))
    except ValueError as error:
        raise Garbled(f"A number was expected: {error}.", line) from error


def parse_switch(line: bytes) -> bool:
    """0 or 1. Raises Garbled."""
    text = _text(line)
    if text not in ("0", "1"):
        raise Garbled("0 or 1 was expected.", line)
    return text == "1"


def parse_function(line: bytes) -> str:
    """Reply to CONF?: "power", "current", or another function's own word. Raises Garbled."""
    found = _CONFIGURED.fullmatch(_text(line))
    word = found[1] if found else ""
    if word not in _FUNCTIONS and not _OTHERS.match(word):
        raise Garbled("The reply to CONF? names no measurement.", line)
    return _FUNCTIONS.get(word, word)


def parse_unit(line: bytes) -> str:
    """Reply to SENS:POW:UNIT?: W or dBm. Raises Garbled."""
    unit = _UNITS.get(_text(line).strip('"').upper())
    if unit is None:
        raise Garbled("The reply to SENS:POW:UNIT? is neither W nor DBM.", line)
    return unit


def _text(line: bytes) -> str:
    return line.decode("latin-1").strip()


def _counted(text: str, line: bytes) -> int:
    if not re.fullmatch(r"\+?[0-9]{1,5}", text):
        raise Garbled(f"'{text[:20]}' is no count.", line)
    return whole(text)
