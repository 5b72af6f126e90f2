"""What has been taken from a drop folder, remembered in a file: one key a line, appended and synced.

The journal must be writable before the first file is read: without it every file would come again and again. A key
that could not be written is kept in memory by the process, so that an instrument that is opened anew does not forget.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

OPEN = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW


class Journal:
    """The keys taken, in memory and in the file at `path`."""

    unwritten: ClassVar[dict[Path, dict[str, None]]] = {}  # in the order they came, by journal

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.taken: set[str] = set()

    def open(self) -> None:
        """Try to write, then read what is there. Raises OSError where the journal cannot be written."""
        tried(self.path)
        self.taken = set(_read(self.path).decode("ascii", "replace").split())
        self.taken.update(self.unwritten.get(self.path, ()))
        self.write()

    def remember(self, keys: Iterable[str]) -> None:
        """These are in the spool: taken from now on, whether or not the file can be written."""
        new = dict.fromkeys(keys)
        self.taken.update(new)
        self.unwritten.setdefault(self.path, {}).update(new)

    def write(self) -> None:
        """Write what is not written yet. Raises OSError; it is kept then."""
        keys = self.unwritten.get(self.path)
        if keys:
            _append(self.path, "".join(f"{each}\n" for each in keys).encode())
        self.unwritten.pop(self.path, None)


def tried(path: Path, leave: bool = True) -> None:
    """Create, append and sync, and take the test back. Raises OSError. leave=False removes a file that was not there.

    A last line that a power cut has torn is ended, so that the next one does not run into it.
    """
    was_there = os.path.lexists(path)
    try:
        _append(path, b"", mend=leave)
    finally:
        if not leave and not was_there:
            with suppress(OSError):
                path.unlink()
    if leave and not was_there:
        _sync_folder(path.parent)


def is_journal(path: Path, found: os.stat_result) -> bool:
    """Whether a file of the folder is the journal itself, under whatever name: it is no reader's file."""
    try:
        return os.path.samestat(path.stat(), found)
    except OSError:
        return False


def _read(path: Path) -> bytes:
    with os.fdopen(_opened(path), "rb") as file:
        return file.read()


def _opened(path: Path) -> int:
    """The journal's descriptor; a link, a pipe or a device in its place is not believed. Raises OSError."""
    try:
        descriptor = os.open(path, OPEN | os.O_CREAT, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link, which is not followed") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, "it is no plain file")
    return descriptor


def _append(path: Path, data: bytes, mend: bool = True) -> None:
    descriptor = _opened(path)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        try:
            _write(descriptor, (b"\n" if torn else b"") + (data or b"\n"))
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
        if not data:
            os.ftruncate(descriptor, size + (torn and mend))
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(folder: Path) -> None:
    """The name of a new file survives a power cut only when its folder is synced; not every file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
