"""Waiting until the store has what was measured: a command that ends a step returns when it can be looked at, and one
that begins a step when its first readings can.

What an instrument collected before its first reading behind the begin marker is in no measurement. So a beam waits for
that reading, however seldom an instrument is read.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.progress import unread
from acquire.store.attribution import outstanding

T = TypeVar("T")

WITHIN_S, EVERY_S = 3.0, 0.05
FIRST_WITHIN_S = 10.0  # no beam is on yet, so that there is time


async def until_stored(connection: sqlite3.Connection, session: str, step: str) -> list[str]:
    """Return as soon as nothing of the step's measurements is on its way, after WITHIN_S at the latest.

    Sentences about what is still on its way then, empty where nothing is: it comes by itself, nobody has to act.
    """
    begun = [a.measurement for a in attempts(connection, session, step) if a.begun]
    return await _until_none(lambda: outstanding(connection, (), begun), WITHIN_S)


async def until_read(connection: sqlite3.Connection, session: str, step: str) -> str | None:
    """Return as soon as each instrument of a step that was begun has given a reading, after FIRST_WITHIN_S at the
    latest: with the sentence of `unread` then.
    """
    begun = attempts(connection, session, step)
    return await _until_none(lambda: unread(connection, begun), FIRST_WITHIN_S)


async def _until_none(left: Callable[[], T], within_s: float) -> T:
    """What is left once nothing is, or within_s at the latest. Another process commits; there is no event."""
    for _ in range(round(within_s / EVERY_S)):
        if not (still := left()):
            return still
        await asyncio.sleep(EVERY_S)
    return left()
