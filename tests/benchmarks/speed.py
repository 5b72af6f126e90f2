"""How fast readings become rows that survive a power cut, beside peers and ceilings, in one run.

    PYTHONPATH=.:tests .venv/bin/python -m benchmarks.speed [--readings N] [--repeat N]

Real Mosquitto on the loopback interface, every process on this machine. Medians of the repeats. What counts are the
ratios; a figure alone says more about the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
from brokers import Mosquitto

from acquire.store.database import connect
from benchmarks.peers import aiomqtt_one_per_message, c_clients, one_reading
from benchmarks.product import ages_ms

BATCH = 500
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}


def child(module: str, *arguments: object, stdin: int | None = None) -> subprocess.Popen[str]:
    """A process of its own, whose output we read."""
    words = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(words, stdin=stdin, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def floor(folder: Path, port: int, total: int, module: str = "benchmarks.floor") -> float:
    """Readings/s of the barest no-loss path, in batches as large as the product's."""
    with child(module, "store", folder, port, total, BATCH) as store:
        line_of(store)
        with child(module, "source", folder, port, total, BATCH) as source:
            return float(line_of(source))


def product(folder: Path, port: int, total: int, block: int = BATCH, rate: float = 0, instruments: int = 2) -> dict:
    """The product's own path: seconds, readings/s, and the ages in ms of readings when committed and confirmed."""
    with child("benchmarks.product", "store", folder, port, stdin=subprocess.PIPE) as store:
        line_of(store)
        with child("benchmarks.product", "source", folder, port, total, block, rate, instruments) as source:
            told = json.loads(line_of(source))
    with closing(sqlite3.connect(folder / "store.db")) as db:
        (rows,) = db.execute("SELECT count(*) FROM entry WHERE status = 'stored'").fetchone()
    assert rows == total, f"{rows} rows of {total} readings"
    noted = json.loads((folder / "source.json").read_text()) | json.loads((folder / "store.json").read_text())
    ages = {
        what: [age for stream, given in noted["given"].items() for age in ages_ms(given, noted[what][stream])]
        for what in ("committed", "confirmed")
    }
    return told | {"rate": total / told["seconds"]} | ages


def sqlite_insert(folder: Path, port: int, total: int) -> float:
    """Rows/s of the store's own table with nothing else to do, BATCH rows a commit."""
    body = msgspec.json.encode(one_reading(1))
    db = connect(folder / "insert.db", create=True)
    begun = time.perf_counter()
    for first in range(1, total, BATCH):
        rows = [(1, n, 0, 0, None, body, 2**31, None, None, first) for n in range(first, first + BATCH)]
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", rows)
        db.execute("COMMIT")
    taken = time.perf_counter() - begun
    db.close()
    return total / taken


async def measured(what: Callable[[Path, int, int], float], total: int) -> float:
    """One run, with a fresh broker and a fresh folder."""
    with tempfile.TemporaryDirectory() as name:
        broker = Mosquitto(Path(name), extra="persistence false\nmax_queued_messages 0\n")
        await broker.start()
        try:
            return await asyncio.to_thread(what, Path(name), broker.port, total)
        finally:
            await broker.kill()


async def throughput(total: int, repeat: int) -> None:
    """Readings per second, and what they are of each yardstick. In turn, since a shared machine has its moods."""
    few = max(5_000, total // 20)
    parts: dict[str, tuple[Callable[[Path, int, int], float], int]] = {
        "durable, driver to committed row": (lambda f, p, n: float(product(f, p, n)["rate"]), total),
        "floor: barest no-loss path": (floor, total),
        "floor: the same bytes kept": (partial(floor, module="benchmarks.same_bytes"), total),
        "SQLite: batched insert alone": (sqlite_insert, total),
        "aiomqtt, one reading a message": (aiomqtt_one_per_message, few),
        "C clients, one reading a message": (c_clients, few),
    }
    runs: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(repeat):
        for name, (what, count) in parts.items():
            runs[name].append(await measured(what, count))
    ours = runs["durable, driver to committed row"]
    print(f"\n{'path':34} {'readings/s':>10} {'lowest':>10} {'highest':>10} {'ours is':>8}")
    for name, rates in runs.items():
        ratio = statistics.median(o / r for o, r in zip(ours, rates, strict=True))
        print(f"{name:34} {statistics.median(rates):10,.0f} {min(rates):10,.0f} {max(rates):10,.0f} {ratio:7.2f}x")


async def latency(repeat: int) -> None:
    """From the poll that gave a reading to its commit, and until the source knows of it: one reading a poll."""
    print(f"\n{'readings/s':>10} {'age at':>10} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for rate in (10, 100, 1000):
        runs: list[dict[str, list[float]]] = []

        def run(folder: Path, port: int, total: int, rate: int = rate, runs: list = runs) -> float:
            runs.append(product(folder, port, total, 1, rate, 1))
            return 0.0

        for _ in range(repeat):
            await measured(run, max(100, 5 * rate))
        for what in ("committed", "confirmed"):
            told = [statistics.median(pick(each[what]) for each in runs) for pick in (at(50), at(99), max)]
            print(f"{rate:10} {what:>10} {told[0]:8.2f} {told[1]:8.2f} {told[2]:8.2f}")


def at(percent: int) -> Callable[[list[float]], float]:
    """Picks a percentile."""
    return lambda ages: sorted(ages)[min(len(ages) - 1, len(ages) * percent // 100)]


async def main() -> None:
    """Everything, and on what machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores")
    await throughput(asked.readings, asked.repeat)
    await latency(asked.repeat)


if __name__ == "__main__":
    asyncio.run(main())
