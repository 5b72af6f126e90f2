"""The product's own path for the benchmark: a driver that gives readings as fast as they are taken, or at a rate.

Everything from the driver on is the product: runner, spool, publisher, broker, store's worker. The two ends run as two
processes, as they would on two machines.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from plain_instrument import PlainInstrument

from acquire.bus.endpoint import Endpoint
from acquire.bus.names import Topics
from acquire.canonical import utc_now
from acquire.instruments.runner import Runner
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.source import Source as Protocol
from acquire.spool.spool import Spool
from acquire.store.ingest import Moved
from acquire.store.worker import Worker
from drivers import Identity, Reading

TOPICS = Topics("bench")
RAW = b"+15.66964E-09NCOUL,+0000010.611268secs,+00115RDNG#"


class Source(PlainInstrument):
    """Gives `total` readings in blocks, as an instrument whose buffer is read out; at `rate` a second, or at once."""

    name = "bench"
    interval_s = 0.0

    def __init__(self, total: int, block: int, rate: float | None) -> None:
        super().__init__()
        self.total, self.block, self.rate = total, block, rate
        self.given = 0
        self.begun = 0.0
        self.at: list[float] = []

    async def open(self) -> Identity:
        self.begun = time.perf_counter()
        return await super().open()

    async def take(self) -> Sequence[Reading]:
        count = min(self.block, self.total - self.given)
        if count == 0:
            await asyncio.sleep(0.05)
            return []
        if self.rate is not None:
            await asyncio.sleep(max(0.0, self.begun + self.given / self.rate - time.perf_counter()))
        now, monotonic = utc_now(), time.monotonic()
        first, self.given = self.given, self.given + count
        self.at += [time.perf_counter()] * count
        return [
            Reading(
                kind="scalar", quantity="charge", unit="C", value=1e-9 * n, elapsed_s=0.1 * n, range="2e-08", raw=RAW,
                time=now, monotonic_s=monotonic,
            )
            for n in range(first, first + count)
        ]  # fmt: skip


Told = dict[str, list[tuple[int, float]]]  # of each stream: (through, when), on the machine's monotonic clock


def note_answers(source: Protocol, told: Told) -> None:
    """Have a source note in `told` what it is answered, and when."""
    answer = source.answer

    def noting(stream: str, through: int, *more: Any, **named: Any) -> Any:
        told.setdefault(stream, []).append((through, time.perf_counter()))
        return answer(stream, through, *more, **named)

    source.answer = noting  # type: ignore[method-assign]


def note_commits(worker: Worker, told: Told) -> None:
    """Have a store's worker note in `told` how far each stream is committed, and when."""
    moved = worker._teller.moved

    def noting(streams: Mapping[str, Moved]) -> None:
        now = time.perf_counter()
        for stream, each in streams.items():
            told.setdefault(stream, []).append((each.after, now))
        moved(streams)

    worker._teller.moved = noting  # type: ignore[method-assign]


def ages_ms(given: Sequence[float], told: Sequence[tuple[int, float]]) -> list[float]:
    """How old the readings given at these times were when they were told of, in order of age."""
    ages: list[float] = []
    done = 0
    for through, at in told:
        ages += [1000 * (at - each) for each in given[done:through]]
        done = max(done, through)
    return sorted(ages)


async def source(folder: Path, port: int, total: int, block: int, rate: float | None, instruments: int) -> None:
    """Print {"seconds": from the first poll to the last confirmation}; keep when each was given and confirmed."""
    spool = await Spool.open(folder / "spool.db")
    publisher = await Publisher.over(spool, TOPICS)
    publishing = asyncio.create_task(publisher.run(Endpoint("127.0.0.1", port)))
    while not publisher.connected:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    gc.freeze()  # as acquire.service does
    confirmed: Told = {}
    note_answers(publisher.source, confirmed)
    drivers = [Source(total // instruments, block, rate and rate / instruments) for _ in range(instruments)]
    runners = [Runner(f"bench-{n}", lambda d=d: d, spool, Recorder(spool, publisher)) for n, d in enumerate(drivers)]
    begun = time.perf_counter()
    running = [asyncio.create_task(runner.run()) for runner in runners]
    while sum(r.appended for r in runners) < total or not all_through(publisher):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    taken = time.perf_counter() - begun
    streams = {s.instrument: s.stream for s in publisher.source.streams.values()}
    given = {streams[f"bench-{n}"]: d.at for n, d in enumerate(drivers)}
    for runner in runners:
        runner.stop()
    await asyncio.gather(*running)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    await spool.close()
    (folder / "source.json").write_text(json.dumps({"given": given, "confirmed": confirmed}))
    print(json.dumps({"seconds": taken}), flush=True)


def all_through(publisher: Publisher) -> bool:
    """Whether every entry that was appended has been confirmed."""
    return all(s.through >= s.head for s in publisher.source.streams.values())


async def store(folder: Path, port: int) -> None:
    """Serve until stopped; of each stream, when what was committed."""
    committed: Told = {}
    worker = Worker(folder / "store.db", TOPICS)
    note_commits(worker, committed)
    await worker.open()
    serving = asyncio.create_task(worker.run(Endpoint("127.0.0.1", port)))
    gc.freeze()  # as acquire.service does
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await worker.close()
    (folder / "store.json").write_text(json.dumps({"committed": committed}))


def main(role: str, where: str, port: str, *more: Any) -> None:
    """python -m benchmarks.product store FOLDER PORT | source FOLDER PORT TOTAL BLOCK RATE INSTRUMENTS."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    if role == "store":
        asyncio.run(store(Path(where), int(port)))
    else:
        total, block, rate, instruments = more
        asyncio.run(source(Path(where), int(port), int(total), int(block), float(rate) or None, int(instruments)))


if __name__ == "__main__":
    main(*sys.argv[1:])
