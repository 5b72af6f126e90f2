"""The log: lines on stderr, and tracebacks that show no variables, because a variable may hold a secret.

What is logged may come from outside (a topic, a reply, a name): one line stays one line, and nothing of it steers a
terminal. That holds for the log of the libraries too, and for an error that ends the program.
"""

from __future__ import annotations

import io
import logging
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog

from acquire.printable import printable


def configure(level: int) -> None:
    """From this level (of `logging`) up."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _on_one_line,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_indented),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    handler = logging.lastResort
    if handler is not None:  # what libraries log, at warning and above
        handler.setFormatter(_OnOneLine())
    sys.excepthook = _at_the_end


def _on_one_line(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Texts with their line ends and whatever else is not seen as escapes."""
    return {printable(key, ""): printable(each, "") if isinstance(each, str) else each for key, each in event.items()}


def _indented(stream: TextIO, error: Any) -> None:
    """A traceback: its lines are indented, so that none of them can be taken for a line of the log."""
    said = io.StringIO()
    structlog.dev.plain_traceback(said, error)
    lines = printable(said.getvalue()).split("\n")
    stream.write("\n".join(f"  {line}" if line else line for line in lines))


class _OnOneLine(logging.Formatter):
    """One line a record, and what is not seen in it as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), "\n" if record.exc_info else "")


def _at_the_end(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    sys.stderr.write(printable("".join(traceback.format_exception(kind, error, where))))
