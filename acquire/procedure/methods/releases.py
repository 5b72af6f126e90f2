"""The releases of the formulas: a result names the one it was calculated with, and is verified with that one for ever.

What changes gets a new release here and stands beside what it was, in the tuple of its versions, the newest first: a
method (`EARLIER` of its file), how readings are read (acquire.procedure.results.inputs), how a dose is finished
(acquire.procedure.methods.doses). What did not change is the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

FIRST = "dosimetry 2, procedure 6"
BEAMS_SEEN = "dosimetry 2, procedure 7"  # a beam is recognised in the signal; points that look exchanged are held
RELEASES = (FIRST, BEAMS_SEEN)  # oldest first; none is ever taken away while a store may hold a result of it


class Versioned(Protocol):
    """Something that counts from a release on, until a newer version of it does."""

    @property
    def since(self) -> str:
        """The release from which on it counts."""


V = TypeVar("V", bound=Versioned)


def newest() -> str:
    """The release that results are calculated with now."""
    return RELEASES[-1]


def is_here(release: str) -> bool:
    """Whether results of a release can be calculated again."""
    return release in RELEASES


def chosen(versions: Iterable[V], release: str | None = None) -> V:
    """Of versions, newest first, the one that counts in a release, by default the newest.

    A version that counts since a release which is not here counts in none. Raises LookupError where there was none yet,
    ValueError for a release that is not here.
    """
    wanted = RELEASES.index(release or newest())
    for version in versions:
        if version.since in RELEASES and RELEASES.index(version.since) <= wanted:
            return version
    raise LookupError(f"There was none in '{release}'.")
