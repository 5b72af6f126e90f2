"""Calibrations that are due or over, and detectors that have received what their calibration allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from acquire.doctor.finding import Finding

DUE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CalibrationSeen:
    """One calibration in force, and its last day."""

    id: str
    of: str
    until: date
    today: date


def of_calibration(seen: CalibrationSeen) -> Iterator[Finding]:
    """Findings of one calibration."""
    if seen.until < seen.today:
        says = f"Calibration {seen.id} of {seen.of} ended on {seen.until}: calibrate it again, or use another."
        yield Finding("calibration-over", seen.of, says)
    elif seen.until <= seen.today + DUE:
        days = (seen.until - seen.today).days
        says = f"Calibration {seen.id} of {seen.of} ends on {seen.until}, in {days} days: calibrate it before."
        yield Finding("calibration-due", seen.of, says)


@dataclass(frozen=True, slots=True)
class DoseSeen:
    """The sentence that refuses a detector for its dose; None: it has some left."""

    detector: str
    refused: str | None


def of_dose(seen: DoseSeen) -> Iterator[Finding]:
    """Findings of what one detector has received."""
    if seen.refused is not None:
        yield Finding("detector-dose", seen.detector, seen.refused)
