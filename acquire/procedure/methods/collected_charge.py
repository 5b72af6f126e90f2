"""The charge a measurement collected, from the readings between its markers.

A reading with a flag that forbids a number makes the measurement invalid: nothing is interpolated or extrapolated.
Times are the instrument's own running clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from acquire.procedure.records.selection import Integrates

IN_NC = {"C": 1e9, "mC": 1e6, "uC": 1e3, "nC": 1.0, "pC": 1e-3}  # UCUM
_NO_VALUE = ("overload", "out-of-limit", "zero-check", "hv-fault", "not-a-number", "unparsed")
BLOCKING = frozenset((*_NO_VALUE, "uncalibrated", "changed-by-hand", "busy", "settling"))
OUTSIDE_SHARE = 0.005  # of the measured charge; as much as leakage may have before it blocks
OUTSIDE_S = 5.0  # within so many seconds; where the nearest reading is further off, leakage had longer
RESET_WITHIN_S = 2.0  # an integral that began longer before the begin marker was not reset for this measurement


Body = Mapping[str, Any]  # a reading as the store has it; its keys are those of the bus (acquire.bus.messages)


class Invalid(Exception):
    """No number comes of this measurement; one plain sentence."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Collected charge in nC over `time_s` seconds of the instrument's clock."""

    nc: float
    time_s: float


def in_nc(value: float, unit: str) -> float:
    """A charge in nC. Raises Invalid for a unit that is no charge."""
    if unit not in IN_NC:
        raise Invalid(f"The unit '{unit}' is no charge; allowed are {', '.join(IN_NC)}.")
    return value * IN_NC[unit]


def curve(bodies: Sequence[Body]) -> tuple[list[float], list[float]]:
    """(times in s of the instrument's clock, charges in nC) of the readings that carry a charge.

    Raises Invalid: a blocking flag, fewer than two readings, no clock, a clock that went back.
    """
    readings = [b for b in bodies if b["quantity"] == "charge"]
    flags = sorted({f for b in readings for f in b.get("flags") or () if f in BLOCKING})
    if flags:
        raise Invalid(f"The instrument flagged {', '.join(flags)} during the measurement: no value.")
    valued = [b for b in readings if b.get("value") is not None]
    if len(valued) < 2:
        raise Invalid(f"{len(valued)} charge reading(s) lie between the markers; at least two are needed.")
    times = [float(b["elapsed_s"]) for b in valued if b.get("elapsed_s") is not None]
    if len(times) < len(valued):
        raise Invalid("The readings carry no time of the instrument's own clock.")
    if any(b < a for a, b in pairwise(times)):
        raise Invalid("The instrument's clock went back during the measurement: it was reset or started anew.")
    return times, [in_nc(b["value"], b["unit"]) for b in valued]


def collected_outside(bodies: Sequence[Body], before: Body | None, after: Body | None) -> str | None:
    """What is wrong where a running charge rose between a marker and the nearest reading beyond it; else None.

    before, after: the readings next to the markers, outside, however far off: a slow instrument or a lost reply is when
    a beam is cut. A beam that was on there has part of its charge uncounted. One without a number, lower (a zero was
    made) or of a clock that began anew says nothing.
    """
    try:
        times, charges = curve(bodies)
    except Invalid:
        return None  # it has no charge, and says so by itself
    inside = charges[-1] - charges[0]
    found = []
    if (point := _point(before)) is not None:
        found.append((times[0] - point[0], charges[0] - point[1], "before the first", "begin"))
    if (point := _point(after)) is not None:
        found.append((point[0] - times[-1], point[1] - charges[-1], "after the last", "end"))
    for away_s, rise_nc, where, edge in found:
        leaks_nc = OUTSIDE_SHARE * max(1.0, away_s / OUTSIDE_S) * abs(inside)
        if away_s >= 0 and rise_nc * inside > 0 and abs(rise_nc) > leaks_nc:
            return (
                f"{abs(rise_nc):.4g} nC were collected {where} reading of the measurement, beside {abs(inside):.4g} nC"
                f" in it: the beam was on at its {edge}."
            )
    return None


def _point(reading: Body | None) -> tuple[float, float] | None:
    """(time in s of the instrument's clock, charge in nC) of a reading that states both; else None."""
    if reading is None or reading["quantity"] != "charge" or reading["unit"] not in IN_NC:
        return None
    at, value = reading.get("elapsed_s"), reading.get("value")
    return None if at is None or value is None else (float(at), in_nc(value, reading["unit"]))


def collected(bodies: Sequence[Body], integrates: Integrates) -> Charge:
    """Charge of one measurement from its readings in order.

    "running": last minus first. "reset": the last integral, where the first reading shows that the instrument was
    reset just before. Raises Invalid as `curve` does, and where it was not reset.
    """
    times, charges = curve(bodies)
    if integrates == "running":
        return Charge(charges[-1] - charges[0], times[-1] - times[0])
    if times[0] > RESET_WITHIN_S:
        raise Invalid(f"The integral began {times[0]:g} s before the measurement: the instrument was not reset.")
    return Charge(charges[-1], times[-1])
