"""Who asked which instrument for what, and what came of it: a line of JSON for each command, on the acquisition host.

It stands beside the spool and not in it: a stream holds what an instrument said, a session's audit holds what people
decided, and a command is neither. Begin and end are in the stream as markers all the same. A file a month; none is
ever taken away or rewritten by the daemon.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

from acquire.canonical import canonical, utc_now
from acquire.log import Log
from acquire.once import Once
from acquire.plain_files import own

log = Log("ledger")


class Ledger:
    """Appends to FOLDER/commands-YYYY-MM.jsonl. Used from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._faults = Once()

    def note(self, **what: Any) -> None:
        """Write one command down. A disk that is full must not keep a measurement from being ended: it is only told."""
        at = utc_now()
        try:
            with self._lock, own(self._folder / f"commands-{at[:7]}.jsonl") as file:
                file.write(canonical({"at": at, **what}) + b"\n")
        except OSError as error:
            if self._faults.is_new(str(error.strerror)):
                log.warning("commands cannot be written down", folder=str(self._folder), why=error.strerror)
        else:
            if self._faults.is_over():
                log.info("commands are written down again", folder=str(self._folder))
