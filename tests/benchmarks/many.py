"""The product's own path for `benchmarks.instruments`: N instruments with one reading a poll, at a rate, until stopped.

Everything from the driver on is the product: runner, spool, publisher, broker, store's worker. `none`: a source that
costs nothing; `tcp`: the driver of the Keithley 6517B against its simulators, in a process of their own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from plain_instrument import PlainInstrument

from acquire.bus.endpoint import Endpoint
from acquire.canonical import utc_now
from acquire.instruments.runner import Runner
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from acquire.store.worker import Worker
from benchmarks.lag import Lag
from benchmarks.product import RAW, TOPICS, Told, note_commits
from benchmarks.speed import child, line_of
from drivers import Instrument, Reading, connect
from drivers.registry import model

MODEL = "keithley-6517b"
DIODES, DIODES_HZ = "diode-electrometer-12", 20.0


class Paced(PlainInstrument):
    """Gives one reading of each channel a poll, at `rate` polls a second."""

    name = "bench"
    interval_s = 0.0

    def __init__(self, rate: float, channels: int, phase: float) -> None:
        super().__init__()
        self.rate, self.phase = rate, phase
        self.inputs = [str(n + 1) for n in range(channels)]
        self.begun = 0.0
        self.polls = 0
        self.given: list[float] = []
        self.late_ms: list[float] = []

    async def take(self) -> Sequence[Reading]:
        self.begun = self.begun or time.perf_counter() + self.phase / self.rate
        due = self.begun + self.polls / self.rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        now, monotonic, at = utc_now(), time.monotonic(), time.perf_counter()
        self.polls += 1
        self.late_ms.append(1000 * (at - due))
        self.given += [at] * len(self.inputs)
        return [
            Reading(
                kind="scalar", quantity="charge", unit="C", value=1e-9 * self.polls, elapsed_s=0.1 * self.polls,
                range="2e-08", raw=RAW, time=now, monotonic_s=monotonic,
                channel=each if len(self.inputs) > 1 else None,
            )
            for each in self.inputs
        ]  # fmt: skip


class Noting:
    """Notes when a connected driver gave each reading: what is added to its own work is one clock read."""

    def __init__(self, device: Instrument) -> None:
        self.given: list[float] = []
        take = device.take

        async def noted() -> Sequence[Reading]:
            readings = await take()
            self.given += [time.perf_counter()] * len(readings)
            return readings

        device.take = noted  # type: ignore[method-assign]


async def source(
    folder: Path, port: int, instruments: int, rate: float, channels: int, kind: str, beside: bool
) -> None:  # fmt: skip
    """Run until stdin closes; then write down when each reading was given, by stream.

    beside: a 12-channel diode electrometer at 20 Hz.
    """
    spool = await Spool.open(folder / "spool.db")
    publisher = await Publisher.over(spool, TOPICS)
    publishing = asyncio.create_task(publisher.run(Endpoint("127.0.0.1", port)))
    while not publisher.connected:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    lag = Lag()
    given: dict[str, list[float]] = {}
    paced: list[Paced] = []
    makes: list[Callable[[], Instrument]] = []
    simulators = None
    for n in range(instruments if kind == "none" else 0):
        device = Paced(rate, channels, n / instruments)
        paced.append(device)
        given[f"bench-{n}"] = device.given
        makes.append(lambda d=device: d)
    if kind == "none" and beside:
        diodes = Paced(DIODES_HZ, 12, 0.0)
        given[f"bench-{instruments}"] = diodes.given
        makes.append(lambda: diodes)
    if kind == "tcp":
        simulators = child("benchmarks.many", "simulators", folder, port, instruments, stdin=subprocess.PIPE)
        *many, diodes_at = json.loads(line_of(simulators))
        for n, resource in enumerate(many):
            makes.append(_connected(MODEL, resource, rate, given, f"bench-{n}"))
        if beside:
            makes.append(_connected(DIODES, diodes_at, DIODES_HZ, given, f"bench-{instruments}"))
    recorder = Recorder(spool, publisher)
    runners = [Runner(f"bench-{n}", make, spool, recorder) for n, make in enumerate(makes)]
    running = [asyncio.create_task(runner.run()) for runner in runners]
    while not all(r.appended for r in runners):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    gc.collect()
    gc.freeze()  # as acquire.service does
    print("running", flush=True)
    watching = asyncio.create_task(lag.watch())
    await asyncio.to_thread(sys.stdin.read)
    watching.cancel()
    lag.write(folder, len(runners))
    streams = {s.instrument: s.stream for s in publisher.source.streams.values()}
    for runner in runners:
        runner.stop()
    await asyncio.gather(*running)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    await spool.close()
    if simulators is not None:
        simulators.communicate()
    (folder / "given.json").write_text(json.dumps({streams[name]: times for name, times in given.items()}))
    if paced:
        (folder / "late.json").write_text(json.dumps([late for each in paced for late in each.late_ms[5:]]))


def _connected(
    kind: str, resource: str, rate: float, given: dict[str, list[float]], name: str
) -> Callable[[], Instrument]:
    def make() -> Instrument:
        device = connect(model(kind), resource, {"poll_interval_s": 1 / rate})
        given[name] = Noting(device).given
        return device

    return make


async def simulators(instruments: int) -> None:
    """Print the resources of so many simulators and of one with diodes; serve until stdin closes."""
    from simulators import serve  # noqa: PLC0415 - in this process alone

    served = [await serve(MODEL, "tcp:127.0.0.1:0", seed=n) for n in range(instruments)]
    served.append(await serve(DIODES, "tcp:127.0.0.1:0"))
    print(json.dumps([_over_tcp(each.resource) for each in served]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for each in served:
        await each.close()


def _over_tcp(resource: str) -> str:
    """The plain socket of TCPIP::HOST::PORT::SOCKET, which pyvisa would open with a thread for each."""
    _, host, port, _ = resource.split("::")
    return f"tcp:{host}:{port}"


async def store(folder: Path, port: int) -> None:
    """Serve until stdin closes; then write down when what was committed, by stream."""
    committed: Told = {}
    worker = Worker(folder / "store.db", TOPICS)
    note_commits(worker, committed)
    await worker.open()
    serving = asyncio.create_task(worker.run(Endpoint("127.0.0.1", port)))
    gc.collect()
    gc.freeze()
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await worker.close()
    (folder / "committed.json").write_text(json.dumps(committed))


def main(role: str, where: str, port: str, *more: str) -> None:
    """Roles: store FOLDER PORT | source FOLDER PORT N RATE CHANNELS none|tcp BESIDE | simulators - - N

    BESIDE: True for diodes beside them, else False.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    if role == "store":
        asyncio.run(store(Path(where), int(port)))
    elif role == "simulators":
        asyncio.run(simulators(int(more[0])))
    else:
        asyncio.run(
            source(Path(where), int(port), int(more[0]), float(more[1]), int(more[2]), more[3], more[4] == "True")
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
