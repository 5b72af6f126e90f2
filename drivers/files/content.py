"""Bringing a file's bytes in without being held up: only plain files, only up to a size, names always showable.

The one place where the drivers open a file whose name other people can make. A name is looked at before it is opened
(opening a device may do something), opened so that nothing can wait (a pipe) or be followed (a link), and looked at
again by its descriptor, since it may have been exchanged in between.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

MB = 1_000_000
WHAT = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}
OPEN = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Unreadable(Exception):
    """A file that is not read: one sentence says why."""


def shown(name: str) -> str:
    """A file's name as text that JSON can hold: bytes that are not UTF-8 are written as \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_whole(path: Path, largest_mb: float, *, follow: bool) -> bytes:
    """The bytes of a plain file. Raises Unreadable.

    follow: whether its name may be a link. A person who names a file on a command line means what it leads to. In a
    folder where others write it is never followed: it would send any file this account can read into the store.
    """
    with open_plain(path, largest_mb, follow=follow) as file:
        return rest_of(file, shown(path.name or str(path)), largest_mb)


def open_plain(path: Path, largest_mb: float, *, follow: bool) -> BinaryIO:
    """A plain file, open for reading at its beginning; as for read_whole. Raises Unreadable."""
    name = shown(path.name or str(path))
    try:
        _refuse_unless_plain(name, path.stat() if follow else path.lstat())
        return _opened(name, path, largest_mb, follow)
    except OSError as error:
        why = "it is a link, which is not followed here" if error.errno == errno.ELOOP else error.strerror or error
        raise Unreadable(f"{name} cannot be read: {why}.") from error
    except (ValueError, RuntimeError) as error:  # a name with a zero byte
        raise Unreadable(f"{name} cannot be read: {error}.") from error


def rest_of(file: BinaryIO, name: str, largest_mb: float, head: bytes = b"") -> bytes:
    """What has been read of a file, and all the rest of it. Raises Unreadable."""
    try:
        data = head + file.read(int(largest_mb * MB) + 1 - len(head))
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror or error}.") from error
    _refuse_too_large(name, len(data), largest_mb)
    return data


def _opened(name: str, path: Path, largest_mb: float, follow: bool) -> BinaryIO:
    file = os.fdopen(os.open(path, os.O_RDONLY | OPEN | (0 if follow else os.O_NOFOLLOW)), "rb")
    try:
        found = os.fstat(file.fileno())
        _refuse_unless_plain(name, found)
        _refuse_too_large(name, found.st_size, largest_mb)  # not even begun with, where the size is known
    except BaseException:
        file.close()
        raise
    return file


def _refuse_too_large(name: str, size: int, largest_mb: float) -> None:
    if size > int(largest_mb * MB):
        raise Unreadable(
            f"{name} is larger than {largest_mb:g} MB and is not read; allow it with largest_file_mb, if it is a"
            " reader's file."
        )


def _refuse_unless_plain(name: str, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise Unreadable(f"{name} is a link; none is followed here, put the file itself there.")
    if not stat.S_ISREG(found.st_mode):
        what = WHAT.get(stat.S_IFMT(found.st_mode), "no plain file")
        raise Unreadable(f"{name} is {what}; only plain files are read.")
