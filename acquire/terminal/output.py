"""How commands speak: data on stdout (tables for people, JSON when asked), everything else on stderr.

Whatever is printed goes through here, and so through `printable`: names in files, replies, reasons and ids come from
outside, and nobody may steer a terminal with them.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Sequence
from typing import Annotated, Any, TextIO

import typer

from acquire.printable import printable, printable_json
from acquire.terminal.journal import WARNING, is_journal, prefixed

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def emit(document: object) -> None:
    """One JSON document, indented for eyes when stdout is a terminal."""
    indent = 2 if sys.stdout.isatty() else None
    _write(sys.stdout, printable_json(json.dumps(document, indent=indent, ensure_ascii=False)))


def told(sentence: str, *, as_json: bool, **facts: object) -> None:
    """The outcome of a command that did something: a sentence for people, or the facts as one JSON document."""
    if as_json:
        emit(facts)
    else:
        tell(sentence)


def emit_line(document: object) -> None:
    """One JSON document on one line, at once."""
    _write(sys.stdout, printable_json(json.dumps(document, ensure_ascii=False)))


def tell(text: str) -> None:
    """Say the outcome of a command: a line for people, or several, on stdout."""
    _write(sys.stdout, printable(text))


def day_and_minute(at: str) -> str:
    """A moment of the store (UTC) as a list shows it, 2026-11-29 14:30."""
    return at[:16].replace("T", " ")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a table for people, without what would steer their terminal; one without rows says so."""
    if not rows:
        tell(f"{title}: none.")
        return
    from rich.console import Console  # noqa: PLC0415 - only where a table is printed
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(title=Text(printable(title)), title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
    Console().print(shown)


def say(text: str) -> None:
    """Talk to the person: stderr. Where nobody looks on but the journal, it is a warning."""
    shown = printable(text)
    _write(sys.stderr, prefixed(WARNING, shown) if is_journal(sys.stderr) else shown)


def agreed(question: str) -> bool:
    """Whether a person at a terminal says yes; False where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    _write(sys.stderr, f"{printable(question)} [y/N] ", end="")
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # the end of the input: the line is ended here
        say("")
    return answer.strip().lower() in ("y", "yes")


def write_over(text: str) -> None:
    """Talk in one line of a terminal that is written over each time; an empty text clears it."""
    with _writing:
        _clear()
        _line.clear()
        _line.extend([text] * bool(text))
        sys.stderr.write(_shortened(printable(text)))
        sys.stderr.flush()


def _write(stream: TextIO, text: str, end: str = "\n") -> None:
    with _writing:
        _clear()
        _line.clear()
        stream.write(text + end)
        stream.flush()


_writing = threading.RLock()  # how far a command is is told by a thread of its own
_line: list[str] = []  # what stands in the line that is written over; nothing else is ever written behind it


def _clear() -> None:
    if _line:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _shortened(text: str) -> str:
    """A line that is wider than the terminal cannot be written over."""
    return text[: max(shutil.get_terminal_size().columns - 1, 1)]
