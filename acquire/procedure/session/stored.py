"""Waiting until the store has what was measured: a command that ends a step returns when it can be looked at."""

from __future__ import annotations

import asyncio
import sqlite3

from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.session import Session
from acquire.store.attribution import outstanding

WITHIN_S, EVERY_S = 3.0, 0.05


async def until_stored(connection: sqlite3.Connection, session: Session, step: str) -> list[str]:
    """Return as soon as nothing of the step's measurements is on its way, after WITHIN_S at the latest.

    Sentences about what is still on its way then, empty where nothing is: it comes by itself, nobody has to act.
    """
    begun = [a.measurement for a in attempts(connection, session.id, step) if a.begun]
    for _ in range(round(WITHIN_S / EVERY_S)):
        if not outstanding(connection, (), begun):
            return []
        await asyncio.sleep(EVERY_S)  # another process commits; there is no event
    return outstanding(connection, (), begun)
