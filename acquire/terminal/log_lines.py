"""What a line of the log looks like: structlog's own part for consoles, or JSON. Imported with the first line."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog

from acquire.printable import printable
from acquire.terminal.journal import INFO, PRIORITIES, prefixed

Event = MutableMapping[str, Any]
Render = Callable[[Any, str, Event], str]


def configure(level: int, *, as_json: bool, in_journal: bool) -> None:
    """As acquire.terminal.logs.configure, for the lines of our own modules."""
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


def _on_one_line(logger: Any, method: str, event: Event) -> Event:
    """Texts with their line ends and whatever else is not seen as escapes."""
    return {printable(key, ""): printable(each, "") if isinstance(each, str) else each for key, each in event.items()}


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
