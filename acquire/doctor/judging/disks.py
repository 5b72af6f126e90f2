"""The folders of spool and store: whether a database can be kept there, and how much room is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from acquire.doctor.finding import Finding
from acquire.procedure.session.doctor import MIB, disk_full

LOW = 8  # times what is needed
FEWEST_INODES = 1000  # a spool, a store, their logs, and a day of whatever else writes there


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """free, needed: bytes. inodes: what is left, None where the file system does not count. problem: why nothing can be
    kept there, without a full stop; None: it can.
    """

    what: str
    folder: str
    free: int
    needed: int
    inodes: int | None
    problem: str | None = None


def of_disk(seen: DiskSeen) -> Iterator[Finding]:
    """Findings of one folder."""
    if seen.problem is not None:
        says = f"The {seen.what} cannot be kept where it is: {seen.problem}; mend the folder or name another path."
        yield Finding("place", seen.folder, says)
    full = [*disk_full(seen.what, seen.free, seen.needed)]
    for stop in full:
        says = f"{stop.rstrip('.')}: free some in {seen.folder}, or move it to a larger disk."
        yield Finding("disk-full", seen.folder, says)
    if not full and seen.free < LOW * seen.needed:
        yield Finding(
            "disk-low",
            seen.folder,
            f"The disk of the {seen.what} ({seen.folder}) has {seen.free // MIB} MiB left: free some, or move it to a"
            " larger one.",
        )
    if seen.inodes is not None and seen.inodes < FEWEST_INODES:
        yield Finding(
            "inodes-low",
            seen.folder,
            f"The disk of the {seen.what} ({seen.folder}) can take {seen.inodes} more files, however much room it has:"
            " remove some files there.",
        )
