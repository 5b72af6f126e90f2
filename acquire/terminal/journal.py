"""Lines for systemd's journal: it takes a priority in front of each, and gives it the time itself (sd-daemon(3))."""

from __future__ import annotations

import os
from typing import TextIO

CRITICAL, ERROR, WARNING, INFO, DEBUG = 2, 3, 4, 6, 7  # syslog(3)
PRIORITIES = {"critical": CRITICAL, "error": ERROR, "warning": WARNING, "info": INFO, "debug": DEBUG}


def is_journal(stream: TextIO) -> bool:
    """Whether a stream is connected to the journal: systemd.exec(5), $JOURNAL_STREAM, which a child may inherit."""
    told = os.environ.get("JOURNAL_STREAM")
    if told is None:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return told == f"{found.st_dev}:{found.st_ino}"


def prefixed(priority: int, text: str) -> str:
    """Every line of a text with its priority: each is an entry of its own in the journal."""
    return "\n".join(f"<{priority}>{line}" for line in text.split("\n"))
