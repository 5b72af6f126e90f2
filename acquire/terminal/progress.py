"""How far a long command is: one line on stderr that is written over, and only where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from acquire.printable import printable
from acquire.terminal.output import write_over

EVERY_S = 0.2


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Call it with what is done, how many are done, and of how many; the line is gone in the end."""
    shown_at = time.monotonic()

    def show(what: str, done: int, of: int) -> None:
        nonlocal shown_at
        if sys.stderr.isatty() and time.monotonic() - shown_at >= EVERY_S:
            shown_at = time.monotonic()
            write_over(f"{what}: {done} of {of}")

    try:
        yield show
    finally:
        if sys.stderr.isatty():
            write_over("")


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, and nothing elsewhere. Call it with how many are done, and of how many."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=32), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(printable(what), total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
