"""The releases of the formulas: a result names the one it was calculated with, and is verified with that one for ever.

A formula that changes gets a new release here, a version of its method beside the old one (`EARLIER` of its file), and
a function of its own in acquire.dosimetry. Methods that did not change are the same in both.
"""

from __future__ import annotations

FIRST = "dosimetry 2, procedure 6"
RELEASES = (FIRST,)  # oldest first; none is ever taken away while a store may hold a result of it


def newest() -> str:
    """The release that results are calculated with now."""
    return RELEASES[-1]


def is_here(release: str) -> bool:
    """Whether results of a release can be calculated again."""
    return release in RELEASES


def place(release: str) -> int:
    """Its place in the order of releases. Raises ValueError for one that is not here."""
    return RELEASES.index(release)
