"""Waiting for something that is to happen, with an end to the patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(
    condition: Callable[[], object], within_s: float = 20, what: str = "what was waited for", every_s: float = 0.02
) -> float:
    """Seconds until the condition holds; fails, naming `what`, when it does not in time."""
    begun = time.monotonic()
    while time.monotonic() < begun + within_s:
        if condition():
            return time.monotonic() - begun
        await asyncio.sleep(every_s)
    raise AssertionError(f"{what} did not happen within {within_s} s")
