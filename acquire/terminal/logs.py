"""The log: lines on stderr, and tracebacks that show no variables, because a variable may hold a secret.

What is logged may come from outside (a topic, a reply, a name): one line stays one line, and nothing of it steers a
terminal. That holds for the log of the libraries too, and for an error that ends the program.

Where stderr is systemd's journal, each line begins with its priority (sd-daemon(3)) and has no time of its own, since
the journal gives it one. As JSON it is an object a line: `timestamp` (not in the journal), `level`, `event`, fields.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

from acquire.log import set_up
from acquire.printable import printable
from acquire.terminal.journal import CRITICAL, PRIORITIES, WARNING, is_journal, prefixed


def configure(level: int, *, as_json: bool = False) -> None:
    """From this level (of `logging`) up; as JSON lines where asked."""
    in_journal = is_journal(sys.stderr)

    def lines() -> None:
        from acquire.terminal import log_lines  # noqa: PLC0415 - brings structlog

        log_lines.configure(level, as_json=as_json, in_journal=in_journal)

    set_up(lines)
    handler = logging.lastResort
    if handler is not None:  # what libraries log, at warning and above
        handler.setFormatter(_OfLibraries(as_json=as_json, in_journal=in_journal))
    sys.excepthook = _at_the_end


class _OfLibraries(logging.Formatter):
    """One line a record, and what is not seen in it as escapes; in the form of our own lines."""

    def __init__(self, *, as_json: bool, in_journal: bool) -> None:
        super().__init__()
        self._as_json, self._in_journal = as_json, in_journal

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        if self._as_json:
            said = {"level": level, "event": super().format(record), "logger": record.name}
            text = json.dumps(said | self._stamped(record))
        else:
            text = printable(super().format(record), "\n" if record.exc_info else "")
        return prefixed(PRIORITIES.get(level, WARNING), text) if self._in_journal else text

    def _stamped(self, record: logging.LogRecord) -> dict[str, str]:
        if self._in_journal:
            return {}
        at = datetime.fromtimestamp(record.created, UTC)
        return {"timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def _at_the_end(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    text = printable("".join(traceback.format_exception(kind, error, where)))
    sys.stderr.write(prefixed(CRITICAL, text.rstrip("\n")) + "\n" if is_journal(sys.stderr) else text)
