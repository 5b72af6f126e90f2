"""The log as every module writes it. Its library is imported with the first line: most commands never say one.

How a line looks, and from which level on there is one, is said by acquire.terminal.logs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_to_be_set: list[Callable[[], None]] = []


class Log:
    """A part's log: `info`, `warning` and so on, as structlog has them."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        import structlog  # noqa: PLC0415 - takes a tenth of what a small command takes

        for configure in tuple(_to_be_set):
            configure()
        _to_be_set.clear()
        return getattr(structlog.get_logger(self._name), method)  # noqa: TID251 - this is that place


def set_up(configure: Callable[[], None]) -> None:
    """Configure the library: at once where it is here already, otherwise before the first line."""
    if "structlog" in sys.modules:
        configure()
    else:
        _to_be_set[:] = [configure]
