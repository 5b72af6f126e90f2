"""What many instruments cost that give one reading at a time, beside the barest path that keeps as much, in one run.

    PYTHONPATH=.:tests .venv/bin/python -m benchmarks.instruments [--instruments N,N,...] [--rate R] [--seconds S]

Cores: processor time of host and store in the window, over its length. Ages: from the taking of a reading to its
commit in the store. Lag: how late a timer of 10 ms is in the host's event loop. `beside`: a 12-channel diode
electrometer at 20 Hz in the same process. Real Mosquitto on the loopback interface; it and the simulators that the
drivers talk to are processes of their own and not counted. One exchange over a link is measured by `benchmarks.links`,
how busy a slow line is kept by `benchmarks.lines`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brokers import Mosquitto

from benchmarks.speed import child, line_of

WARM_UP_S = 3.0
FLOOR_WAIT_S = 0.010
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """One path with so many instruments: cores at host and store, readings a second, ages and the latest poll in ms.

    Of the host also how late its event loop comes to what is due, in ms, beside an idle loop's in the same window, and
    its memory for each instrument, in KiB.
    """

    path: str
    instruments: int
    host: float
    store: float
    per_s: float
    p50: float
    p99: float
    late: float | None = None
    lag_p50: float = float("nan")
    lag_p99: float = float("nan")
    idle_p99: float = float("nan")
    each_kib: float = float("nan")

    @property
    def cores(self) -> float:
        return self.host + self.store


def cpu_s(process: subprocess.Popen[str]) -> float:
    """Seconds of processor time of a process and its threads (proc(5), /proc/PID/stat, fields 14 and 15)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def measured(path: str, folder: Path, port: int, instruments: int, seconds: float, *words: object) -> Cost:
    """Run host and store of a path and watch them for so long once they have warmed up."""
    module = "benchmarks.many_floor" if path.startswith("floor") else "benchmarks.many"
    store = child(module, "store", folder, port, stdin=subprocess.PIPE)
    line_of(store)
    host = child(module, "source", folder, port, instruments, *words, stdin=subprocess.PIPE)
    line_of(host)
    time.sleep(WARM_UP_S)
    idle = child("benchmarks.lag", stdin=subprocess.PIPE)
    begun, used = time.perf_counter(), [cpu_s(host), cpu_s(store)]
    time.sleep(seconds)
    ended, now = time.perf_counter(), [cpu_s(host), cpu_s(store)]
    idle_ms, _ = idle.communicate()
    host.communicate()
    time.sleep(0.5)
    store.communicate()
    at_host, at_store = ((n - u) / (ended - begun) for n, u in zip(now, used, strict=True))
    given = json.loads((folder / "given.json").read_text())
    committed = json.loads((folder / "committed.json").read_text())
    ages = sorted(age for stream in given for age in _ages(given[stream], committed.get(stream, ()), begun, ended))
    late, lag = folder / "late.json", folder / "lag.json"
    noted = json.loads(lag.read_text()) if lag.exists() else {"late_ms": [], "each_kib": float("nan")}
    return Cost(
        path, instruments, at_host, at_store, len(ages) / (ended - begun),
        ages[len(ages) // 2], ages[int(len(ages) * 0.99)],
        max(json.loads(late.read_text()), default=0.0) if late.exists() else None,
        *_late(noted["late_ms"], begun, ended), _late(json.loads(idle_ms), begun, ended)[1], noted["each_kib"],
    )  # fmt: skip


def _late(noted: Sequence[tuple[float, float]], begun: float, ended: float) -> tuple[float, float]:
    """p50 and p99 of what was noted in the window, in ms."""
    late_ms = sorted(ms for at, ms in noted if begun <= at < ended) or [float("nan")]
    return late_ms[len(late_ms) // 2], late_ms[int(len(late_ms) * 0.99)]


def _ages(given: Sequence[float], committed: Sequence[tuple[int, float]], begun: float, ended: float) -> list[float]:
    """Ages in ms at commit of the readings given in the window; a reading that was never committed fails the run."""
    ages: list[float] = []
    done = 0
    for through, at in committed:
        ages += [1000 * (at - each) for each in given[done:through] if begun <= each < ended]
        done = max(done, through)
    missing = [each for each in given[done:] if begun <= each < ended - 1.0]
    assert not missing, f"{len(missing)} readings were not committed"
    return ages


async def one(path: str, instruments: int, seconds: float, *words: object) -> Cost:
    """One path, with a fresh broker and a fresh folder."""
    with tempfile.TemporaryDirectory() as name:
        broker = Mosquitto(Path(name), extra="persistence false\nmax_queued_messages 0\n")
        await broker.start()
        try:
            return await asyncio.to_thread(measured, path, Path(name), broker.port, instruments, seconds, *words)
        finally:
            await broker.kill()


def table(costs: Sequence[Cost]) -> None:
    """Every path with its floor."""
    floors: Mapping[int, Cost] = {each.instruments: each for each in costs if each.path.startswith("floor")}
    print(f"\n{'path':28} {'instr.':>6} {'read./s':>8} {'host':>6} {'store':>6} {'cores':>6} {'of floor':>8}"
          f" {'p50 ms':>7} {'p99 ms':>7} {'late ms':>7} {'lag p50':>7} {'p99':>6} {'idle p99':>8}"
          f" {'KiB each':>8}")  # fmt: skip
    for each in costs:
        ratio = each.cores / floors[each.instruments].cores if each.instruments in floors else float("nan")
        late = " " * 7 if each.late is None else f"{each.late:7.0f}"
        print(f"{each.path:28} {each.instruments:6} {each.per_s:8.0f} {each.host:6.2f} {each.store:6.2f}"
              f" {each.cores:6.2f} {ratio:8.2f} {each.p50:7.1f} {each.p99:7.1f} {late}"
              f" {each.lag_p50:7.2f} {each.lag_p99:6.1f} {each.idle_p99:8.1f} {each.each_kib:8.0f}")  # fmt: skip


async def main() -> None:
    """Floor, the path alone, with drivers over TCP, and one instrument of several channels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instruments", default="1,20,50,100,200")
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--paths", default="floor,alone,drivers,beside,channels")
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores")
    paths = asked.paths.split(",")
    costs: list[Cost] = []
    for n in map(int, asked.instruments.split(",")):
        if "floor" in paths:
            costs.append(await one("floor, 10 ms", n, asked.seconds, asked.rate, FLOOR_WAIT_S))
        if "alone" in paths:
            costs.append(await one("the path alone", n, asked.seconds, asked.rate, 1, "none", False))
        if "drivers" in paths:
            costs.append(await one("with drivers over TCP", n, asked.seconds, asked.rate, 1, "tcp", False))
        if "beside" in paths:
            costs.append(await one("the path, diodes beside", n, asked.seconds, asked.rate, 1, "none", True))
            costs.append(await one("drivers, diodes beside", n, asked.seconds, asked.rate, 1, "tcp", True))
    if "channels" in paths:
        costs.append(await one("one channel at 20 Hz", 1, asked.seconds, 20.0, 1, "none", False))
        costs.append(await one("12 channels at 20 Hz", 1, asked.seconds, 20.0, 12, "none", False))
    table(costs)


if __name__ == "__main__":
    asyncio.run(main())
