"""Sensors that can be plugged into a simulated PM100, and how its numbers are written.

The flags are those of the PM100D manual p. 51; names and limits in nm are of the kind that Thorlabs sells.
Responsivity, ranges and identification texts are invented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from simulators.scpi.parameters import Number, ScpiError, plain_number, same_word

POWER, ENERGY, RESPONSE_SETTABLE, WAVELENGTH_SETTABLE = 1, 2, 16, 32
CURRENT_RANGES_A = tuple(5.0 * 10.0**n for n in range(-9, -2))
MULTIPLIERS = {"": 1.0, "N": 1e-9, "U": 1e-6, "M": 1e-3, "K": 1e3}
SUFFIXED = re.compile(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)")


@dataclass(frozen=True)
class Sensor:
    """What is in its memory: `kind` 1 is a photodiode, 3 a pyroelectric one (types named by public clients)."""

    name: str
    serial: str
    calibrated: str
    kind: int
    flags: int
    wavelengths_nm: tuple[float, float] = (0.0, 0.0)

    @property
    def identification(self) -> str:
        """The reply to SYST:SENS:IDN?."""
        return f"{self.name},{self.serial},{self.calibrated},{self.kind},1,{self.flags}"

    def responsivity(self, wavelength_nm: float) -> float:
        """A/W; invented, rising with the wavelength as a silicon diode's does."""
        return 0.5 * wavelength_nm / 900.0


PHOTODIODE = Sensor(
    "S150C", "130204105", "04-Feb-2027", 1, POWER | RESPONSE_SETTABLE | WAVELENGTH_SETTABLE, (350.0, 1100.0)
)
OTHER_PHOTODIODE = Sensor("S120C", "130611214", "11-Jun-2026", 1, PHOTODIODE.flags, (400.0, 1100.0))
PYROELECTRIC = Sensor("ES111C", "120813101", "13-Aug-2026", 3, ENERGY)
SENSORS: Mapping[str, Sensor | None] = {
    "photodiode": PHOTODIODE, "other photodiode": OTHER_PHOTODIODE, "pyroelectric": PYROELECTRIC, "none": None,
}  # fmt: skip


def sensor_named(name: object) -> Sensor | None:
    """By the option's word. Raises ValueError with those that there are."""
    if name not in SENSORS:
        raise ValueError(f"There is no sensor {name!r}; there are {', '.join(SENSORS)}.")
    return SENSORS[str(name)]


@dataclass(frozen=True)
class Suffixed:
    """A number with MIN, MAX and DEF, or with a multiplier and a unit behind it (PM100USB manual p. 21).

    With `rounds_up` it becomes the lowest of these that holds it, and `least` is what MIN stands for.
    """

    low: float
    high: float
    default: float
    unit: str
    rounds_up: tuple[float, ...] = ()
    least: float | None = None

    def __call__(self, text: str) -> float:
        limits = Number(self.low if self.least is None else self.least, self.high, self.default)
        if any(same_word(text, word) for word in ("MINimum", "MAXimum", "DEFault")):
            return limits(text)
        found = SUFFIXED.fullmatch(text)
        multiplier = None if found is None else self._multiplier(found[2].upper())
        if found is None or multiplier is None:
            raise ScpiError(-104)
        value = plain_number(found[1].strip()) * multiplier
        if not self.low <= value <= self.high * (1 + 1e-9):
            raise ScpiError(-222)
        return next((each for each in self.rounds_up if each >= value * (1 - 1e-9)), value)

    def _multiplier(self, suffix: str) -> float | None:
        unit = self.unit.upper()
        return 1.0 if suffix == unit else MULTIPLIERS.get(suffix.removesuffix(unit) if suffix else suffix)


def show(value: float) -> str:
    """A reading or a setting; the number of digits is assumed."""
    return f"{value:.8E}"
