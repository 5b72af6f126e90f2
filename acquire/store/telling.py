"""Publishes session events beside the store's main work: what was fetched is kept until the broker has taken it.

At least once: how far was told is written down after the publishing, at most once a second, so that a crash repeats the
last events and leaves none out. The answers to the sources never wait for this. The events are those of docs/bus.md,
"Session events".
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from pydantic import TypeAdapter, ValidationError

from acquire.bus.client import Connection
from acquire.bus.names import Name, Topics
from acquire.canonical import canonical
from acquire.log import Log
from acquire.once import Once
from acquire.store.events import SessionEvents
from acquire.store.ingest import Moved

log = Log("telling")

LOOK_EVERY_S = 0.5  # the command line writes into the same store and cannot ring here
WRITE_EVERY_S = 1.0
ROUND_S = 0.02  # under load one round tells of many commits: each takes its turn on the store's thread

OnThread = Callable[[Callable[[sqlite3.Connection], None]], Awaitable[None]]
_name = TypeAdapter(Name)


class Teller:
    """`open`, `moved`, `fetch` and `write_down` run on the store's thread, `run` in the event loop."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._events: SessionEvents | None = None
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._unwritten = False
        self._faults = Once()
        self._written_at = 0.0
        self.news = asyncio.Event()

    def open(self, connection: sqlite3.Connection) -> None:
        """Begin where the store says that telling stopped."""
        self._events = SessionEvents(connection)

    @property
    def behind(self) -> bool:
        """Whether there is something to be fetched that this process knows of."""
        return self._events is None or self._events.behind

    def moved(self, moved: Mapping[str, Moved]) -> None:
        """More of these streams is committed."""
        if self._events is not None:
            self._events.moved(moved)

    def again(self, originals: Mapping[str, int]) -> None:
        """From these seqs on the streams are told again: an original has taken the place of its stand-in."""
        if self._events is not None:
            self._events.again(originals)

    def fetch(self, connection: sqlite3.Connection) -> None:
        """Take the next events, if the last ones are told."""
        if self._waiting:
            return
        events, self._events = self._events or SessionEvents(connection), None  # half a walk is never gone on with
        for session, event in events.fetch(connection):
            if _is_name(session):
                self._waiting.append((self._topics.session_events(session), canonical(event)))
            else:  # a marker of some other program; such a name would be several levels of a topic, or a wildcard
                log.warning("an event of a session whose id is no name is not published", session=session[:64])
            self._unwritten = True
        self._events = events

    def write_down(self, connection: sqlite3.Connection) -> None:
        """Keep how far was told, unless something fetched still waits."""
        if self._events is not None and self._unwritten and not self._waiting:
            self._events.write_down(connection)
            self._unwritten = False

    async def run(self, connection: Connection, on_thread: OnThread) -> None:
        """Tell until cancelled. Raises BusError when the broker is lost; what was not taken is told after that."""
        while True:
            self.news.clear()
            try:
                await on_thread(self.fetch)
                told = await self._publish(connection)
                if self._unwritten and time.monotonic() - self._written_at >= WRITE_EVERY_S:
                    await on_thread(self.write_down)
                    self._written_at = time.monotonic()
                if self._faults.is_over():
                    log.info("session events are told again")
            except sqlite3.Error as error:  # a full disk, a lock: the next round does it
                if self._faults.is_new(str(error)):
                    log.warning("session events wait", why=str(error))
                told = False
            await asyncio.sleep(ROUND_S)
            if not told:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self.news.wait()

    async def _publish(self, connection: Connection) -> bool:
        told = bool(self._waiting)
        while self._waiting:
            await connection.publish(*self._waiting[0])
            self._waiting.popleft()
        return told


def _is_name(session: str) -> bool:
    try:
        _name.validate_python(session)
    except ValidationError:
        return False
    return True
