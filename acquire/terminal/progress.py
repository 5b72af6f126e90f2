"""How far a long command is: one line on stderr that is written over, and only where that is a terminal.

It is cleared at the end, also by a Ctrl-C, and whatever else is said stands in a line of its own.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from acquire.printable import printable
from acquire.terminal.output import write_over

EVERY_S = 0.2
SECOND_S, QUICK_S = 1.0, 2.0


@contextmanager
def waiting(what: str) -> Iterator[Callable[..., None]]:
    """While something lasts longer than two seconds: what, and for how long already.

    Call it with what is waited for from now on and, where that is known, for how many seconds: they are counted down.
    """
    if not sys.stderr.isatty():
        yield lambda what, of_s=None: None
        return
    now, over = _Waited(what), threading.Event()
    telling = threading.Thread(target=now.tell, args=(over,), daemon=True)
    telling.start()
    try:
        yield now.is_for
    finally:
        over.set()
        telling.join()
        write_over("")


class _Waited:
    """What is waited for, since when, and for how long."""

    def __init__(self, what: str) -> None:
        self.is_for(what)

    def is_for(self, what: str, of_s: float | None = None) -> None:
        self._now = what, time.monotonic(), of_s

    def tell(self, over: threading.Event) -> None:
        """Every second, until it is over."""
        while not over.wait(SECOND_S):
            what, since, of_s = self._now
            lasted = time.monotonic() - since
            if of_s is not None and lasted < of_s:
                write_over(f"{what}: {of_s - lasted:.0f} s left")
            elif lasted >= QUICK_S:
                write_over(f"{what}: {lasted:.0f} s")


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
