"""The one VISA resource manager of this process.

pyvisa hands out the same manager to everybody, and closing it closes everybody's resources. So its users are counted
here and the last one closes it.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pyvisa

_lock = threading.Lock()
_users = 0


def take() -> pyvisa.ResourceManager:
    """The manager of the pure Python backend; give it back once. Raises ValueError, OSError or pyvisa errors."""
    global _users  # noqa: PLW0603 - pyvisa's manager is as global as this count
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the backend warns of optional libraries that nobody asked for
        manager = pyvisa.ResourceManager("@py")
        _users += 1
        return manager


def give_back(manager: pyvisa.ResourceManager) -> None:
    """Hands the manager back; the last user to do so closes it."""
    global _users  # noqa: PLW0603 - see take()
    with _lock:
        _users -= 1
        if _users == 0:
            manager.close()


@contextmanager
def taken() -> Iterator[pyvisa.ResourceManager]:
    """The manager inside the context: take() before and give_back() after it. Raises as `take` does."""
    manager = take()
    try:
        yield manager
    finally:
        give_back(manager)
