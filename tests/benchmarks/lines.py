"""How busy a slow serial line is kept: 9600 Bd, byte by byte, by a driver alone and from the instrument to the spool.

    PYTHONPATH=.:tests .venv/bin/python -m benchmarks.lines [--models NAME,NAME,...] [--seconds S]

Readings are taken as fast as they come (poll_interval_s = 0), by the driver alone, and by the runner, which has each
committed in its spool before it takes the next (docs/noloss.md rule 3.2). The simulator and its
line (`benchmarks.paced_line`) are a process of their own. A line is busy while a byte is under way in either direction.
What is left is the instrument's (from the end of a request to the begin of its reply: turn-around, conversion) or ours
(from a reply in our hands to the begin of the next request). The ceiling is what the protocol allows: 1 less the
instrument's part. `of it` is busy over busy and ours. Where the line's process came too late to hand a reply over, that
is left out. `best` is the best quarter of the window: what else the machine does makes quarters worse, none better.
The turn-around of the simulators is assumed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.bus.names import Topics
from acquire.instruments.runner import Runner
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from benchmarks.speed import child, line_of
from drivers import Instrument, connect
from drivers.registry import model

BAUD_RATE = 9600
SLICES = 4
FASTEST: Mapping[str, Mapping[str, Any]] = {  # settings with which the instrument is fastest
    "keithley-6517b": {"nplc": 0.1}, "keithley-6514": {"nplc": 0.1}, "keithley-6485": {"nplc": 0.1},
}  # fmt: skip
MODELS = (
    "ptw-diamentor", "ptw-unidos-classic", "ptw-unidos-tango", "ptw-multidos", "diode-electrometer-12",
    "keithley-6514", "keithley-6517b",
)  # fmt: skip


Interval = tuple[str, float, float, float]  # direction, begin, end, when its last byte was handed over
Window = tuple[float, float, int]  # begin and end (monotonic, s), readings
Way = Callable[[str, str, float, int], Awaitable[Window]]


@dataclass(frozen=True, slots=True)
class Kept:
    """Readings a second in one window; its best slice, of what is allowed; seconds busy, the instrument's and ours."""

    name: str
    by: str
    per_s: float
    best: float
    busy_s: float
    instrument_s: float
    ours_s: float

    @property
    def busy(self) -> float:
        return self.busy_s / (self.busy_s + self.instrument_s + self.ours_s)

    @property
    def ceiling(self) -> float:
        return 1 - self.instrument_s / (self.busy_s + self.instrument_s + self.ours_s)

    @property
    def of_allowed(self) -> float:
        return self.busy_s / (self.busy_s + self.ours_s)


def parts(intervals: Sequence[Interval], begin: float, end: float) -> tuple[float, float, float]:
    """Seconds between begin and end: busy, the instrument's, ours. intervals: by their begin."""
    busy = 0.0
    left = {"request": 0.0, "reply": 0.0}  # after which direction
    until, given, last = begin, begin, "reply"
    for direction, first, done, handed in intervals:
        if begin <= first < end:
            busy += max(0.0, done - max(first, until))
            left[last] += max(0.0, first - max(until, given if last == "reply" else until))
        if done >= until:
            until, given, last = done, handed, direction
    return busy, left["request"], left["reply"]


def instrument(name: str, device: str, baud_rate: int) -> Instrument:
    """The driver on its line, as fast as it can."""
    given = {"poll_interval_s": 0.0, "serial": {"baud_rate": baud_rate}, **FASTEST.get(name, {})}
    return connect(model(name), device, given)


async def by_driver(name: str, device: str, seconds: float, baud_rate: int) -> Window:
    """One take after the other."""
    made = instrument(name, device, baud_rate)
    await made.open()
    try:
        await made.take()
        begin, count = time.monotonic(), 0
        while time.monotonic() < begin + seconds:
            count += len(await made.take())
        return begin, time.monotonic(), count
    finally:
        await made.close()


async def by_runner(name: str, device: str, seconds: float, baud_rate: int) -> Window:
    """As it is acquired, with a spool."""
    with tempfile.TemporaryDirectory() as folder:
        return await _acquired(lambda: instrument(name, device, baud_rate), seconds, Path(folder))


async def _acquired(make: Callable[[], Instrument], seconds: float, folder: Path) -> Window:
    spool = await Spool.open(folder / "spool.db")
    publisher = await Publisher.over(spool, Topics("bench"))
    runner = Runner("bench", make, spool, Recorder(spool, publisher))
    running = asyncio.create_task(runner.run())
    try:
        while runner.appended < 3:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        begin, before = time.monotonic(), runner.appended
        await asyncio.sleep(seconds)
        return begin, time.monotonic(), runner.appended - before
    finally:
        runner.stop()
        await running
        await spool.close()


async def kept_busy(name: str, by: Way, seconds: float, baud_rate: int = BAUD_RATE) -> Kept:
    """One model on a line of its own."""
    with child("benchmarks.paced_line", name, baud_rate, stdin=subprocess.PIPE) as line:
        begin, end, count = await by(name, line_of(line), seconds, baud_rate)
        told, _ = line.communicate()
    intervals, length = json.loads(told), (end - begin) / SLICES
    slices = [parts(intervals, begin + n * length, begin + (n + 1) * length) for n in range(SLICES)]
    of_it = [busy / (busy + ours) for busy, _, ours in slices if busy]
    return Kept(name, by.__name__[3:], count / (end - begin), max(of_it, default=0.0), *parts(intervals, begin, end))


def table(found: Sequence[Kept]) -> None:
    """A line for each model."""
    print(
        f"\n{'on a 9600-baud line':24} {'by':7} {'readings/s':>10} {'busy':>6} {'ceiling':>8} {'of it':>6} {'best':>6}"
    )
    for each in found:
        print(f"{each.name:24} {each.by:7} {each.per_s:10.1f} {each.busy:6.3f} {each.ceiling:8.3f}"
              f" {each.of_allowed:6.3f} {each.best:6.3f}")  # fmt: skip


async def main() -> None:
    """Every model in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--seconds", type=float, default=5.0)
    asked = parser.parse_args()
    names = asked.models.split(",")
    table([await kept_busy(name, by, asked.seconds) for name in names for by in (by_driver, by_runner)])


if __name__ == "__main__":
    asyncio.run(main())
