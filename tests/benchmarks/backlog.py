"""A store that is down for an hour: how much a spool takes meanwhile, and how fast the store catches up after it.

    python tests/benchmarks/backlog.py [READINGS] [FOLDER]

One million readings by default (an hour at 278 a second). Source, Mosquitto and store run on this machine; live
readings go on coming in while the store catches up, and their delay is told. Not a test: it asserts only that nothing
is lost.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path

import structlog

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

from brokers import running_mosquitto  # noqa: E402 - the tests' own helpers
from bus_house import TOPICS  # noqa: E402
from invariants import opened  # noqa: E402

from acquire.canonical import canonical  # noqa: E402
from acquire.spool.publisher import Publisher  # noqa: E402
from acquire.spool.recorder import Recorder  # noqa: E402
from acquire.spool.source import Stream  # noqa: E402
from acquire.spool.spool import Spool  # noqa: E402
from acquire.store.worker import Worker  # noqa: E402
from benchmarks.peers import one_reading  # noqa: E402

GROUP = 500
MIB = 2**20


def reading(n: int) -> bytes:
    """As in the other benchmarks."""
    return canonical(one_reading(n))


def size(folder: Path, name: str) -> float:
    return sum(f.stat().st_size for f in folder.glob(f"{name}*") if f.suffix not in (".lock", ".reserve")) / MIB


async def fill(recorder: Recorder, stream: Stream, readings: int) -> None:
    begun = time.perf_counter()
    for first in range(0, readings, GROUP):
        await recorder.append(stream, [(reading(first + n), None) for n in range(min(GROUP, readings - first))])
    taken = time.perf_counter() - begun
    print(f"appended {readings} readings of {len(reading(1))} bytes in {taken:.1f} s, {readings / taken:.0f}/s")


async def confirmed(stream: Stream, seq: int) -> None:
    """The publisher rings no bell for this."""
    while stream.through < seq:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def live(recorder: Recorder, number: int, stop: asyncio.Event) -> list[float]:
    """Delays from append to confirmation of readings that come in meanwhile, ten a second."""
    stream = await recorder.open_stream("electrometer-2")
    delays = []
    while not stop.is_set():
        begun = time.perf_counter()
        seq = await recorder.append(stream, [(reading(number), None)])
        number += 1
        await confirmed(stream, seq)
        delays.append(time.perf_counter() - begun)
        await asyncio.sleep(0.1)
    return delays


async def measure(folder: Path, readings: int) -> None:
    async with running_mosquitto(folder) as broker:
        spool = await Spool.open(folder / "spool.db")
        publisher = await Publisher.over(spool, TOPICS)
        recorder = Recorder(spool, publisher)
        stream = await recorder.open_stream("electrometer-1")
        publishing = asyncio.create_task(publisher.run(broker.endpoint))
        await fill(recorder, stream, readings)
        print(f"the spool takes {size(folder, 'spool.db'):.0f} MiB on disk while the store is down")
        worker = Worker(folder / "store.db", TOPICS)
        await worker.open()
        begun = time.perf_counter()
        storing = asyncio.create_task(worker.run(broker.endpoint))
        stop = asyncio.Event()
        delays = asyncio.create_task(live(recorder, readings, stop))
        await confirmed(stream, stream.head)
        taken = time.perf_counter() - begun
        stop.set()
        found = sorted(await delays)
        print(
            f"caught up in {taken:.1f} s, {readings / taken:.0f} readings/s; store {size(folder, 'store.db'):.0f} MiB"
        )
        if len(found) > 1:
            late, median = found[int(0.95 * len(found))], statistics.median(found)
            print(f"{len(found)} live readings meanwhile, confirmed after {1000 * median:.0f} ms (median),"
                  f" {1000 * late:.0f} ms (95 %), {1000 * found[-1]:.0f} ms (longest)")  # fmt: skip
        for task in (publishing, storing):
            task.cancel()
        await asyncio.gather(publishing, storing, return_exceptions=True)
        await publisher.write_down()
        await spool.close()
        await worker.close()
    with opened(folder / "store.db") as store:
        (stored,) = store.execute("SELECT count(*) FROM entry WHERE status = 'stored'").fetchone()
    assert stored == readings + len(found), "a reading is missing"


def main() -> None:
    """Run with the arguments of the command line."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    readings = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        asyncio.run(measure(Path(folder), readings))


if __name__ == "__main__":
    main()
