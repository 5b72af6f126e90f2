"""Waiting for something that is to happen, with an end to the patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], within_s: float, what: str) -> None:
    """Return as soon as the condition holds; fail, naming `what`, when it does not in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {within_s} s")
