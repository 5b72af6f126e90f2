"""Opening files whose names other people can make, on the daemon's side: plain files only, and only up to a size.

A pipe would hold the program up, a device may do something when it is opened, and a link leads anywhere. So a name is
looked at before it is opened, opened so that nothing waits, and looked at again by its descriptor. The drivers have a
function of their own (drivers/files/content.py), since they know nothing of the daemon.

Whether a link is followed is the caller's to say. A file that a person names on a command line or in a configuration
may be one: it is that person's. What lies under a name that this program makes itself is never one.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from acquire.errors import Refused

LARGEST_DOCUMENT = 4 * 1024 * 1024  # bytes; orders, plans, inventories, calibrations, spectra have some 100 kB at most
_OPEN = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WHAT = {
    stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device", stat.S_IFDIR: "a folder",
}  # fmt: skip


def name_of(path: Path) -> str:
    """A file's own name as text that a database and JSON can hold: bytes that are not UTF-8 are written as \\xNN."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def must_be_plain(path: Path) -> None:
    """Before somebody else's code opens a file by its name (SQLite, OpenSSL). Raises Refused for what is no plain file.

    A link is followed; a file that is not there is left to whoever opens it.
    """
    try:
        _refuse_unless_plain(path, path.stat())
    except (FileNotFoundError, PermissionError):
        return
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def read_plain(path: Path, most: int = LARGEST_DOCUMENT) -> bytes:
    """The bytes of a plain file that a person named, a link followed, at most `most` of them. Raises Refused."""
    must_be_plain(path)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _OPEN), "rb") as file:
            found = os.fstat(file.fileno())
            _refuse_unless_plain(path, found)
            data = b"" if found.st_size > most else file.read(most + 1)
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if found.st_size > most or len(data) > most:
        raise Refused(f"{path} has more than {most / 1e6:.0f} MB, which no file of this kind has; it is not read.")
    return data


def own(path: Path) -> BinaryIO:
    """A file of our own, to be appended to; made, for its owner only, where there is none. Never through a link.

    Raises OSError, also where something else lies under its name.
    """
    file = open(path, "ab", opener=_opener)  # noqa: SIM115 - a Path has no opener; the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(None, "it is no plain file", str(path))
    return file


def _opener(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | _OPEN, 0o600)


def _refuse_unless_plain(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        what = _WHAT.get(stat.S_IFMT(found.st_mode), "no plain file")
        raise Refused(f"{path} is {what}; only plain files are read.")
