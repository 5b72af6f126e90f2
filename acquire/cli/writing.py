"""Files that a person named on the command line: what is there already is left as it is, unless it was asked for."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from acquire.errors import Refused

NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)  # of file systems without hard links, as many shares are


@contextmanager
def new_file(path: Path, shown: Path | None = None) -> Iterator[BinaryIO]:
    """A file to be written that only its owner may read; what was begun is taken away when it could not be finished.

    shown: the name for sentences, where it is another. Raises Refused, one sentence, when there is one already or none
    can be made.
    """
    named = shown or path
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise Refused(f"There is a file {named} already; it is left as it is.") from error
    except OSError as error:
        raise Refused(f"{named} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Refused(f"{named} cannot be written: {error.strerror}.") from error
        raise


def whole_file(path: Path, data: bytes, *, overwrite: bool) -> None:
    """A file that is there as a whole or not at all: written under a hidden name beside it, made durable, renamed.

    Raises Refused, one sentence, when there is one already and it was not asked for, or none can be made. A program
    that watches the folder sees no half of it; drop folders pass hidden files over.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with new_file(part, path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        if overwrite:
            part.replace(path)
        else:
            _give_name(part, path)
    except FileExistsError as error:
        raise Refused(f"There is a file {path} already; it is left as it is (--overwrite is for that).") from error
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _give_name(part: Path, path: Path) -> None:
    """As a rename, but never over a file that came meanwhile. Raises OSError."""
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # the name is ours, and empty for a moment
        part.replace(path)
