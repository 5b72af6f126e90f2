"""A source and a store in one event loop over a real broker, and the ways a bus can go wrong between them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from brokers import Mosquitto, free_port
from invariants import Emitted, check_invariants, check_settled, opened
from waiting import until

from acquire.bus.client import Connection, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.names import Topics
from acquire.canonical import canonical
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.source import Limits, Stream
from acquire.spool.spool import Spool
from acquire.store.worker import Worker

TOPICS = Topics("clinic")
INSTRUMENT = "electrometer-1"


def reading(number: int, size: int = 0) -> bytes:
    """A unique reading."""
    return canonical(
        {
            "kind": "scalar", "quantity": "charge", "unit": "C", "value": float(number), "monotonic_s": float(number),
            "time": "2027-02-03T09:12:00.000000Z", "raw": f"+{number:09d}" + "x" * size,
        }
    )  # fmt: skip


class Broker(Protocol):
    """What the tests do to a broker."""

    endpoint: Endpoint

    async def start(self) -> None: ...
    async def kill(self) -> None: ...


class Embedded:
    """The embedded amqtt in a process of its own, to be killed and started again on its port; it keeps nothing."""

    _CODE = (
        "import asyncio, sys\n"
        "from acquire.broker.embedded import embedded\n"
        "async def main():\n"
        "    async with embedded('127.0.0.1', int(sys.argv[1])):\n"
        "        print('listening', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = Endpoint("127.0.0.1", self.port, "3.1.1")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", self._CODE, str(self.port), stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert await asyncio.wait_for(self._process.stdout.readline(), 20) == b"listening\n"

    async def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.communicate()
            self._process = None


def make_broker(kind: str, folder: Path, extra: str = "persistence false\n") -> Broker:
    """The broker a test is parametrised with."""
    return Mosquitto(folder, extra=extra) if kind == "mosquitto" else Embedded()


def persistent(folder: Path) -> tuple[str, Callable[[], None]]:
    """A Mosquitto configuration with storage, and what wipes it."""
    storage = folder / "broker-storage"
    storage.mkdir()
    extra = f"persistence true\npersistence_location {storage}/\nautosave_interval 1\nautosave_on_changes true\n"

    def wipe() -> None:
        shutil.rmtree(storage)
        storage.mkdir()

    return extra, wipe


@dataclass
class House:
    """One source, one store; each reaches the broker by an endpoint of its own."""

    folder: Path
    source_at: Endpoint
    store_at: Endpoint
    limits: Limits = field(default_factory=Limits)
    worker_class: type[Worker] = Worker
    emitted: list[Emitted] = field(default_factory=list)
    stream: Stream | None = None
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def start(self) -> None:
        await self.start_source()
        await self.start_store()

    async def start_source(self) -> None:
        self.spool = await Spool.open(self.folder / "spool.db", reserve=4096)
        self.publisher = await Publisher.over(self.spool, TOPICS, self.limits)
        self.recorder = Recorder(self.spool, self.publisher)
        self.stream = await self.recorder.open_stream(INSTRUMENT)
        self._tasks["source"] = asyncio.create_task(self.publisher.run(self.source_at), name="source")

    async def start_store(self, worker_class: type[Worker] | None = None) -> None:
        self.worker = (worker_class or self.worker_class)(self.folder / "store.db", TOPICS)
        await self.worker.open()
        self._tasks["store"] = asyncio.create_task(self.worker.run(self.store_at), name="store")

    async def stop_source(self) -> None:
        await self._cancel("source")
        await self.publisher.write_down()
        await self.spool.close()

    async def stop_store(self) -> None:
        await self._cancel("store")
        await self.worker.close()

    async def _cancel(self, name: str) -> None:
        task = self._tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def store_died(self, within_s: float = 20) -> None:
        """Wait until the worker ends by itself."""
        await asyncio.wait([self._tasks["store"]], timeout=within_s)
        assert self._tasks["store"].done()

    async def append(self, count: int, size: int = 0) -> None:
        """Append readings, one by one, each awaited as a runner does."""
        assert self.stream is not None
        for _ in range(count):
            body = reading(len(self.emitted), size)
            seq = await self.recorder.append(self.stream, [(body, None)])
            self.emitted.append(Emitted(self.stream.stream, seq, body))

    @asynccontextmanager
    async def flowing(self, every_s: float = 0.01) -> AsyncIterator[None]:
        """Readings come in all the while."""

        enough = asyncio.Event()

        async def flow() -> None:
            while not enough.is_set():
                await self.append(1)
                await asyncio.sleep(every_s)

        task = asyncio.create_task(flow(), name="flow")
        try:
            yield
            assert not task.done(), "appending must never stop"
        finally:
            enough.set()
            await task

    async def confirmed(self, within_s: float) -> None:
        """Everything appended so far is confirmed within the bound."""
        wanted = {s.stream: s.head for s in self.publisher.source.streams.values()}
        await until(
            lambda: all(self.publisher.source.streams[s].through >= head for s, head in wanted.items()),
            within_s, "all that was appended being confirmed",
        )  # fmt: skip

    async def settled(self, within_s: float = 30) -> None:
        await until(self.publisher.all_confirmed, within_s, "everything being confirmed")

    async def check(self, *, settled: bool = True) -> None:
        """The invariants of docs/noloss.md section 8 on the two files."""
        await self.publisher.write_down()
        with opened(self.folder / "spool.db") as spool, opened(self.folder / "store.db") as store:
            check_invariants(spool, store, self.emitted)
            if settled:
                check_settled(spool, store)


@asynccontextmanager
async def house_in(
    folder: Path, source_at: Endpoint, store_at: Endpoint | None = None, limits: Limits | None = None
) -> AsyncIterator[House]:
    """A running house; the invariants are checked once more when the test is through."""
    house = House(folder, source_at, store_at or source_at, limits or Limits())
    await house.start()
    try:
        yield house
        await house.check(settled=False)
    finally:
        await house.stop_source()
        await house.stop_store()


class Proxy:
    """A TCP proxy that can swallow bytes without a FIN, hold them, or cut."""

    def __init__(self, target: Endpoint) -> None:
        self._target = target
        self.endpoint = Endpoint("127.0.0.1", free_port(), target.protocol)
        self._server: asyncio.Server | None = None
        self._swallow = False
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.swallowed = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.endpoint.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()
        await self._server.wait_closed()

    def half_open(self) -> None:
        """From now on nothing gets through, in either direction, and nobody is told."""
        self._swallow = True

    def heal(self) -> None:
        """New connections work; those that were swallowed stay dead."""
        self._swallow = False

    def hold(self) -> None:
        """Bytes wait, as behind a stalled reader."""
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection(self._target.host, self._target.port)
            self._writers.add(far_writer)
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dead = False
        while data := await reader.read(65536):
            await self._open.wait()
            dead = dead or self._swallow
            if dead:
                self.swallowed += len(data)
            else:
                writer.write(data)
                await writer.drain()
        if not dead:
            writer.close()


class Relay:
    """Between two brokers: loses, doubles and reorders whole messages, readings one way and answers the other."""

    def __init__(self, source_side: Endpoint, store_side: Endpoint, seed: int, *, lose: float, double: float) -> None:
        self._sides = (source_side, store_side)
        self._chance = random.Random(seed)
        self._lose, self._double = lose, double
        self.done = {"lost": 0, "doubled": 0, "reordered": 0, "passed": 0}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with connect(self._sides[0], "relay-a") as a, connect(self._sides[1], "relay-b") as b:
            await a.subscribe(TOPICS.readings("+"))
            await b.subscribe(TOPICS.committed("+"))
            tasks = [asyncio.create_task(self._carry(a, b)), asyncio.create_task(self._carry(b, a))]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(self, taken: Connection, given: Connection) -> None:
        waiting: list[tuple[str, bytes]] = []
        async for message in taken.messages():
            for _ in self._copies():
                waiting.append((message.topic, message.payload))
            if taken.waiting() and len(waiting) < 8:
                continue
            while waiting:
                at = self._chance.randrange(len(waiting))
                self.done["reordered"] += at > 0
                self.done["passed"] += 1
                await given.publish(*waiting.pop(at))

    def _copies(self) -> Iterator[int]:
        throw = self._chance.random()
        if throw < self._lose:
            self.done["lost"] += 1
            return
        yield 1
        if throw > 1 - self._double:
            self.done["doubled"] += 1
            yield 2
