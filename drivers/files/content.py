"""Bringing a file's bytes in without being held up: only plain files, only up to a size, names always showable."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MB = 1_000_000
WHAT = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class Unreadable(Exception):
    """A file that is not read: one sentence says why."""


def shown(name: str) -> str:
    """A file's name as text that JSON can hold: bytes that are not UTF-8 are written as \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_whole(path: Path, largest_mb: float, within: Path | None = None) -> bytes:
    """The bytes of a plain file; `within`: it must not be a link that leads out of that folder. Raises Unreadable.

    What is no plain file is never opened: opening a pipe waits for ever, and opening a device may do something.
    """
    name = shown(path.name)
    try:
        path = path.resolve(strict=True)
        if within is not None and not path.is_relative_to(within.resolve()):
            raise Unreadable(f"{name} is a link out of the folder; it is not followed, put the file itself there.")
        _refuse_unless_plain(name, path.stat())
        return _read(name, path, largest_mb)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        raise Unreadable(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _refuse_unless_plain(name: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        what = WHAT.get(stat.S_IFMT(found.st_mode), "no plain file")
        raise Unreadable(f"{name} is {what}; only plain files are read.")


def _read(name: str, path: Path, largest_mb: float) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        _refuse_unless_plain(name, os.fstat(file.fileno()))  # it may have been exchanged since it was looked at
        most = int(largest_mb * MB)
        large = os.fstat(file.fileno()).st_size > most  # not even begun with, where the size is known
        data = b"" if large else file.read(most + 1)
    if large or len(data) > most:
        raise Unreadable(
            f"{name} is larger than {largest_mb:g} MB and is not read; allow it with largest_file_mb, if it is a"
            " reader's file."
        )
    return data
