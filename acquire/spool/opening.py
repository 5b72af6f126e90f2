"""A spool whose disk fails when the service starts: told as "not acquiring" and opened when the disk works again.

What a person must mend (a wrong place, missing rights, another service that uses it) still refuses the start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from acquire.bus.client import Connection
from acquire.bus.endpoint import Endpoint
from acquire.bus.messages import State
from acquire.bus.names import Topics
from acquire.bus.presence import Presence
from acquire.bus.reconnecting import stay_connected
from acquire.canonical import utc_now
from acquire.integrity import may_heal
from acquire.log import Log
from acquire.once import Once
from acquire.spool.errors import SpoolError
from acquire.spool.spool import Spool

log = Log("spool")

AGAIN_S = 1.0


async def opened(path: Path, limit: int) -> Spool | str:
    """The spool, or why its disk does not let it be opened now, in a sentence. Raises what a person must mend."""
    try:
        return await Spool.open(path, limit=limit)
    except (SpoolError, OSError) as error:
        if not may_heal(error, path):
            raise
        why = str(error.__cause__ or error).rstrip(".")
        return f"The spool {path} cannot be opened, since its disk fails ({why}); nothing is acquired until it can be."


async def opened_later(path: Path, limit: int, why: str, waiting: Waiting, endpoint: Endpoint) -> Spool:
    """The spool, once it can be opened; what it waits for is told meanwhile. Raises as `opened` does."""
    told = Once()
    spool: Spool | str = why
    telling = asyncio.create_task(waiting.run(endpoint), name="spool-waits")
    try:
        while isinstance(spool, str):
            waiting.say(spool)
            if told.is_new(spool):
                log.error(spool)
            await asyncio.sleep(AGAIN_S)
            spool = await opened(path, limit)
        waiting.is_over = True
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    log.info("the spool is open, acquisition begins", path=str(path))
    return spool


class Waiting:
    """The states of the host and of its instruments while there is no spool: "not-acquiring", and why."""

    def __init__(self, topics: Topics, host: str | None, instruments: Sequence[str]) -> None:
        self._state = State(state="not-acquiring", since=utc_now())
        names = [topics.host_state(host), *(topics.state(each) for each in instruments)]
        self.is_over = False  # somebody else says what follows
        self._told = [Presence(name, lambda: self._state) for name in names]

    def say(self, why: str) -> None:
        """Why nothing is acquired."""
        if self._state.why != why:
            self._state = State(state="not-acquiring", since=self._state.since, why=why)
            for each in self._told:
                each.changed.set()

    async def run(self, endpoint: Endpoint) -> None:
        """Until cancelled; says "stopped" then, unless it is over. One connection has one will, so there is none."""
        await stay_connected(endpoint, lambda: f"waiting-{uuid4().hex[:16]}", self._tell)

    async def _tell(self, connection: Connection) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for each in self._told:
                    tasks.create_task(each.keep_told(connection))
        except asyncio.CancelledError:
            for each in () if self.is_over else self._told:
                await each.farewell(connection)
            raise
