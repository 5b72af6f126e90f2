"""The benchmarks run: what they measure is the product as it is, and a change of it must not leave them behind."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks.glow import a_curve, batch, one
from benchmarks.lines import by_driver, kept_busy, parts
from benchmarks.links import compared
from benchmarks.speed import floor, product
from brokers import running_mosquitto


async def test_the_whole_path_is_measured_from_the_driver_to_the_answer(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        told = await asyncio.to_thread(product, tmp_path, broker.endpoint.port, 2000)
    assert len(told["committed"]) == len(told["confirmed"]) == 2000
    assert all(
        0 < committed < confirmed for committed, confirmed in zip(told["committed"], told["confirmed"], strict=True)
    )


@pytest.mark.parametrize("module", ["benchmarks.floor", "benchmarks.same_bytes"])
async def test_the_yardsticks_bring_every_reading_to_its_row(tmp_path: Path, module: str) -> None:
    async with running_mosquitto(tmp_path) as broker:
        assert await asyncio.to_thread(floor, tmp_path, broker.endpoint.port, 2000, module) > 0
    (file,) = tmp_path.glob("*-store.db")
    with closing(sqlite3.connect(file)) as db:
        table = "entry" if module == "benchmarks.floor" else "entries"
        assert db.execute(f"SELECT count(*), max(seq) FROM {table}").fetchone() == (2000, 2000)


def test_glow_curves_are_fitted_beside_bounded_curve_fit_and_as_well() -> None:
    ways = one(a_curve(), 1)
    merits = [merit for _, _, merit in ways.values()]
    assert max(merits) < 1.05 * min(merits) < 2
    assert all(by_clock > 0 and by_cpu > 0 for by_clock, by_cpu in batch(2, 1).values())


async def test_a_link_is_measured_beside_its_peers() -> None:
    found = await compared(seconds=0.01, rounds=1, only="lock")
    assert [(each.place, each.peer.split(",")[0]) for each in found] == [
        ("pty", "serialx"),
        ("tcp:127.0.0.1:socket", "asyncio"),
    ]
    assert all(each.link_per_s > 0 and each.peer_per_s > 0 for each in found)


async def test_how_busy_a_slow_line_is_kept_is_measured() -> None:
    kept = await kept_busy("ptw-diamentor", by_driver, seconds=0.2, baud_rate=115_200)
    assert kept.per_s > 0
    assert 0 < kept.busy < kept.ceiling < 1
    assert kept.busy < kept.of_allowed <= 1


def test_what_is_left_of_a_line_is_the_instruments_or_ours() -> None:
    line = [
        ("request", 0.0, 3.0, 3.1), ("reply", 5.0, 9.0, 9.5),  # ours from 9.5 on: half a second of it was the line's
        ("request", 10.0, 13.0, 13.0), ("reply", 14.0, 18.0, 18.0),
        ("request", 17.0, 20.0, 20.0),  # overlaps: no gap
    ]  # fmt: skip
    assert parts(line, 0.0, 20.0) == pytest.approx((3 + 4 + 3 + 4 + 2, 2 + 1, 0.5))
