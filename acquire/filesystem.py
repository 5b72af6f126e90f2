"""Whether a folder can hold a database: tried with a small one, which is removed again, before a real file is begun.

SQLite's write-ahead log wants memory that processes share through the file system, and locks that hold (sqlite.org,
"Write-Ahead Logging", section 2: "WAL does not work over a network filesystem"). Some file systems of virtual machines,
containers and NAS boxes have neither; what then comes is a bare "disk I/O error" and an empty file.
"""

from __future__ import annotations

import errno
import re
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

# Types as /proc/self/mountinfo names them; what is not listed here is judged by the trial.
NETWORK = (
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "fuse.glusterfs", "lustre", "beegfs",
    "gpfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "davfs", "fuse.davfs2",
)  # fmt: skip
# SQLITE_IOERR_SHMOPEN, _SHMSIZE, _SHMLOCK, _SHMMAP (sqlite.org, "Result and Error Codes").
SHARED_MEMORY = (4618, 4874, 5130, 5386)
NO_MAPS = "this file system has no shared memory maps; use a local disk"
HEALS = (errno.EIO, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ESTALE)  # of a disk, not of a wrong place or right
MOUNTS = Path("/proc/self/mountinfo")


def problem(folder: Path, *, also_passing: bool = True) -> str | None:
    """Why no database can be kept in this folder, in words without a full stop, or None. Leaves nothing behind.

    A folder that is not there yet is judged by the one it would be made in. Without `also_passing` nothing is said of a
    disk that fails, is full or read-only just now.
    """
    place = folder.absolute()
    while not _may_be_there(place):
        place = place.parent
    kind = type_of(place)
    if kind in NETWORK:
        return f"{place} is on a network file system ({kind}), where locks do not hold; use a local disk"
    try:
        why = _tried(place, also_passing=also_passing)
    except OSError as error:
        passes = error.errno in HEALS and not also_passing
        why = None if passes else f"it cannot be written ({error.strerror})"
    return None if why is None else f"in {place} no database can be kept: {why}"


def type_of(place: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the file system this folder is on ("ext4", "nfs4"), or None where the system does not say.

    Of /proc/self/mountinfo (man 5 proc): the fifth field is where it is mounted, the one after the lone "-" its type.
    """
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    place, found, longest = place.resolve(), None, -1
    for line in lines:
        mounted, _, kind = line.partition(" - ")
        if len(mounted.split()) < 5 or not kind:
            continue
        at = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), mounted.split()[4]))
        if place.is_relative_to(at) and len(at.parts) >= longest:  # the last one mounted there counts
            found, longest = kind.split()[0], len(at.parts)
    return found


def _may_be_there(place: Path) -> bool:
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _tried(place: Path, *, also_passing: bool) -> str | None:
    """What SQLite says to a database with a write-ahead log in this folder. Raises OSError."""
    with tempfile.TemporaryDirectory(dir=place, prefix=".acquire-") as folder:
        try:
            with closing(sqlite3.connect(Path(folder) / "trial.db")) as db:
                (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
                db.execute("CREATE TABLE trial (n)")
                db.commit()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in SHARED_MEMORY:
                return NO_MAPS
            return str(error) if also_passing else None
    return None if mode == "wal" else NO_MAPS
