"""The versions of the formulas that calibrate elements and readers, side by side: each calibration names its own.

What changes gets a version in front of the others, and the function of before stays beside it (as with the results of
sessions, acquire.procedure.methods.releases): a calibration is computed again by the version it names, for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from acquire.procedure.stock.coefficients import Inputs, Output, calculate


@dataclass(frozen=True, slots=True)
class Formula:
    """A version by its name, and how it makes coefficients of what was read."""

    name: str
    calculate: Callable[[Inputs], Output]


FORMULAS = (Formula("element calibration 1", calculate),)  # the newest first; none is ever taken away


def newest() -> Formula:
    """The one that calibrations are computed with now."""
    return FORMULAS[0]


def formula_named(name: str) -> Formula | None:
    """The one of a stored calibration; None where it is not here."""
    return next((each for each in FORMULAS if each.name == name), None)
