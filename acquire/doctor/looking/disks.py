"""The folders of spool and store, tried with a small database that is removed again."""

from __future__ import annotations

import os
from pathlib import Path

from acquire.doctor.case import Case
from acquire.doctor.judging.disks import DiskSeen
from acquire.filesystem import problem
from acquire.spool.disk_budget import PRESSURE


def places(case: Case) -> list[str]:
    """What lies somewhere: spool, store."""
    return [what for what, path in _places(case).items() if path is not None]


def _places(case: Case) -> dict[str, Path | None]:
    return {"spool": case.loaded.spool, "store": case.loaded.store}


def look_at_disk(case: Case, what: str) -> DiskSeen:
    """A folder that is not there yet is judged by the one it would be made in. Raises OSError."""
    path = _places(case)[what]
    assert path is not None
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    inodes = disk.f_favail if disk.f_files else None
    return DiskSeen(what, str(folder), free, PRESSURE, inodes, problem(folder) if free >= PRESSURE else None)
