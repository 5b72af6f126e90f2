"""`acquire spool resend`: a person wants withheld originals sent again, with the service stopped or beside it.

It only marks them. The publisher sends them: at once where it runs (the keeper looks every few seconds), otherwise when
it runs next (docs/noloss.md rule 3.10).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from acquire.spool import originals
from acquire.spool.disk_budget import DEFAULT_LIMIT
from acquire.spool.journal import Journal, SpoolError
from acquire.spool.status import is_running

AROUND = 2048  # bytes of a message that are not its one entry, and some


def resend(path: Path, *, limit: int = DEFAULT_LIMIT) -> dict[str, Any]:
    """Mark every original that the store does not have; returns {"path", "running", "originals", "largest_message"}.

    `largest_message` is in bytes: what the broker must take at once. Raises SpoolError.
    """
    running = is_running(path)
    try:
        marked = _beside(path) if running else _stopped(path, limit)
    except sqlite3.DatabaseError as error:
        raise SpoolError(f"{path} cannot be used as a spool: {error}.") from error
    largest = max((each["bytes"] for each in marked), default=0) + AROUND if marked else 0
    return {"path": str(path), "running": running, "originals": marked, "largest_message": largest}


def _stopped(path: Path, limit: int) -> list[dict[str, Any]]:
    with closing(Journal(path, limit=limit)) as journal:
        return originals.ask(journal.db)


def _beside(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path, timeout=10)) as db:
        if not originals.known(db):
            raise SpoolError(f"the service that uses {path} is of an older version; stop it and ask again.")
        return originals.ask(db)
