"""The store's worker: takes what waits on the bus, commits it on its own thread, then answers.

One transaction holds whatever has arrived meanwhile, so latency is one commit when idle and throughput is many readings
a commit when loaded. Memory is bounded by the windows of the sources. Commit first, answer then: docs/noloss.md rules
4.1 and 4.6.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from acquire.bus.client import Connection, Outage
from acquire.bus.endpoint import Endpoint
from acquire.bus.messages import State
from acquire.bus.names import Topics
from acquire.bus.presence import Presence
from acquire.bus.reconnecting import stay_connected
from acquire.canonical import utc_now
from acquire.log import Log
from acquire.once import Once
from acquire.store.anchoring import Anchoring
from acquire.store.answers import Answers
from acquire.store.database import identity
from acquire.store.envelope import is_copy
from acquire.store.ingest import Ingested, ingest, ingest_one_by_one
from acquire.store.served import ServedFile
from acquire.store.telling import Teller

log = Log("store")
T = TypeVar("T")

KEEPALIVE_S = 5  # a connection that died unsaid is noticed within twice this: docs/noloss.md section 5, "recovery"
MOST_MESSAGES = 200
MOST_BYTES = 4 * 1024 * 1024
LOOK_EVERY_S = 1.0  # whether the file is sound and lies where it did


class Worker:
    """Serves one store file for one site."""

    def __init__(self, path: Path, topics: Topics, *, create: bool = True, anchor: Path | None = None) -> None:
        self._path = path
        self._topics = topics
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._file = ServedFile(path, self._opened, create=create)
        self._faults = Once()
        self._teller = Teller(topics)
        self._answers = Answers(topics)
        self._state = State(state="ready", since=utc_now())
        self._presence = Presence(topics.store_state, lambda: self._state)
        self._anchoring = Anchoring(topics, anchor)
        self.ingested = 0  # messages
        self.committed = 0  # entries that watermarks have passed since start
        self.connected = False
        self.connections = 0
        self.certificate_until: float | None = None  # of the broker, in seconds since 1970
        self.on_committed: Callable[[], None] = lambda: None
        self.came_round: Callable[[], None] = lambda: None  # every second, with its thread

    @property
    def trouble(self) -> str | None:
        """Why nothing is confirmed now, in a sentence; None while the store serves."""
        return self._file.trouble

    async def open(self) -> None:
        """Open the store. Raises StoreError."""
        await self._run(self._file.open)
        self._tell_state()

    def _opened(self, connection: sqlite3.Connection, is_new: bool) -> None:
        if is_new:
            connection.execute("UPDATE identity SET started_at = ?, start = start + 1", (utc_now(),))
        self._teller.open(connection)
        store, epoch = identity(connection)
        log.info("store open", path=self._path.name, store=store, epoch=epoch)

    async def close(self) -> None:
        """Close the store and its thread."""
        await self._run(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._file.connection is not None:
            with suppress(sqlite3.Error):  # what is not written down is told again
                self._teller.write_down(self._file.connection)
        self._file.close()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def run(self, endpoint: Endpoint) -> None:
        """Serve until cancelled; the broker may come and go, and so may the file."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(), name="store-watch")
            tasks.create_task(self._stay_connected(endpoint), name="store-serve")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self._run(self._file.look)
            self._tell_state()
            self.came_round()

    def _tell_state(self) -> None:
        if self.trouble != self._state.why:
            self._state = State(state="fault" if self.trouble else "ready", since=utc_now(), why=self.trouble)
            self._presence.changed.set()

    async def _stay_connected(self, endpoint: Endpoint) -> None:
        await stay_connected(
            endpoint, lambda: f"store-{self._topics.site}-{uuid4().hex[:12]}", self._serve_all,
            will=self._presence.will, keepalive_s=KEEPALIVE_S, outage=Outage(endpoint, log),
        )  # fmt: skip

    async def _serve_all(self, connection: Connection) -> None:
        try:
            for topic in (self._topics.readings("+"), self._topics.batch(None), self._topics.batch("+")):
                await connection.subscribe(topic, qos=0)  # what gets lost is sent again: it need not be acknowledged
            self.connected, self.certificate_until = True, connection.certificate_until
            self.connections += 1
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._teller.run(connection, self.use))
                tasks.create_task(self._answers.run(connection))
                tasks.create_task(self._serve(connection))
                tasks.create_task(self._presence.keep_told(connection))
                tasks.create_task(self._anchoring.tell(connection, self.use))
        except asyncio.CancelledError:
            await self._presence.farewell(connection)
            raise
        finally:
            self.connected = False

    async def keep_anchors(self) -> None:
        """Append to the anchor file until cancelled, broker or not; nothing where none is configured."""
        await self._anchoring.keep(self.use)

    async def _serve(self, connection: Connection) -> None:
        messages = connection.messages()
        batch: list[tuple[str, bytes]] = []
        size = 0
        async for message in messages:
            if not is_copy(message.payload):  # for onlookers: the store has the entries from a batch
                batch.append((message.topic, message.payload))
                size += len(message.payload)
            if not batch or (connection.waiting() and len(batch) < MOST_MESSAGES and size < MOST_BYTES):
                continue
            await self._commit_and_answer(connection, batch)
            batch, size = [], 0

    async def _commit_and_answer(self, connection: Connection, batch: list[tuple[str, bytes]]) -> None:
        try:
            done = await self._run(lambda: self._ingest(batch))
        except sqlite3.Error as error:  # not the entries' fault: nothing was written, no answer is owed
            if self._faults.is_new(str(error)):
                log.warning("the store could not commit; the sources will send again", why=str(error))
            await asyncio.sleep(0.5)
            return
        if self._faults.is_over():
            log.info("the store commits again")
        self.ingested += len(batch)
        self.committed += sum(each.after - each.before for each in done.moved.values())
        await self._answers.give(connection, done)
        if self._teller.behind:
            self._teller.news.set()
        self.on_committed()

    def _ingest(self, batch: list[tuple[str, bytes]]) -> Ingested:
        return self._file.use(lambda connection: self._put(connection, batch))

    def _put(self, connection: sqlite3.Connection, batch: list[tuple[str, bytes]]) -> Ingested:
        try:
            done = ingest(connection, self._topics.site, batch)
        except sqlite3.Error:
            raise
        except Exception:
            log.exception("a message cannot be digested; each is taken by itself")
            done = ingest_one_by_one(connection, self._topics.site, batch)
        self._teller.moved(done.moved)
        self._teller.again(done.originals)
        return done

    async def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` does with the store, on its thread, between two commits. Raises sqlite3.Error."""
        return await self._run(lambda: self._file.use(work))
