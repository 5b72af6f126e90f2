"""Brachytherapy: the console's total dwell time against the plan's, with the source decayed to the treatment."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from acquire.canonical import utc_now
from acquire.dosimetry import Factor, check_dwell_time, days_between, dwell_time_s, source_strength
from acquire.errors import Refused
from acquire.procedure.calibrations import FactorEntry
from acquire.procedure.moment import needs_offset
from acquire.procedure.rows import factor_of
from acquire.store import audit
from acquire.store.database import transaction
from acquire.tomlfile import Written

MINUS = "\u2212"


class BrachySource(Written):
    """The source of a plan: its certificate (strength in U, half-life in d), and what the plan was calculated with."""

    strength: FactorEntry
    half_life: FactorEntry
    certified_at: AwareDatetime
    planned_s: float = Field(gt=0)
    planned_strength_u: float = Field(gt=0)
    limit_percent: float = Field(gt=0, lt=100)

    @model_validator(mode="after")
    def _units(self) -> BrachySource:
        if (self.strength.unit, self.half_life.unit) != ("U", "d"):
            raise ValueError("strength must be in U and half_life in d")
        return self


def enter_console_time(
    connection: sqlite3.Connection, session_id: str, who: str, *, total_s: float, treated_at: str
) -> None:
    """What the console showed: total dwell time in s, and when (ISO 8601 with its offset). The newest entry counts.

    Raises Refused for a time that is not above 0, or a moment without offset.
    """
    needs_offset(treated_at)
    if not 0 < total_s < 86400:
        raise Refused(f"{total_s} s is no total dwell time; give it in seconds.")
    shown = audit.row("console_time", session=session_id, total_s=total_s, treated_at=treated_at, who=who, at=utc_now())
    with transaction(connection):
        audit.keep(connection, who, "console time", session_id, rows=[shown], new=f"{total_s:g} s at {treated_at}")


def console_time(connection: sqlite3.Connection, session_id: str) -> dict[str, Any] | None:
    """The newest entry, None where there is none."""
    row = connection.execute(
        "SELECT total_s, treated_at FROM console_time WHERE session = ? ORDER BY n DESC LIMIT 1", (session_id,)
    ).fetchone()
    return {"total_s": row["total_s"], "treated_at": row["treated_at"]} if row else None


def dwell_check(source: BrachySource, console: dict[str, Any] | None) -> dict[str, Any]:
    """Decay and dwell time with their numbers. Raises Refused without a console time, Blocked beyond the limit."""
    if console is None:
        raise Refused("The console's total dwell time was not entered; the source and the plan are checked against it.")
    days = days_between(source.certified_at, datetime.fromisoformat(console["treated_at"]))
    strength = source_strength(_factor(source.strength), _factor(source.half_life), days)
    expected_s = dwell_time_s(source.planned_s, source.planned_strength_u, strength.value)
    deviation = check_dwell_time(console["total_s"], expected_s, source.limit_percent)
    stated = f"{deviation:+.2f}".replace("-", MINUS)
    return {
        "days": days,
        "strength_u": strength.value,
        "strength_u_percent": strength.u_percent,
        "expected_s": expected_s,
        "console_s": console["total_s"],
        "deviation_percent": deviation,
        "says": (
            f"The source has {strength.value:.0f} U after {days:.4f} d; dwell time {console['total_s']:.1f} s, expected"
            f" {expected_s:.1f} s ({stated} %, limit {source.limit_percent:g} %)."
        ),
    }


def _factor(entry: FactorEntry) -> Factor:
    return factor_of(entry.model_dump())
