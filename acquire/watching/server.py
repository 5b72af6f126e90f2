"""Serves metrics and health over HTTP to whoever asks: /metrics, /health/live, /health/ready.

One request a connection, read and answered within seconds, and few connections at once: a scraper that hangs, a scanner
of ports or a flood holds up nobody. A port that cannot be had is told once and tried again; acquisition goes on.
HTTP is read by h11, metrics are written by prometheus_client; no thread is used.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import h11
from prometheus_client import Histogram, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector

from acquire.acquisition import cancel
from acquire.config import WatchingConfig
from acquire.log import Log
from acquire.once import Once
from acquire.spool.lag import Lag
from acquire.spool.publisher import Publisher
from acquire.watching.asked import Asked, SpoolSaid, StoreSaid, of_files, of_spool, of_store
from acquire.watching.health import Part, health
from acquire.watching.metrics import Moment
from acquire.watching.watched import Watched

log = Log("watching")

MOST_CONNECTIONS = 16
WITHIN_S = 5.0  # a request is there, and an answer is read
LARGEST_REQUEST = 16 * 1024  # bytes
AGAIN_S = 10.0  # a port that cannot be had is tried again
KEPT_S = 1.0  # whoever asks more often is given the same page
LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
JSON = "application/json"
Answer = tuple[int, str, bytes]  # status, content type, body


class Watching:
    """Serves one service. `port` is the one it listens on, once it does."""

    def __init__(self, running: Watched, config: WatchingConfig) -> None:
        self.port: int | None = None
        self._running = running
        self._config = config
        self._began = time.time()
        self._open: dict[asyncio.Task[None], float] = {}  # since when
        self._told = Once()
        self._one_page = asyncio.Lock()
        self._lag = Histogram(
            "dosimetry_spool_confirmation_seconds",
            "From an entry's commit in the spool to the store's answer that it has it; one of a stream at a time.",
            buckets=LAG_S, registry=None,
        )  # fmt: skip
        self._process = ProcessCollector(registry=None)
        self._spool = Asked(self._ask_spool)
        self._store = Asked(self._ask_store)
        self._files = Asked(lambda: asyncio.to_thread(of_files, running.loaded))
        self._kept: dict[str, tuple[float, Answer]] = {}  # pages by their content type, and when they were made

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self._listen()
                await asyncio.sleep(AGAIN_S)
        finally:
            for each in (self._spool, self._store, self._files):
                await each.close()

    def time_the_way(self, source: Publisher) -> None:
        """From now on the way of entries to the store is timed."""
        source.lag = Lag(self._lag.observe)

    async def _listen(self) -> None:
        """As long as the port can be had."""
        host, port = self._config.host, self._config.port
        server = await self._bound(host, port)
        if isinstance(server, str):
            if self._told.is_new(server):
                log.error(
                    f"metrics and health cannot be told at {host}:{port} ({server}): free it, or give [watching]"
                    " another port; all else goes on, and it is tried again"
                )
            return
        self._told.is_over()
        self.port = server.sockets[0].getsockname()[1]
        log.info("telling metrics and health", at=f"{host}:{self.port}")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.port = None
            server.close()
            await cancel(list(self._open))
            await server.wait_closed()

    async def _bound(self, host: str, port: int) -> asyncio.Server | str:
        """Or why not."""
        try:
            return await asyncio.start_server(self._begun, host, port, limit=LARGEST_REQUEST)
        except OSError as error:
            return error.strerror or str(error)

    # --- connections ------------------------------------------------------------------------------------------------

    async def _begun(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= MOST_CONNECTIONS:
            min(self._open, key=self._open.__getitem__).cancel()
        self._open[task] = time.monotonic()
        writer.transport.set_write_buffer_limits(0)  # what is written is on its way when drain() returns
        try:
            await self._serve(reader, writer)
            writer.close()
        except (OSError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()  # it was slow or went away, or others waited; the service may be stopping
        finally:
            self._open.pop(task, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_REQUEST)
        try:
            async with asyncio.timeout(WITHIN_S):
                request = await _request(http, reader)
            if request is None:
                return
            status, kind, body = await self._answer(request)
        except h11.RemoteProtocolError:
            status, kind, body = 400, JSON, _plain("this is no request of HTTP/1.1")
            request = None
        headers = [("content-type", kind), ("content-length", str(len(body))), ("connection", "close"),
                   ("cache-control", "no-store")]  # fmt: skip
        said = http.send(h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase))
        if request is None or request.method != b"HEAD":
            said = (said or b"") + (http.send(h11.Data(data=body)) or b"")
        writer.write(said or b"")
        async with asyncio.timeout(WITHIN_S):
            await writer.drain()

    # --- answers ----------------------------------------------------------------------------------------------------

    async def _answer(self, request: h11.Request) -> Answer:
        if request.method not in (b"GET", b"HEAD"):
            return 405, JSON, _plain("only GET and HEAD are answered")
        path = request.target.split(b"?")[0]
        if path == b"/metrics":
            accept = b",".join(value for name, value in request.headers if name == b"accept")
            return await self._page(accept.decode("latin-1"))
        if path == b"/health/live":
            found = health(self._running)
            return _judged("live", found.live, loops=found.loops)
        if path == b"/health/ready":
            found = health(self._running)
            return _judged("ready", found.ready, loops=found.loops, parts=found.parts)
        return 404, JSON, _plain("there are /metrics, /health/live and /health/ready")

    async def _page(self, accept: str) -> Answer:
        encode, kind = choose_encoder(accept)
        clock = asyncio.get_running_loop().time
        async with self._one_page:
            made, page = self._kept.get(kind, (-KEPT_S, (200, kind, b"")))
            if clock() - made >= KEPT_S:
                page = 200, kind, encode(await self._now())
                self._kept = {kind: (clock(), page)}
        return page

    async def _now(self) -> _Collected:
        spool, store, files = await asyncio.gather(self._spool.answer(), self._store.answer(), self._files.answer())
        now = datetime.now(UTC)
        moment = Moment(self._running, health(self._running), spool, store, files, now, self._began)
        lag = self._lag.collect() if self._running.publisher is not None else ()
        for each in lag:  # when the histogram was made says nothing that the start of the service does not
            each.samples = [sample for sample in each.samples if not sample.name.endswith("_created")]
        return _Collected((*moment.collect(), *lag, *self._process.collect()))

    async def _ask_spool(self) -> SpoolSaid | None:
        source = self._running.publisher
        if source is None:
            return None
        waiting = source.source.waiting()
        return await source.ask_spool(lambda journal: of_spool(journal, waiting))

    async def _ask_store(self) -> StoreSaid | None:
        return None if self._running.worker is None else await self._running.worker.use(of_store)


@dataclass(frozen=True, slots=True)
class _Collected:
    """What an encoder takes for a registry."""

    families: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        return self.families


async def _request(http: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The head of the request; None where the other end says nothing. Raises h11.RemoteProtocolError."""
    while True:
        event = http.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        http.receive_data(await reader.read(LARGEST_REQUEST))


def _judged(what: str, well: bool, **asked: Iterable[Part]) -> Answer:
    said = {
        kind: {each.name: {"ok": each.why is None} | ({"why": each.why} if each.why else {}) for each in parts}
        for kind, parts in asked.items()
    }
    return 200 if well else 503, JSON, _json({what: well, **said})


def _plain(sentence: str) -> bytes:
    return _json({"error": sentence})


def _json(said: object) -> bytes:
    return json.dumps(said, indent=2).encode() + b"\n"
