"""Why there is no dose. Each error is one plain sentence; none of the functions here returns a number beside it."""

from __future__ import annotations


class DosimetryError(Exception):
    """Base of all refusals to calculate."""


class MissingFactor(DosimetryError):
    """A factor of the formula is not there. It is never taken as 1."""


class OutsideValidity(DosimetryError):
    """An input lies outside the range for which the formula or the factor holds."""


class Blocked(DosimetryError):
    """A check that forbids the result: overload, leakage, recombination out of bounds, a pair that disagrees."""


class RangeTooSmall(Blocked):
    """The expected signal would overload the range; `expected_nc` is how large it is, in nC."""

    def __init__(self, says: str, expected_nc: float) -> None:
        super().__init__(says)
        self.expected_nc = expected_nc


class LifeSpent(Blocked):
    """A MOSFET has less left than the expected dose needs."""


class Doubtful(MissingFactor):
    """A tabulated value that is doubtful: it is not used, the site has to give its own."""
