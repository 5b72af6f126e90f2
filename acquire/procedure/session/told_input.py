"""What an instrument itself says of an input beside its charge: the range in force and the voltage at the detector.

Nobody types these: they come with each reading of those models that state them. Of the others nothing is known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VOLTAGES = ("detector-voltage", "source-voltage")
ELSEWHERE = "source-voltage"  # a source that is off may leave the voltage to another one
SAME_V = 2.0  # two stated voltages further apart are a change; assumed, as the drivers do
SAME_SHARE = 0.01  # of the voltage
UNKNOWN_RANGES = (None, "auto")


@dataclass(frozen=True, slots=True)
class Told:
    """The range and the voltage in V that came with a reading; None where the instrument does not say."""

    range: str | None
    voltage_v: float | None


def told(body: Mapping[str, Any]) -> Told:
    """Of one reading."""
    name = body.get("range")
    return Told(None if name in UNKNOWN_RANGES else name, _voltage(body))


def ranges_of(bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every range in which readings were taken, in order, each once."""
    found = dict.fromkeys(told(body).range for body in bodies)
    return [each for each in found if each is not None]


def voltages_of(bodies: Sequence[Mapping[str, Any]]) -> list[float]:
    """Every voltage in V at which readings were taken, in order, each that differs from the one before."""
    found: list[float] = []
    for volts in (told(body).voltage_v for body in bodies):
        if volts is not None and not (found and same_voltage(found[-1], volts)):
            found.append(volts)
    return found


def same_voltage(one: float, other: float) -> bool:
    """Whether two stated voltages are one within what a stated value moves."""
    return abs(one - other) <= max(SAME_V, SAME_SHARE * max(abs(one), abs(other)))


def _voltage(body: Mapping[str, Any]) -> float | None:
    return next(_stated(body.get("also") or {}), None)


def _stated(also: Mapping[str, Any]) -> Iterator[float]:
    for name in VOLTAGES:
        value = (also.get(name) or {}).get("value")
        if value is not None and not (name == ELSEWHERE and value == 0):
            yield float(value)
