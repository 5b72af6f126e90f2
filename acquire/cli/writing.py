"""Files that a person named on the command line: what is there already is left as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from acquire.errors import Refused


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to be written that only its owner may read; what was begun is taken away when it could not be finished.

    Raises Refused, one sentence, when there is one already or none can be made.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise Refused(f"There is a file {path} already; it is left as it is.") from error
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Refused(f"{path} cannot be written: {error.strerror}.") from error
        raise
