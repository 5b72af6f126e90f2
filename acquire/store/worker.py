"""The store's worker: takes what waits on the bus, commits it on its own thread, then answers.

One transaction holds whatever has arrived meanwhile, so latency is one commit when idle and throughput is many readings
a commit when loaded. Memory is bounded by the windows of the sources. Commit first, answer then: docs/noloss.md rules
4.1 and 4.6.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import uuid4

import structlog

from acquire.bus.client import BusError, Connection, Endpoint, Outage, connect
from acquire.bus.names import Topics
from acquire.canonical import canonical, utc_now
from acquire.store.copies import lock
from acquire.store.database import connect as open_database
from acquire.store.database import identity
from acquire.store.ingest import Ingested, Watermark, ingest, ingest_one_by_one
from acquire.store.telling import Teller

log = structlog.get_logger("store")
T = TypeVar("T")

KEEPALIVE_S = 5  # a connection that died unsaid is noticed within twice this: docs/noloss.md section 5, "recovery"
MOST_MESSAGES = 200
MOST_BYTES = 4 * 1024 * 1024
RECONNECT_S = (0.2, 0.5, 1.0, 2.0)


class Worker:
    """Serves one store file for one site."""

    def __init__(self, path: Path, topics: Topics, *, create: bool = True) -> None:
        self._path = path
        self._create = create
        self._topics = topics
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._connection: sqlite3.Connection | None = None
        self._lock: BinaryIO | None = None
        self._failing = False
        self._teller = Teller(topics)
        self.ingested = 0
        self.on_committed: Callable[[], None] = lambda: None

    async def open(self) -> None:
        """Open the store. Raises StoreError."""
        await self._run(self._open)

    def _open(self) -> None:
        self._lock = lock(self._path, alone=False)
        try:
            self._connection = open_database(self._path, create=self._create)
        except BaseException:
            self._lock.close()
            raise
        self._connection.execute("UPDATE identity SET started_at = ?", (utc_now(),))
        self._teller.open(self._connection)
        store, epoch = identity(self._connection)
        log.info("store open", path=self._path.name, store=store, epoch=epoch)

    async def close(self) -> None:
        """Close the store and its thread."""
        await self._run(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._teller.write_down(self._connection)
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            self._lock.close()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def run(self, endpoint: Endpoint) -> None:
        """Serve until cancelled; the broker may come and go."""
        failures = 0
        outage = Outage(endpoint, log)
        while True:
            try:
                identifier = f"store-{self._topics.site}-{uuid4().hex[:12]}"
                async with connect(endpoint, identifier, keepalive_s=KEEPALIVE_S) as connection:
                    failures = 0
                    outage.over()
                    await connection.subscribe(self._topics.readings("+"))
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._teller.run(connection, self._on_thread))
                        tasks.create_task(self._serve(connection))
            except* BusError as lost:
                outage.lost(lost)
            await asyncio.sleep(RECONNECT_S[min(failures, len(RECONNECT_S) - 1)])
            failures += 1

    async def _serve(self, connection: Connection) -> None:
        messages = connection.messages()
        batch: list[tuple[str, bytes]] = []
        size = 0
        async for message in messages:
            batch.append((message.topic, message.payload))
            size += len(message.payload)
            if connection.waiting() and len(batch) < MOST_MESSAGES and size < MOST_BYTES:
                continue
            await self._commit_and_answer(connection, batch)
            batch, size = [], 0

    async def _commit_and_answer(self, connection: Connection, batch: list[tuple[str, bytes]]) -> None:
        try:
            done = await self._run(lambda: self._ingest(batch))
        except sqlite3.Error as error:  # not the entries' fault: nothing was written, no answer is owed
            if not self._failing:
                log.warning("the store could not commit; the sources will send again", why=str(error))
            self._failing = True
            await asyncio.sleep(0.5)
            return
        if self._failing:
            self._failing = False
            log.info("the store commits again")
        self.ingested += len(batch)
        for answer in done.answers:
            await self._answer(connection, answer)
        self._teller.news.set()
        self.on_committed()

    async def _answer(self, connection: Connection, answer: Watermark) -> None:
        """The source asks again for what the broker does not take."""
        await connection.hand_over(self._topics.committed(answer.instrument), committed(answer), _answered, retain=True)

    def _ingest(self, batch: list[tuple[str, bytes]]) -> Ingested:
        connection = self._opened()
        begun = time.monotonic()
        try:
            done = ingest(connection, self._topics.site, batch)
        except sqlite3.Error:
            raise
        except Exception:
            log.exception("a message cannot be digested; each is taken by itself")
            done = ingest_one_by_one(connection, self._topics.site, batch)
        self._teller.moved(done.moved)
        self._teller.again(done.originals)
        log.debug("committed", messages=len(batch), took_ms=round(1000 * (time.monotonic() - begun), 2))
        return done

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("the store is closed")
        return self._connection

    async def _on_thread(self, work: Callable[[sqlite3.Connection], None]) -> None:
        await self._run(lambda: work(self._opened()))


def _answered(error: BaseException | None) -> None:
    if error is not None:
        log.debug("an answer was not taken", why=str(error))


def committed(answer: Watermark) -> bytes:
    """The committed message, as canonical JSON (docs/noloss.md section 2)."""
    return canonical(
        {
            "schema": "committed/1",
            "stream": answer.stream,
            "through": answer.through,
            "store": answer.store,
            "epoch": answer.epoch,
            "ask": answer.query,
        }
    )
