"""Dose over a course: fractions of therapy, and imaging as a line of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from acquire.dosimetry.budget import Budget, Contribution
from acquire.dosimetry.correlation import Combined, Term, combine
from acquire.dosimetry.dose import Dose
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.factor import Factor
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.limits import LimitFinding, against_limits


@dataclass(frozen=True, slots=True)
class CourseLine:
    """One line of a course: dose per time in Gy, how many times, and what it is. Never mixed into a measured result."""

    name: str
    gy_each: float
    times: int
    budget: Budget

    def __post_init__(self) -> None:
        finite_fields(self)


def therapy_line(measured: Dose, fractions: int) -> CourseLine:
    """The measured dose of one fraction, taken for all: its uncertainty is common and scales with their number."""
    return CourseLine("therapy", measured.value_gy, fractions, measured.budget)


def imaging_line(per_image: Factor, images: int, name: str = "imaging") -> CourseLine:
    """Dose of imaging, from a table: per_image in cGy or Gy with its uncertainty, common to all images.

    Raises OutsideValidity.
    """
    if per_image.unit not in ("cGy", "Gy"):
        raise OutsideValidity(f"The dose per image is given in cGy or Gy, not in {per_image.unit}.")
    gy = per_image.value / (100 if per_image.unit == "cGy" else 1)
    return CourseLine(name, gy, images, Budget((Contribution(name, per_image.u_percent, per_image.source),)))


def course_dose(lines: Sequence[CourseLine]) -> Combined:
    """Sum of the lines in Gy, with its standard uncertainty. Raises OutsideValidity for a negative count."""
    if any(line.times < 0 for line in lines):
        raise OutsideValidity("A course cannot hold a negative number of fractions.")
    return combine([Term(line.gy_each, line.budget, line.times) for line in lines])


@finite
def course_against_limit(lines: Sequence[CourseLine], limit_gy: float) -> LimitFinding:
    """The course dose with its U against the order's upper limit, all in Gy. Raises OutsideValidity."""
    total = course_dose(lines)
    return against_limits(total.value, total.expanded, None, limit_gy)
