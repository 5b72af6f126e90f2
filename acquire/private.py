"""Files that hold readings, orders or results are for the service's own account: nobody else may read them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def private(path: Path) -> Path:
    """Make an empty file that only its owner can read or write, unless there is one; SQLite then fills it.

    SQLite gives its -wal and -shm files the same rights. A file that is there keeps those it has (`acquire check`
    warns) and is not even opened: closing it would let go of the locks another connection of this process holds on it.
    Where none can be made, whoever opens it next says why.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return path
