"""How commands speak: data on stdout (tables for people, JSON when asked), everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def emit(document: object) -> None:
    """One JSON document, indented for eyes when stdout is a terminal."""
    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(document, indent=indent, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def emit_line(document: object) -> None:
    """One JSON document on one line, at once."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a table for people, without what would steer their terminal."""
    from rich.console import Console  # noqa: PLC0415 - only where a table is printed
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
    Console().print(shown)


def printable(text: str) -> str:
    """Without what would steer a terminal: control characters are shown as escapes; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def say(text: str) -> None:
    """Talk to the person: stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
