"""The log: lines on stderr, and tracebacks that show no variables, because a variable may hold a secret.

What is logged may come from outside (a topic, a reply, a name): one line stays one line, and nothing of it steers a
terminal. That holds for the log of the libraries too, and for an error that ends the program.

Where stderr is systemd's journal, each line begins with its priority (sd-daemon(3)) and has no time of its own, since
the journal gives it one. As JSON it is an object a line: `timestamp` (not in the journal), `level`, `event`, fields.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import traceback
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

import structlog

from acquire.printable import printable
from acquire.terminal.journal import CRITICAL, DEBUG, ERROR, INFO, WARNING, is_journal, prefixed

Event = MutableMapping[str, Any]
PRIORITIES = {"critical": CRITICAL, "error": ERROR, "warning": WARNING, "info": INFO, "debug": DEBUG}


def configure(level: int, *, as_json: bool = False) -> None:
    """From this level (of `logging`) up; as JSON lines where asked."""
    in_journal = is_journal(sys.stderr)
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    render = _json if as_json else _text(in_journal)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *([] if in_journal else [stamp]),
            _on_one_line,
            _with_priority(render) if in_journal else render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    handler = logging.lastResort
    if handler is not None:  # what libraries log, at warning and above
        handler.setFormatter(_OfLibraries(as_json=as_json, in_journal=in_journal))
    sys.excepthook = _at_the_end


def _on_one_line(logger: Any, method: str, event: Event) -> Event:
    """Texts with their line ends and whatever else is not seen as escapes."""
    return {printable(key, ""): printable(each, "") if isinstance(each, str) else each for key, each in event.items()}


Render = Callable[[Any, str, Event], str]


def _text(in_journal: bool) -> Render:
    """For eyes; the journal shows level and time itself."""
    shown = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=_indented, pad_event_to=0 if in_journal else 30
    )

    def render(logger: Any, method: str, event: Event) -> str:
        if in_journal:
            event.pop("level", None)
        return shown(logger, method, event)

    return render


def _json(logger: Any, method: str, event: Event) -> str:
    """All but ASCII is escaped, so that nothing steers a terminal."""
    return json.dumps(structlog.processors.format_exc_info(logger, method, event), default=str)


def _with_priority(render: Render) -> Render:
    """Every line of it: a traceback is an entry of the journal a line."""

    def with_priority(logger: Any, method: str, event: Event) -> str:
        priority = PRIORITIES.get(str(event.get("level")), INFO)
        return prefixed(priority, render(logger, method, event))

    return with_priority


def _indented(stream: TextIO, error: Any) -> None:
    """A traceback: its lines are indented, so that none of them can be taken for a line of the log."""
    said = io.StringIO()
    structlog.dev.plain_traceback(said, error)
    lines = printable(said.getvalue()).split("\n")
    stream.write("\n".join(f"  {line}" if line else line for line in lines))


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
