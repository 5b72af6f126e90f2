"""The entry of ambient conditions that each reading of a chamber is corrected with: the one nearest to it in time.

Entries near a reading that contradict each other give no number until one of them is replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from acquire.dosimetry import fresh, k_tp, p_tp
from acquire.dosimetry.environment import ZERO_CELSIUS_K, ZERO_CELSIUS_TG51_K
from acquire.dosimetry.units import ATM_KPA
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.records.measured import AmbientConditions, AttemptRead, Brought

CONTRADICTS = 0.01  # of the density: 3 °C or 1 kPa; the air of a room does not change so much while an entry is valid


def nearest(found: Sequence[AmbientConditions], moment: str, allowed: timedelta, what: str) -> AmbientConditions:
    """The entry nearest to a moment (ISO 8601), with `minutes` from it to the moment (negative: entered afterwards).

    Of two equally near the earlier counts. Raises Invalid where there is none or where entries near the moment
    contradict each other, Blocked where the nearest is older or later than allowed.
    """
    if not found:
        raise Invalid("Temperature and pressure were not entered; the chamber's air density correction needs them.")
    used = datetime.fromisoformat(moment)
    away = [(used - datetime.fromisoformat(each.at), each) for each in found]
    distance, conditions = min(away, key=lambda pair: abs(pair[0]))
    fresh(datetime.fromisoformat(conditions.at), used, allowed)
    for other in (each for gap, each in away if abs(gap) <= allowed):
        if abs(_density(other) / _density(conditions) - 1) > CONTRADICTS:
            raise Invalid(
                f"Near {what} the air was entered as {_said(conditions)} and as {_said(other)}: replace the wrong one"
                " (acquire session environment --replaces)."
            )
    return replace(conditions, minutes=distance.total_seconds() / 60)


@dataclass(frozen=True, slots=True)
class EnteredConditions:
    """The entries of a session as a chamber's readings use them, after its protocol ("trs398", "tg51")."""

    found: Sequence[AmbientConditions]
    valid: timedelta
    protocol: str

    def at(self, moment: str, step: str) -> AmbientConditions:
        """The conditions at the reading of a step that began at a moment. Raises Invalid, Blocked (see `nearest`)."""
        return nearest(self.found, moment, self.valid, step)

    def brought(self, attempt: AttemptRead, to: AmbientConditions) -> AttemptRead:
        """An attempt whose charge is what it would have been in other conditions; as it is where both are one entry."""
        own = attempt.air
        if own is None or own.n == to.n or attempt.nc is None:
            return attempt
        tg51 = self.protocol == "tg51"
        density, symbol, zero = (p_tp, "P_TP", ZERO_CELSIUS_TG51_K) if tg51 else (k_tp, "k_TP", ZERO_CELSIUS_K)
        here, there = (density(a.temperature_c, a.pressure_kpa, 20.0, ATM_KPA) for a in (own, to))
        numbers = (
            f"({zero} + {own.temperature_c}) / ({zero} + {to.temperature_c}) × {to.pressure_kpa} / {own.pressure_kpa}"
        )
        brought = Brought(symbol=symbol, numbers=numbers, to=to.step or "")
        return replace(attempt, nc=attempt.nc * here / there, brought=brought)


def _density(conditions: AmbientConditions) -> float:
    return conditions.pressure_kpa / (273.15 + conditions.temperature_c)


def _said(conditions: AmbientConditions) -> str:
    return f"{conditions.temperature_c:g} °C, {conditions.pressure_kpa:g} kPa (air {conditions.n})"
