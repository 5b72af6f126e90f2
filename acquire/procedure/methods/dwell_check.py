"""Brachytherapy: the console's total dwell time against the plan's, with the source decayed to the treatment."""

from __future__ import annotations

from datetime import datetime

from acquire.dosimetry import Factor, check_dwell_time, days_between, dwell_time_s, source_strength
from acquire.errors import Refused
from acquire.procedure.documents.brachy_source import BrachySource
from acquire.procedure.documents.calibrations import FactorEntry
from acquire.procedure.methods.detector_needs import factor
from acquire.procedure.methods.rows import factor_of
from acquire.procedure.records.inputs import DwellRecord
from acquire.procedure.records.selection import ConsoleTime

MINUS = "\u2212"


def dwell_check(source: BrachySource, console: ConsoleTime | None) -> DwellRecord:
    """Decay and dwell time with their numbers. Raises Refused without a console time, Blocked beyond the limit."""
    if console is None:
        raise Refused("The console's total dwell time was not entered; the source and the plan are checked against it.")
    days = days_between(source.certified_at, datetime.fromisoformat(console.treated_at))
    strength = source_strength(_factor(source.strength), _factor(source.half_life), days)
    expected_s = dwell_time_s(source.planned_s, source.planned_strength_u, strength.value)
    deviation = check_dwell_time(console.total_s, expected_s, source.limit_percent)
    stated = f"{deviation:+.2f}".replace("-", MINUS)
    return DwellRecord(
        days=days,
        strength_u=strength.value,
        strength_u_percent=strength.u_percent,
        expected_s=expected_s,
        console_s=console.total_s,
        deviation_percent=deviation,
        says=(
            f"The source has {strength.value:.0f} U after {days:.4f} d; dwell time {console.total_s:.1f} s, expected"
            f" {expected_s:.1f} s ({stated} %, limit {source.limit_percent:g} %)."
        ),
    )


def _factor(entry: FactorEntry) -> Factor:
    return factor_of(factor(entry))
