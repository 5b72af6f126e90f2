"""Ambient conditions at a chamber: entered by people, and for each reading the entry nearest to it in time.

A mistyped entry is not taken back: another one replaces it, at the time of the first, with a reason and a second
person. Entries near a reading that contradict each other give no number until one of them is replaced.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from acquire.canonical import utc_now
from acquire.dosimetry import fresh, k_tp, p_tp
from acquire.dosimetry.environment import PRESSURE_KPA, TEMPERATURE_C, ZERO_CELSIUS_K, ZERO_CELSIUS_TG51_K
from acquire.dosimetry.units import ATM_KPA
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.session.session import get_session
from acquire.store import audit
from acquire.store.database import transaction

Conditions = dict[str, Any]
CONTRADICTS = 0.01  # of the density: 3 °C or 1 kPa; the air of a room does not change so much while an entry is valid


def set_environment(
    connection: sqlite3.Connection,
    session_id: str,
    who: str,
    *,
    temperature_c: float,
    pressure_kpa: float,
    source: str,
    humidity_percent: float | None = None,
    replaces: int | None = None,
    reason: str | None = None,
    confirmed_by: str | None = None,
) -> int:
    """Enter temperature in °C, station pressure in kPa (not reduced to sea level) and relative humidity in percent.

    Returns the entry's number. `replaces`: the number of a mistyped entry of the session, in whose place and at whose
    time this one stands. Raises Refused outside 5 to 45 °C, 80 to 106 kPa or 1 to 100 %: there the unit is probably
    another one; and for a replacement without a reason and a second person.
    """
    get_session(connection, session_id)
    _believable(temperature_c, pressure_kpa, humidity_percent)
    if replaces is not None:
        _may_replace(connection, session_id, replaces, who, confirmed_by, reason)
    entered = audit.row(
        "environment", session=session_id, temperature_c=temperature_c, pressure_kpa=pressure_kpa,
        humidity_percent=humidity_percent, source=source, at=utc_now(), who=who, replaces=replaces, reason=reason,
        confirmed_by=confirmed_by,
    )  # fmt: skip
    damp = "" if humidity_percent is None else f", {humidity_percent:g} %"
    new = f"{temperature_c} °C, {pressure_kpa} kPa{damp}, {source}"
    old = None if replaces is None else f"air {replaces}"
    with transaction(connection):
        ((n,),) = audit.keep(
            connection, who, "environment", session_id, rows=[entered], old=old, new=new, reason=reason
        )
    return int(n)


def entries(connection: sqlite3.Connection, session_id: str) -> list[Conditions]:
    """What counts of a session's entries, in the order they were made; one that replaces another has its time."""
    rows = connection.execute(
        "SELECT n, temperature_c, pressure_kpa, humidity_percent, source, at, replaces FROM environment"
        " WHERE session = ? ORDER BY n",
        (session_id,),
    ).fetchall()
    at = {row["n"]: row["at"] for row in rows}
    for row in rows:
        if row["replaces"] is not None:
            at[row["n"]] = at[row["replaces"]]
    replaced = {row["replaces"] for row in rows}
    kept = ("n", "temperature_c", "pressure_kpa", "humidity_percent", "source")
    return [{name: row[name] for name in kept} | {"at": at[row["n"]]} for row in rows if row["n"] not in replaced]


def nearest(found: Sequence[Conditions], moment: str, allowed: timedelta, what: str) -> Conditions:
    """The entry nearest to a moment (ISO 8601), with `minutes` from it to the moment (negative: entered afterwards).

    Of two equally near the earlier counts. Raises Invalid where there is none or where entries near the moment
    contradict each other, Blocked where the nearest is older or later than allowed.
    """
    if not found:
        raise Invalid("Temperature and pressure were not entered; the chamber's air density correction needs them.")
    used = datetime.fromisoformat(moment)
    away = [(used - datetime.fromisoformat(each["at"]), each) for each in found]
    distance, conditions = min(away, key=lambda pair: abs(pair[0]))
    fresh(datetime.fromisoformat(conditions["at"]), used, allowed)
    for other in (each for gap, each in away if abs(gap) <= allowed):
        if abs(_density(other) / _density(conditions) - 1) > CONTRADICTS:
            raise Invalid(
                f"Near {what} the air was entered as {_said(conditions)} and as {_said(other)}: replace the wrong one"
                " (acquire session environment --replaces)."
            )
    return conditions | {"minutes": distance.total_seconds() / 60}


@dataclass(frozen=True, slots=True)
class EnteredConditions:
    """The entries of a session as a chamber's readings use them, after its protocol."""

    found: Sequence[Conditions]
    valid: timedelta
    protocol: Literal["trs398", "tg51"]

    def at(self, moment: str, step: str) -> Conditions:
        """The conditions at the reading of a step that began at a moment. Raises Invalid, Blocked (see `nearest`)."""
        return nearest(self.found, moment, self.valid, step)

    def brought(self, attempt: Mapping[str, Any], to: Conditions) -> dict[str, Any]:
        """An attempt whose charge is what it would have been in other conditions; as it is where both are one entry."""
        own = attempt.get("air")
        if own is None or own["n"] == to["n"]:
            return dict(attempt)
        tg51 = self.protocol == "tg51"
        density, symbol, zero = (p_tp, "P_TP", ZERO_CELSIUS_TG51_K) if tg51 else (k_tp, "k_TP", ZERO_CELSIUS_K)
        here, there = (density(a["temperature_c"], a["pressure_kpa"], 20.0, ATM_KPA) for a in (own, to))
        numbers = (
            f"({zero} + {own['temperature_c']}) / ({zero} + {to['temperature_c']}) × {to['pressure_kpa']} /"
            f" {own['pressure_kpa']}"
        )
        brought = {"symbol": symbol, "numbers": numbers, "to": to["step"]}
        return {**attempt, "nc": attempt["nc"] * here / there, "brought": brought}


def _density(conditions: Mapping[str, Any]) -> float:
    return float(conditions["pressure_kpa"]) / (273.15 + float(conditions["temperature_c"]))


def _said(conditions: Mapping[str, Any]) -> str:
    return f"{conditions['temperature_c']:g} °C, {conditions['pressure_kpa']:g} kPa (air {conditions['n']})"


def _believable(temperature_c: float, pressure_kpa: float, humidity_percent: float | None) -> None:
    if not TEMPERATURE_C[0] <= temperature_c <= TEMPERATURE_C[1]:
        raise Refused(f"{temperature_c} °C is no room temperature; allowed is 5 to 45 °C (is it °F or K?).")
    if not PRESSURE_KPA[0] <= pressure_kpa <= PRESSURE_KPA[1]:
        raise Refused(f"{pressure_kpa} kPa is no station pressure; allowed is 80 to 106 kPa (is it hPa or mmHg?).")
    if humidity_percent is not None and not 1 <= humidity_percent <= 100:
        raise Refused(
            f"{humidity_percent} % is no relative humidity of a room; allowed is 1 to 100 % (is it a fraction?)."
        )


def _may_replace(
    connection: sqlite3.Connection, session_id: str, n: int, who: str, confirmed_by: str | None, reason: str | None
) -> None:
    counting = [each["n"] for each in entries(connection, session_id)]
    if n not in counting:
        known = ", ".join(str(each) for each in counting) or "none"
        raise Refused(f"Air {n} does not count in session {session_id}; those that do: {known}.")
    two_people("An entry of the air is replaced", who, confirmed_by, reason)
